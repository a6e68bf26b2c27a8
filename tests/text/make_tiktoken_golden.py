#!/usr/bin/env python3
"""Writes data/tiktoken_golden.json: what tiktoken 0.14 makes of difficult texts, and of every code point in contexts.

    pip install tiktoken==0.14.0 && tests/text/fetch_rank_files.sh DIR && python3 make_tiktoken_golden.py DIR > data/tiktoken_golden.json
"""
import hashlib
import json
import random
import struct
import sys

import tiktoken
import tiktoken_ext.openai_public as public
from tiktoken.load import load_tiktoken_bpe

ENCODINGS = ["cl100k_base", "o200k_base", "p50k_base", "r50k_base"]
public.load_tiktoken_bpe = lambda url, expected_hash: load_tiktoken_bpe(f"{sys.argv[1]}/{url.split('/')[-1]}")
encodings = {name: tiktoken.Encoding(**public.ENCODING_CONSTRUCTORS[name]()) for name in ENCODINGS}

ATOMS = (
    "a b Z word Word WORD camelCase 's 'S 't 're 've 'll 'LL 'd 'm 'ſ ' '' ’s I'm don't DON'T x'sx 1 12 123 1234 12345 ٣ ½ ² é É e\u0301 ß İ ſ ǅ 中 文字 日本語 カタカナ 한국어 한AI는 "
    "Ελληνικά Привет हिन्दी ภาษาไทย עברית العربية \u0301 \u0301a \u200d 👍 👨‍👩‍👧‍👦 🇩🇪 \u200b \ufeff \u00ad . , ; !! ?! ... -- // /* */ http:// { } () [] <> | \\ _ __ # ## ``` = == => -> :: @ $ % & * + ~ ^ \" “q” «x» "
    "ʰ ªº ⅷ Ⅳ 〇 𝒜 𝟘 𐐀 𐐨 𠀀 \u0b3e \u093e"
).split() + [" ", "  ", "   ", "\t", "\t\t", "\n", "\n\n", "\r\n", "\r", "\u00a0", "\u3000", "\u2028", "\u0085", "\v", "\f", " \n", "\n ", "\n\t", " " * 20, "\n" * 9, "a" * 30, "=" * 20, "\u0000"]

random.seed(20260801)
texts = ["", *ATOMS]
for length in (2, 2, 2, 3, 3, 4, 5, 8, 16, 40):
    texts += ["".join(random.choice(ATOMS) for _ in range(length)) for _ in range(120)]
texts += ["".join(random.choice("ab '\n\r\tsStTlLrReEvV1.") for _ in range(random.randint(1, 200))) for _ in range(150)]
texts += ["".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(random.randint(1, 90))) for _ in range(60)]

CONTEXTS = ["{c}", "a{c}b", " {c}", "{c}'s", "'{c}", "A{c}a", "1{c}2", ".{c}x", "{c}{c}A", "\n{c}\n", "I'{c}"]
BLOCK = 0x1000


def digest(encoding, first):
    sha = hashlib.sha256()
    for c in range(first, first + BLOCK):
        if 0xD800 <= c < 0xE000:
            continue
        for context in CONTEXTS:
            ids = encoding.encode_ordinary(context.replace("{c}", chr(c)))
            sha.update(struct.pack(f"<{len(ids) + 1}I", len(ids), *ids))
    return sha.hexdigest()


print(
    json.dumps(
        {
            "reference": "tiktoken " + tiktoken.__version__,
            "texts": texts,
            "ids": {name: [encoding.encode_ordinary(text) for text in texts] for name, encoding in encodings.items()},
            "contexts": CONTEXTS,
            "block": BLOCK,
            "code_point_digests": {
                name: [digest(encoding, first) for first in range(0, 0x110000, BLOCK)] for name, encoding in encodings.items()
            },
        },
        separators=(",", ":"),
    )
)
