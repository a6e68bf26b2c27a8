"""Makes the texts that speed is measured on, from files found in folders: English, Markdown, code, multilingual, and worst cases.

    corpora.py OUT FOLDER...

No piece of a text occurs twice in it: a cache must not be given what it has seen. Files are taken in the order of a hash of their
content, so the same files give the same texts.
"""

import hashlib
import pathlib
import random
import re
import string
import sys

BYTES = 4_000_000  # of each text, if that much is found
MOST_OF_ONE_FILE = 60_000


def digest(text):
    return hashlib.sha256(text.encode()).digest()


def files(folders, endings):
    found = {}
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.suffix not in endings or not path.is_file() or path.stat().st_size < 500:
                continue
            try:
                text = path.read_bytes()[:4 * MOST_OF_ONE_FILE].decode()
            except (UnicodeDecodeError, OSError):
                continue
            found.setdefault(digest(text), text)
    return [found[key] for key in sorted(found)]


def join(parts, separator, minimum=1):
    seen, kept, size = set(), [], 0
    for part in parts:
        key = digest(part)
        if key in seen or len(part) < minimum or size >= BYTES:
            continue
        seen.add(key)
        kept.append(part)
        size += len(part.encode()) + len(separator)
    return separator.join(kept) + "\n"


def whole_lines(text):
    return text if len(text) <= MOST_OF_ONE_FILE else text[:text.rfind("\n", 0, MOST_OF_ONE_FILE) + 1]


def prose(texts):
    """Paragraphs of running English, each on one line, also those of comments."""
    for text in texts:
        without_marks = re.sub(r"^[ \t]*(///|//!|//|#|\*|--|>|[-*] )+[ \t]?", "", text, flags=re.MULTILINE)
        for paragraph in re.split(r"\n\s*\n", without_marks):
            line = " ".join(paragraph.split())
            letters = sum(character in string.ascii_lowercase + " ,." for character in line)
            if len(line) > 150 and letters > 0.9 * len(line) and line[-1] in ".!?" and " the " in line:
                yield line


def translations(texts):
    """The translated strings of gettext catalogues, mixed."""
    strings = []
    for text in texts:
        for entry in re.findall(r'^msgstr(?:\[\d\])? ((?:".*"\s*)+)', text, re.MULTILINE):
            line = "".join(re.findall(r'"(.*)"', entry)).replace('\\n', "\n").replace('\\"', '"').strip()
            if any(ord(character) > 127 for character in line):
                strings.append(line)
    return sorted(strings, key=digest)


def worst_cases(size):
    chance = random.Random(1)
    letters = "".join(chance.choices(string.ascii_lowercase, k=size))
    words = ["".join(chance.choices(string.ascii_lowercase, k=8)) for _ in range(size // 9)]
    far = size // 2
    family = "\U0001F468\u200D\U0001F469\u200D\U0001F467\U0001F1E9\U0001F1EA"
    return {
        "one letter": "a" * size,
        "spaces": " " * size,
        "newlines": "\n" * size,
        "random letters": letters,
        "random words": " ".join(words),
        "one far blank line": "x" * far + "\n\n" + "y" * far,
        "a and a space": "a " * (size // 2),
        "emoji": family * (size // len(family.encode())),
        "base64": "".join(chance.choices(string.ascii_letters + string.digits + "+/", k=size)),
        "nested quotes": "> " * min(100_000, size // 3) + "text\n" * ((size - 2 * min(100_000, size // 3)) // 5),
        "table row": "| a | b |\n|---|---|\n| " + "cell " * (size // 5) + " | b |\n",
    }


def main():
    out, folders = pathlib.Path(sys.argv[1]), sys.argv[2:]
    out.mkdir(parents=True, exist_ok=True)
    documents = files(folders, {".md", ".rst", ".txt", ".py", ".rs", ".h", ".go"})
    texts = {
        "english": join(prose(documents), "\n\n"),
        "markdown": join(map(whole_lines, files(folders, {".md"})), "\n"),
        "code": join(map(whole_lines, files(folders, {".py", ".rs", ".c", ".h", ".js", ".ts", ".go"})), "\n"),
        "multilingual": join(translations(files(folders, {".po"})), "\n"),
    }
    for name, text in texts.items():
        data = text.encode()
        if len(data) < 1_000_000:
            sys.exit(f"corpora: only {len(data)} bytes of {name} text in the folders; 1,000,000 at least are needed")
        (out / f"{name}.txt").write_bytes(data)
        print(f"{name}: {len(data)} bytes")
    for megabytes in (1, 8):
        folder = out / f"worst-{megabytes}"
        folder.mkdir(exist_ok=True)
        for name, text in worst_cases(megabytes << 20).items():
            (folder / f"{name}.txt").write_bytes(text.encode())


if __name__ == "__main__":
    main()
