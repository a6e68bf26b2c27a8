"""Do chunks hold what questions ask for? Chroma's excerpts (chunking_evaluation) against chunkers, without any embedding.

An excerpt is cut when no chunk holds all of it but white space at its ends. PrecisionOmega is the share of what matters in the
chunks that a perfect search would return: per question, the excerpts' length over the length of all chunks that touch them
("strict": have a character in common; "touching", Chroma's own rule: or end where an excerpt begins); the mean over questions.
It falls as chunks grow, so chunkers are compared at equal mean size too, by interpolating between caps. All sizes are
cl100k_base tokens.
"""

import argparse
import bisect
import csv
import json
import pathlib
import subprocess
import sys

import tiktoken

CAPS = (200, 512)
MEANS = (150, 400)  # mean tokens of a chunk
GRID = (120, 150, 180, 200, 250, 300, 400, 450, 512, 600, 750, 900)  # caps between which is interpolated


def find_in_order(text, pieces):
    """Ranges of pieces that are copies of parts of the text, in order; what was rewritten has none."""
    ranges, begin = [], 0
    for piece in pieces:
        at = text.find(piece, begin)
        if at < 0:
            continue
        ranges.append((at, at + len(piece)))
        begin = at + 1
    return ranges


class Ours:
    def __init__(self, program, chunker, vocabularies):
        self.program, self.chunker, self.vocabularies = program, chunker, vocabularies

    def __call__(self, path, text, cap):
        command = [self.program, f"cl100k_base/{self.chunker}:{cap}", "ranges", path, self.vocabularies]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        chunks = [json.loads(line) for line in lines]
        starts = [0]  # byte offset of each character
        for character in text:
            starts.append(starts[-1] + len(character.encode()))
        return [(bisect.bisect_left(starts, chunk["begin"]), bisect.bisect_left(starts, chunk["end"])) for chunk in chunks]


def rivals(encoding):
    def chonkie_recursive(path, text, cap):
        from chonkie import RecursiveChunker

        return [(chunk.start_index, chunk.end_index) for chunk in RecursiveChunker(tokenizer=encoding, chunk_size=cap).chunk(text)]

    def semchunk_(path, text, cap):
        import semchunk

        return semchunk.chunkerify(encoding, cap)(text, offsets=True)[1]

    def text_splitter(splitter):
        def split(path, text, cap):
            import semantic_text_splitter

            chunks = getattr(semantic_text_splitter, splitter).from_tiktoken_model("gpt-4", cap).chunk_indices(text)
            return [(begin, begin + len(chunk)) for begin, chunk in chunks]

        return split

    def langchain(path, text, cap):
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        splitter = RecursiveCharacterTextSplitter(
            chunk_size=cap, chunk_overlap=0, length_function=lambda part: len(encoding.encode_ordinary(part)))
        return find_in_order(text, splitter.split_text(text))

    def llama_index(path, text, cap):
        from llama_index.core.node_parser import SentenceSplitter

        return find_in_order(text, SentenceSplitter(
            chunk_size=cap, chunk_overlap=0, tokenizer=encoding.encode_ordinary).split_text(text))

    def windows(path, text, cap):
        ids = encoding.encode_ordinary(text)
        begins = encoding.decode_with_offsets(ids)[1][::cap] + [len(text)]
        return list(zip(begins, begins[1:]))

    return {
        "chonkie recursive": chonkie_recursive,
        "semchunk": semchunk_,
        "text-splitter": text_splitter("TextSplitter"),
        "text-splitter Markdown": text_splitter("MarkdownSplitter"),
        "LangChain recursive": langchain,
        "LlamaIndex sentence": llama_index,
        "token windows": windows,
    }


def length(ranges):
    """Of their union."""
    total, end = 0, 0
    for first, last in sorted(ranges):
        total += max(0, last - max(first, end))
        end = max(end, last)
    return total


def omega(excerpts, chunks, touching):
    met, held, missed = [], [], list(excerpts)
    for begin, end in chunks:
        common = [(max(begin, first), min(end, last)) for first, last in excerpts]
        if any(first < last or (touching and first == last) for first, last in common):
            met.append((begin, end))
            held += [(first, last) for first, last in common if first < last]
    return length(held) / length(met + missed) if held else 0.0


def measure(corpora, split, cap, encoding, report_cuts=None):
    """Per corpus: excerpts, excerpts cut, questions, sums of both Omegas, chunks, tokens."""
    result = {}
    for name, (path, text, questions) in corpora.items():
        chunks = sorted(split(path, text, cap))
        begins = [begin for begin, _ in chunks]
        excerpts = cut = 0
        strict = touching = 0.0
        for question in questions:
            near = []
            for first, last in question:
                excerpts += 1
                low = max(0, bisect.bisect_right(begins, first) - 2)  # the chunk before may touch
                around = [chunk for chunk in chunks[low:bisect.bisect_right(begins, last)] if chunk[1] >= first]
                near += around
                text_first = first + len(text[first:last]) - len(text[first:last].lstrip())
                text_last = first + len(text[first:last].rstrip())
                if not any(begin <= text_first and text_last <= end for begin, end in around):
                    cut += 1
                    if report_cuts is not None:
                        report_cuts(name, text, (first, last), around)
            near = sorted(set(near))
            strict += omega(question, near, False)
            touching += omega(question, near, True)
        tokens = sum(len(ids) for ids in encoding.encode_ordinary_batch([text[begin:end] for begin, end in chunks]))
        result[name] = (excerpts, cut, len(questions), strict, touching, len(chunks), tokens)
    return result


