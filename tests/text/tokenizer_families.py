"""Tokenizers trained here, and texts to try them on: for compare_tokenizers.py and make_tokenizer_json_golden.py."""

import base64
import io
import json
import random

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

SENTENCES = """
The quick brown fox jumps over the lazy dog. It wasn't the first time, and they'll say it won't be the last.
Pack my box with five dozen liquor jugs; how vexingly quick daft zebras jump!
In 1984 the price rose from $12.50 to 1,234,567.89 euros, about 3.14159 per cent a year (see section 4.2).
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Straße, Fuß, Maß, Öl und Übermut.
Voix ambiguë d'un cœur qui, au zéphyr, préfère les jattes de kiwis. L'été où j'étais là, ça allait.
El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío; ¿añoraba a su querido cachorro?
Съешь же ещё этих мягких французских булок, да выпей чаю. В чащах юга жил бы цитрус?
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. Ο καλύμνικος σφουγγαράς ψιθύρισε πως θα βουτήξει χωρίς να διστάζει.
いろはにほへと ちりぬるを わかよたれそ つねならむ。東京都に住んでいます。カタカナとひらがなと漢字。
敏捷的棕色狐狸跳过了懒狗。今天的天气很好，我们去公园散步吧！一九八四年，价格上涨了百分之三。
다람쥐 헌 쳇바퀴에 타고파. 대한민국의 수도는 서울입니다. 오늘 날씨가 아주 좋네요.
نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر ومغلف بجلد أزرق.
דג סקרן שט בים מאוכזב ולפתע מצא לו חברה. מה שלומך היום?
ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश करने वाले विष्णुवतार भगवान श्रीराम।
เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน จงฝ่าฟันพัฒนาวิชาการ
Chữ Quốc ngữ: Do bạch kim rất quý nên sẽ dùng để lắp vô xương. Pijamalı hasta yağız şoföre çabucak güvendi.
def tokenize(text: str) -> list[int]:\n    return [vocab[t] for t in text.split() if t in vocab]  # TODO: speed
for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; }\n\t\treturn sum;\n}
# Heading\n\n* item one\n* item two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\necho "hello"\n```
👍🏽 🇫🇷🇩🇪 👨‍👩‍👧‍👦 e\u0301le\u0300ve n\u0303 \u1100\u1161\u11a8 ﬁne ½ ² ™ … “quoted” ‘single’ – dash — em ‰ № ℃
""".strip().replace("\\n", "\n").replace("\\t", "\t").replace("\\u0301", "\u0301").split("\n")

SPECIAL = ["<s>", "</s>", "<unk>", "<mask>", "<pad>", "<|x|>", "[CLS]"]
ODD = (
    [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "\u00a0", "\u3000", "\u2003", "\u200b", "\u200d", "\ufeff", "\u00ad"]
    + ["\u2581", "\u2581\u2581", "\x00", "\x01", "\x07", "\x7f", "\u0085", "\u2028", "\ufffd", "\u0600", "\u0301", "\u0308\u0301"]
    + ["e\u0301", "a\u0323\u0307", "\u1e9b\u0323", "\u212b", "\ufb03", "\ufdfa", "\u037a", "\u0130", "I\u0307", "\u03a3", "\uff21"]
    + ["\uff21\u0301", "\u1100\u1161", "\uac00\u11a8", "\uac01", "\u0958", "\u0915\u094d\u0937", "\u0e33", "\U0001f468\u200d\U0001f469"]
    + ["\U0001f1eb\U0001f1f7", "\U0001d400", "\U0010ffff", "\u0149", "'s", "'S", "'\u017f", "'ll", "''", "``", "...", "\u2026"]
)


