#!/usr/bin/env python3
"""Writes unicode_16_classes.inc: what tiktoken takes each code point for, asked of tiktoken itself.

    pip install tiktoken==0.14.0 && python3 make_unicode_classes.py > unicode_16_classes.inc

tiktoken 0.14 was built with the Unicode 16 tables of Rust's regex-syntax. A run is written as its first code point * 8 + class;
the classes are those of CharClass.
"""
import tiktoken

CLASSES = [r"\s", r"[\r\n]", r"\p{N}", r"[\p{Lu}\p{Lt}]", r"\p{Ll}", r"[\p{Lm}\p{Lo}]", r"\p{M}"]
BYTES = {bytes([i]): i for i in range(256)}

classes = [0] * 0x110000
for number, pattern in enumerate(CLASSES, start=1):
    encoding = tiktoken.Encoding(pattern, pat_str=pattern, mergeable_ranks=BYTES, special_tokens={})
    for c in range(0x110000):
        if not 0xD800 <= c < 0xE000 and encoding.encode_ordinary(chr(c)):
            classes[c] = number

runs = [c * 8 + classes[c] for c in range(0x110000) if c == 0 or classes[c] != classes[c - 1]]
print("// Written by make_unicode_classes.py from tiktoken " + tiktoken.__version__ + " (Unicode 16).")
for i in range(0, len(runs), 14):
    print(" ".join(f"0x{run:X}," for run in runs[i : i + 14]))
