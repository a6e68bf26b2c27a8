#!/usr/bin/env python3
"""Writes data/tokenizer_json_golden.json: make_tokenizer_json_golden.py >data/tokenizer_json_golden.json

For each kind of tokenizer of tokenizer_families.py a small trained one, texts, and what Hugging Face `tokenizers` says of them:
ids, and the text they decode to. Made with tokenizers 0.23.3 and sentencepiece 0.2.
"""

import json

import tokenizers

import tokenizer_families

texts = tokenizer_families.texts(seed=7, count=100)
texts = [text for text in texts if len(text) < 400]
cases = []
for name, made in tokenizer_families.families(500, tokenizer_families.charsmap(tokenizer_families.SMALL_RULES)):
    reference = tokenizers.Tokenizer.from_str(json.dumps(made))
    encodings = [reference.encode(text, add_special_tokens=False) for text in texts]
    cases.append({
        "name": name,
        "tokenizer": made,
        "ids": [encoding.ids for encoding in encodings],
        "decoded": [reference.decode(encoding.ids) for encoding in encodings],
    })
golden = {"reference": f"tokenizers {tokenizers.__version__}", "texts": texts, "cases": cases}


def dump(value):
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


print('{"reference":' + dump(golden["reference"]) + ',\n"texts":' + dump(texts) + ',\n"cases":[')
print(",\n".join(dump(case) for case in cases))
print("]}")