def texts(seed, count):
    """`count` texts: real ones, cut and mixed; odd characters among them; random code points."""
    rng = random.Random(seed)
    words = [word for line in SENTENCES for word in line.split(" ")]
    ascii_words = [word for word in words if word.isascii()]

    def piece():
        kind = rng.random()
        if kind < 0.45:
            return rng.choice(words)
        if kind < 0.6:
            return rng.choice(ODD)
        if kind < 0.68:
            return rng.choice(SPECIAL)
        if kind < 0.74:
            return "".join(rng.choice("abcdefghijklmnopqrstuvwxyzABC0123456789") for _ in range(rng.randint(1, 24)))
        if kind < 0.78:
            return rng.choice(" \n.a-=_'") * rng.randint(1, 40)
        if kind < 0.82:
            return chr(rng.choice([rng.randint(1, 0x2FF), rng.randint(0x300, 0x3FFF), rng.randint(0x10000, 0x1FFFF)]))
        if kind < 0.85:
            return "".join(chr(rng.choice([*range(0x300, 0x370), *range(0x591, 0x5C8), 0x3099, 0x94D])) for _ in range(3))
        return rng.choice(ascii_words)

    made = list(SENTENCES)
    made += ["\n".join(SENTENCES), "", " ", "  ", "\n", " a", "a ", "  a  ", "\u2581", "\u2581a", "\u0301", "a\n b", "a\n\n b \n"]
    while len(made) < count:
        kind = rng.random()
        if kind < 0.15:
            line = rng.choice(SENTENCES)
            begin = rng.randint(0, len(line))
            made.append(line[begin : rng.randint(begin, len(line))])
        elif kind < 0.3:
            made.append("".join(piece() for _ in range(rng.randint(1, 12))))
        elif kind < 0.35:
            made.append("".join(chr(c) for c in rng.choices([*range(1, 0xD800), *range(0xE000, 0x110000, 7)], k=rng.randint(1, 20))))
        else:
            gap = rng.choice([" ", " ", " ", "", "  ", "\n"])
            made.append(gap.join(piece() for _ in range(rng.randint(1, 30))))
    return made[:count]


def charsmap(rules=None, name="nmt_nfkc"):
    """What SentencePiece compiles for one of its own rule sets, or for the pairs of strings in `rules`."""
    options = {"normalization_rule_name": name}
    if rules is not None:
        path = "/tmp/ragpipe_rules.tsv"
        with open(path, "w", encoding="utf-8") as file:
            for key, value in rules:
                file.write(" ".join(f"{ord(c):X}" for c in key) + "\t" + " ".join(f"{ord(c):X}" for c in value) + "\n")
        options = {"normalization_rule_tsv": path}
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES), model_writer=model, vocab_size=400, model_type="char", hard_vocab_limit=False,
        minloglevel=2, **options)
    return bytes(field(field(model.getvalue(), 3), 2))


def field(message, wanted):
    """The length-delimited field of a protocol buffer message."""

    def varint(at):
        value = shift = 0
        while True:
            value |= (message[at] & 0x7F) << shift
            shift += 7
            at += 1
            if not message[at - 1] & 0x80:
                return value, at

    at = 0
    while at < len(message):
        key, at = varint(at)
        if key & 7 == 0:
            _, at = varint(at)
        elif key & 7 == 2:
            size, at = varint(at)
            if key >> 3 == wanted:
                return message[at : at + size]
            at += size
        else:
            at += {1: 8, 5: 4}[key & 7]
    raise ValueError("no such field")


SMALL_RULES = (
    [(c, " ") for c in "\t\n\r\u00a0\u3000\u2581\u2003\u200b\ufeff"]
    + [(c, "") for c in "\x01\x07\x7f\u00ad"]
    + [("\ufb01", "fi"), ("\ufb03", "ffi"), ("\u00bd", "1\u20442"), ("\u00b2", "2"), ("\u2122", "TM"), ("\u2026", "..."), ("\u037a", " \u0345")]
    + [("e\u0301", "\u00e9"), ("e\u0300", "\u00e8"), ("n\u0303", "\u00f1"), ("A\u0301", "\u00c1"), ("\u00c1\u0301", "\u00c1")]
    + [(chr(0xFF01 + i), chr(0x21 + i)) for i in range(94)]
    + [("\u1100\u1161", "\uac00"), ("\u1100\u1161\u11a8", "\uac01"), ("\u0958", "\u0915\u093c"), ("\u0e33", "\u0e4d\u0e32")]
)


def precompiled(data):
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(data).decode()}


