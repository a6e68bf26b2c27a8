"""vocabularies.py FOLDER ENGLISH MULTILINGUAL: vocabularies in the forms that rivals want, made from what is in FOLDER already.

cl100k_base.json: the rank file as tokenizer.json (for tokie). unigram.json: a Unigram vocabulary trained on the two texts.
"""

import json
import pathlib
import re
import sys

import tiktoken
import tokenizers

CONTROL = "".join(map(chr, (*range(33, 127), *range(161, 173), *range(174, 256))))


def byte_names():
    """The printable character that stands for each byte in a byte-level tokenizer.json (GPT-2's table)."""
    names, spare = {}, 256
    for byte in range(256):
        if chr(byte) in CONTROL:
            names[byte] = chr(byte)
        else:
            names[byte], spare = chr(spare), spare + 1
    return names


def last_merge(ranks, token):
    """The two parts whose merge gives the token: what is left when merging stops before its own rank."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        best = min((ranks.get(parts[i] + parts[i + 1], 1 << 30), i) for i in range(len(parts) - 1))[1]
        parts[best:best + 2] = [parts[best] + parts[best + 1]]
    return parts


def byte_level_json(encoding):
    ranks, names = encoding._mergeable_ranks, byte_names()

    def name(token):
        return "".join(names[byte] for byte in token)

    merges = [[name(part) for part in last_merge(ranks, token)] for token in sorted(ranks, key=ranks.get) if len(token) > 1]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
                                                   r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"},
             "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {name(token): rank for token, rank in ranks.items()}, "merges": merges},
    }


def main():
    folder, texts = pathlib.Path(sys.argv[1]), sys.argv[2:]
    (folder / "cl100k_base.json").write_text(json.dumps(byte_level_json(tiktoken.get_encoding("cl100k_base"))))
    unigram = tokenizers.Tokenizer(tokenizers.models.Unigram())
    unigram.normalizer = tokenizers.normalizers.NFKC()
    unigram.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    unigram.decoder = tokenizers.decoders.Metaspace()
    # Words of letters only: on what else is in texts, the trainer's likelihood can overflow.
    lines = (" ".join(re.findall(r"[^\W\d_]{1,30}[.,]?", line)) for text in texts
             for line in pathlib.Path(text).read_text(encoding="utf-8").splitlines())
    trainer = tokenizers.trainers.UnigramTrainer(
        vocab_size=32000, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False)
    unigram.train_from_iterator(lines, trainer)
    unigram.save(str(folder / "unigram.json"))


if __name__ == "__main__":
    main()
