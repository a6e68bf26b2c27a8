#!/usr/bin/env python3
"""Writes unicode_tables.inc: make_unicode_tables.py VENDOR >unicode_tables.inc

VENDOR is a folder made by `cargo vendor` for a project that depends on the crate `tokenizers` 0.23: the tables are those that
the reference itself is built with, so that no other version of Unicode can move a token.
"""

import pathlib
import re
import sys

vendor = pathlib.Path(sys.argv[1])
RANGE = r"\(\s*'((?:\\u\{[0-9a-fA-F]+\})|.|\\.)'\s*,\s*'((?:\\u\{[0-9a-fA-F]+\})|.|\\.)'\s*(?:,\s*(GC_\w+))?\s*\)"


def code_point(text):
    if text.startswith("\\u{"):
        return int(text[3:-1], 16)
    assert len(text) == 1, text
    return ord(text)


def ranges(text):
    return [(code_point(first), code_point(last), kind) for first, last, kind in re.findall(RANGE, text, re.S)]


def between(text, begin, end):
    start = text.index(begin)
    return text[start : text.index(end, start)]


def write(name, rows, line_of):
    print(f"constexpr {name}[] = {{")
    line = "   "
    for row in rows:
        item = line_of(row)
        if len(line) + len(item) + 2 > 128:
            print(line)
            line = "   "
        line += " " + item + ","
    print(line)
    print("};")


segmentation = (vendor / "unicode-segmentation/src/tables.rs").read_text()
graphemes = between(segmentation, "grapheme_cat_table: &[(char", "];")
names = {
    "GC_Control": "kControl", "GC_CR": "kControl", "GC_LF": "kControl", "GC_Extend": "kExtend", "GC_ZWJ": "kZwj",
    "GC_Extended_Pictographic": "kPictographic", "GC_InCB_Consonant": "kConsonant", "GC_L": "kHangulL", "GC_V": "kHangulV",
    "GC_T": "kHangulT", "GC_Prepend": "kPrepend", "GC_Regional_Indicator": "kRegional", "GC_SpacingMark": "kSpacingMark",
}
version = re.search(r"UNICODE_VERSION: \(u64, u64, u64\) = \((\d+), (\d+), (\d+)\)", segmentation).groups()
print(f"// Written by make_unicode_tables.py. Graphemes: unicode-segmentation, Unicode {'.'.join(version)}.")
rows = [row for row in ranges(graphemes) if row[2] not in ("GC_LV", "GC_LVT") and row[1] >= 0x80]
write("GraphemeRange kGraphemeRanges", rows, lambda row: f"{{{max(row[0], 0x80):#x}, {row[1]:#x}, {names[row[2]]}}}")

extends = ranges(between(segmentation, "InCB_Extend_table: &[(char", "];"))
write("CodePointRange kConjunctExtendRanges", extends, lambda row: f"{{{row[0]:#x}, {row[1]:#x}}}")
linkers = re.findall(r"'\\u\{([0-9A-Fa-f]+)\}'", between(segmentation, "pub fn is_incb_linker", "}\n\n"))
write("char32_t kConjunctLinkers", linkers, lambda value: f"{int(value, 16):#x}")