def train_unigram(normalizer, pre_tokenizer, size, byte_fallback=False, added=()):
    """The JSON of a Unigram tokenizer; the steps as JSON."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(SENTENCES * 3, trainers.UnigramTrainer(
        vocab_size=size, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    made = json.loads(tokenizer.to_str())
    made["normalizer"] = normalizer
    made["pre_tokenizer"] = pre_tokenizer
    made["decoder"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    if byte_fallback:
        made["model"]["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
        made["model"]["byte_fallback"] = True
        made["decoder"] = {"type": "Sequence", "decoders": [made["decoder"], {"type": "ByteFallback"}, {"type": "Fuse"}]}
    # A few characters are unknown.
    made["model"]["vocab"] = [entry for entry in made["model"]["vocab"] if entry[0] not in ("q", "\u0436", "\u96e8")]
    made["added_tokens"] += [added_token(len(made["model"]["vocab"]) + i, **token) for i, token in enumerate(added)]
    return made


def added_token(id, content, **options):
    token = {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return token | options


def train_bpe(normalizer, pre_tokenizer, decoder, size, byte_level=True, byte_fallback=False, **model):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>" if not byte_level else None))
    if byte_level:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(
        vocab_size=size, show_progress=False, special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if byte_level else []))
    made = json.loads(tokenizer.to_str())
    made["normalizer"] = normalizer
    made["pre_tokenizer"] = pre_tokenizer
    made["decoder"] = decoder
    made["model"] |= model
    if byte_fallback:
        made["model"]["byte_fallback"] = True
        for byte in range(256):
            made["model"]["vocab"].setdefault(f"<0x{byte:02X}>", len(made["model"]["vocab"]))
    return made


METASPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
MASK = {"content": "<mask>", "lstrip": True, "special": True, "normalized": False}
SPACES_TO_METASPACE = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
LLAMA2_DECODER = {"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}


CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + REST
QWEN = LLAMA3.replace("{1,3}", "")
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
LEAD = r"[^\r\n\p{L}\p{N}]?"
O200K = (f"{LEAD}{UPPER}*{LOWER}+{CONTRACTIONS}?|{LEAD}{UPPER}+{LOWER}*{CONTRACTIONS}?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + REST)


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def sequence(*steps):
    return {"type": "Sequence", "normalizers": list(steps)}


def pre_sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def families(size, map_bytes):
    """Name and JSON of one tokenizer of each kind."""
    map_step = precompiled(map_bytes)
    strip_right = {"type": "Strip", "strip_left": False, "strip_right": True}
    runs = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"}
    yield "xlm_roberta", train_unigram(map_step, pre_sequence({"type": "WhitespaceSplit"}, METASPACE), size, added=[MASK])
    yield "t5", train_unigram(sequence(map_step, strip_right, runs), METASPACE | {"prepend_scheme": "first"}, size,
                              added=[{"content": "<extra>", "normalized": True, "special": False, "single_word": True}])
    yield "albert", train_unigram(
        sequence({"type": "Replace", "pattern": {"String": "``"}, "content": '"'},
                 {"type": "Replace", "pattern": {"String": "''"}, "content": '"'}, {"type": "NFKD"}, {"type": "StripAccents"},
                 {"type": "Lowercase"}, map_step), METASPACE, size)
    yield "unigram_bytes", train_unigram(sequence({"type": "Nmt"}, {"type": "NFKC"}), METASPACE | {"prepend_scheme": "never"}, size, True)
    yield "unigram_whole", train_unigram(
        sequence({"type": "Strip", "strip_left": True, "strip_right": True}, {"type": "NFD"}, {"type": "Lowercase"}),
        METASPACE | {"split": False}, size,
        added=[{"content": "lazy", "normalized": True, "special": False, "lstrip": True, "rstrip": True}])
    yield "llama2", train_bpe(sequence({"type": "Prepend", "prepend": "\u2581"}, SPACES_TO_METASPACE), None, LLAMA2_DECODER, size,
                              byte_level=False, byte_fallback=True, fuse_unk=True)
    yield "gemma", train_bpe(SPACES_TO_METASPACE,
                             {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
                             LLAMA2_DECODER, size, byte_level=False, byte_fallback=True, fuse_unk=True)
    yield "bpe_unknown", train_bpe({"type": "NFC"}, METASPACE, None, size, byte_level=False, fuse_unk=True)
    yield "bpe_unknown_unfused", train_bpe({"type": "NFC"}, METASPACE, None, size, byte_level=False, fuse_unk=False)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    yield "gpt2", train_bpe(None, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}, byte_level, size)
    yield "llama3", train_bpe(None, pre_sequence(split(LLAMA3), byte_level), byte_level, size, ignore_merges=True)
    yield "qwen", train_bpe({"type": "NFC"}, pre_sequence(split(QWEN), byte_level), byte_level, size)
    yield "o200k", train_bpe(None, pre_sequence(split(O200K) | {"behavior": "Removed", "invert": True}, byte_level), byte_level, size)
    yield "bytes_whole", train_bpe(None, byte_level, byte_level, size)
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        yield f"split_{behavior}", train_bpe(
            None, {"type": "Split", "pattern": {"String": "a"}, "behavior": behavior, "invert": behavior == "Contiguous"}, None, size,
            byte_level=False)
