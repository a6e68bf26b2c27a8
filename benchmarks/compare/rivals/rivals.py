"""rivals.py ENGINE TASK MODE FILE VOCABULARIES: one measurement of a rival that comes as a Python package; prints what main.rs prints."""

import json
import sys
import time

CAP = 512


def of_ids(ids):
    import numpy

    ids = numpy.asarray(ids, dtype=numpy.uint64)
    return len(ids), int((ids * numpy.arange(1, len(ids) + 1, dtype=numpy.uint64)).sum(dtype=numpy.uint64))


def encoder(engine, vocabulary, folder):
    if engine == "tiktoken":
        import tiktoken

        return tiktoken.get_encoding(vocabulary).encode_ordinary
    if engine == "gigatoken":
        import gigatoken

        return gigatoken.Tokenizer.from_tiktoken(f"{folder}/{vocabulary}.tiktoken").encode
    with open(f"{folder}/{vocabulary}.json", encoding="utf-8") as file:
        rules = json.load(file)
    rules.update(post_processor=None, truncation=None, padding=None)
    if engine == "nanotoken":
        import nanotoken

        tokenizer = nanotoken.Tokenizer.from_json(json.dumps(rules))
        return lambda text: tokenizer.encode(text, add_special_tokens=False)
    if engine == "tokenizers":
        import tokenizers

        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(rules))
        return lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    if engine == "tokie":
        import tokie

        tokenizer = tokie.Tokenizer.from_json(f"{folder}/{vocabulary}.json")
        return lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    raise SystemExit(f"rivals: no engine {engine}")


def chunker(engine, vocabulary, folder):
    if engine == "chonkie recursive + tokie":
        import chonkie
        import tokie

        splitter = chonkie.RecursiveChunker(tokenizer=tokie.Tokenizer.from_json(f"{folder}/{vocabulary}.json"), chunk_size=CAP)
        return splitter.chunk
    import tiktoken

    encoding = tiktoken.get_encoding(vocabulary)
    if engine == "semchunk":
        import semchunk

        return semchunk.chunkerify(encoding, CAP, memoize=False)
    if engine == "LangChain recursive":
        import langchain_text_splitters

        return langchain_text_splitters.RecursiveCharacterTextSplitter(
            chunk_size=CAP, chunk_overlap=0, length_function=lambda part: len(encoding.encode_ordinary(part))).split_text
    if engine == "LlamaIndex sentence":
        from llama_index.core.node_parser import SentenceSplitter

        return SentenceSplitter(chunk_size=CAP, chunk_overlap=0, tokenizer=encoding.encode_ordinary).split_text
    raise SystemExit(f"rivals: no engine {engine}")


def resident_kib():
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def main():
    engine, task, mode, path, folder = sys.argv[1:]
    vocabulary, what = task.split("/")
    with open(path, newline="", encoding="utf-8") as file:
        text = file.read()
    kib, start = resident_kib(), time.perf_counter()
    run = encoder(engine, vocabulary, folder) if what == "encode" else chunker(engine, vocabulary, folder)
    run("Hello")
    load, kib = time.perf_counter() - start, resident_kib() - kib
    timed = text
    if mode == "halves":
        data = text.encode()
        middle = data.index(b"\n", len(data) // 2)
        timed = data[middle:].decode()
        run(data[:middle].decode())
    seconds = []
    for _ in range(1 if mode == "first" else 5):
        start = time.process_time()
        result = run(timed)
        seconds.append(time.process_time() - start)
        if sum(seconds) > 20:
            break
    count, checksum = of_ids(result) if what == "encode" else (len(result), 0)
    print(json.dumps({"bytes": len(timed.encode()), "first": seconds[0], "warm": min(seconds[1:] or seconds), "count": count,
                      "sum": checksum, "load": load, "kib": kib}))


if __name__ == "__main__":
    main()