def scores(result, names):
    excerpts, cut, questions, strict, touching, chunks, tokens = (sum(column) for column in zip(*(result[name] for name in names)))
    return {"mean": tokens / chunks, "cut": 100 * cut / excerpts, "strict": strict / questions, "touching": touching / questions}


def at_mean(by_cap, mean):
    """Interpolates between the two caps whose mean sizes lie around `mean`; None where it is outside of all."""
    points = sorted(by_cap, key=lambda point: point["mean"])
    for low, high in zip(points, points[1:]):
        if low["mean"] <= mean <= high["mean"]:
            share = (mean - low["mean"]) / max(high["mean"] - low["mean"], 1e-9)
            return {key: low[key] + share * (high[key] - low[key]) for key in low}
    return None


def load(folder):
    tables = sorted(folder.rglob("questions*.csv"))
    if not tables:
        sys.exit(f"chunk_quality: no questions*.csv below {folder}")
    corpora = {}
    with open(tables[0], newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = row["corpus_id"]
            if name not in corpora:
                paths = sorted(folder.rglob(f"{name}.md"))
                text = paths[0].read_bytes().decode() if paths else None
                corpora[name] = (paths[0] if paths else None, text, [])
            text, questions = corpora[name][1:]
            if text is None:
                continue
            references = json.loads(row["references"])
            if any(text[each["start_index"]:each["end_index"]] != each["content"] for each in references):
                sys.exit(f"chunk_quality: the excerpts of {tables[0]} are not those of {name}.md")
            questions.append([(each["start_index"], each["end_index"]) for each in references])
    return {name: corpus for name, corpus in corpora.items() if corpus[1] is not None}


def cells(score):
    if score is None:
        return f"{'-':>7}{'-':>8}{'-':>8}"
    return f"{score['cut']:6.1f}%{score['strict']:8.4f}{score['touching']:8.4f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="benchmarks/text_speed, built")
    parser.add_argument("--vocabularies", required=True, help="folder with cl100k_base.tiktoken")
    parser.add_argument("--corpora", required=True, type=pathlib.Path, help="Chroma's corpora and questions")
    parser.add_argument("--only", help="chunkers whose name contains this")
    parser.add_argument("--by-corpus", action="store_true", help="a table for each corpus too")
    parser.add_argument("--show-cuts", type=int, metavar="CAP", help="list the excerpts that are cut at this cap, and where")
    arguments = parser.parse_args()

    encoding = tiktoken.get_encoding("cl100k_base")
    chunkers = {f"ragpipe {name}": Ours(arguments.program, name, arguments.vocabularies) for name in ("recursive", "markdown")}
    chunkers |= rivals(encoding)
    corpora = load(arguments.corpora)
    if arguments.only:
        chunkers = {name: split for name, split in chunkers.items() if arguments.only in name}

    if arguments.show_cuts:
        def report(corpus, text, excerpt, chunks):
            for _, end in chunks:
                if excerpt[0] < end < excerpt[1]:
                    around = text[max(excerpt[0], end - 60):end], text[end:min(excerpt[1], end + 60)]
                    print(f"{corpus} excerpt [{excerpt[0]}, {excerpt[1]}) cut at {end}: {around[0]!r} | {around[1]!r}")

        for name, split in chunkers.items():
            print(f"== {name}, cap {arguments.show_cuts}")
            measure(corpora, split, arguments.show_cuts, encoding, report)
        return

    results = {name: {cap: measure(corpora, split, cap, encoding) for cap in sorted({*CAPS, *GRID})}
               for name, split in chunkers.items()}
    tables = [list(corpora)] + ([[name] for name in corpora] if arguments.by_corpus else [])
    for names in tables:
        excerpts = sum(len(question) for name in names for question in corpora[name][2])
        print(f"{', '.join(names)}: {excerpts} excerpts; per column: share cut, PrecisionOmega strict, touching")
        print(f"{'':24}" + "".join(f"{f'cap {cap} (mean)':>30}" for cap in CAPS) +
              "".join(f"{f'at mean {mean}':>25}" for mean in MEANS))
        for name, result in results.items():
            by_cap = {cap: scores(result[cap], names) for cap in result}
            row = "".join(f"{cells(by_cap[cap])} ({by_cap[cap]['mean']:4.0f})" for cap in CAPS)
            row += "".join(f"  {cells(at_mean(by_cap.values(), mean))}" for mean in MEANS)
            print(f"{name:24}{row}", flush=True)
        print()


if __name__ == "__main__":
    main()
