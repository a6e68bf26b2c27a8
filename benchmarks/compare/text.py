"""Tokenizers and chunkers side by side, MB/s of one pinned thread (CPU time of the process). See text.sh, which runs this.

A cell is "unseen / warm": the first half of the text has been seen, the second half is timed once, then again; the best of
--repeats processes, for machines are noisy. Ids (or counts) are compared with the reference's, the last of a table, before a
figure is printed; "not exact" says that they differ.
"""

import argparse
import json
import subprocess
import sys

CORPORA = ("english", "markdown", "code", "multilingual")
OURS = "ragpipe"
PATIENCE = 60  # seconds for one measurement; what needs more is printed as "> 60 s"


class Runner:
    def __init__(self, arguments):
        self.programs, self.failures = arguments, {}

    def command(self, engine, task, mode, path):
        if engine == OURS:
            return [self.programs.ours, task, mode, path, self.programs.vocabularies]
        if engine in ("toktok", "bpe-openai") or engine.startswith("text-splitter"):
            return [self.programs.rust, engine, task, mode, path]
        return [sys.executable, self.programs.python, engine, task, mode, path, self.programs.vocabularies]

    def __call__(self, engine, task, mode, path, pinned=True):
        """The measurement, or None with the reason in `failures`, or "slow"."""
        results = []
        for _ in range(self.programs.repeats):
            results.append(self.once(engine, task, mode, path, pinned))
            if not isinstance(results[-1], dict):
                return results[-1]
        return results[0] | {figure: min(result[figure] for result in results) for figure in ("first", "warm", "load", "kib")}

    def once(self, engine, task, mode, path, pinned):
        pin = ["taskset", "-c", self.programs.core] if pinned else []
        try:
            done = subprocess.run(pin + self.command(engine, task, mode, path), capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return "slow"
        if done.returncode != 0:
            self.failures[engine, task] = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return None
        return json.loads(done.stdout.splitlines()[-1])

    def corpus(self, name):
        return f"{self.programs.corpora}/{name}.txt"


def speed(result, which="first"):
    if result is None:
        return "-"
    return f"> {PATIENCE} s" if result == "slow" else f"{result['bytes'] / result[which] / 1e6:.3g}"


def both(result):
    return speed(result) if result in (None, "slow") else f"{speed(result)} / {speed(result, 'warm')}"


def row(name, cells, width=17):
    print(f"{name:30}" + "".join(f"{cell:>{width}}" for cell in cells), flush=True)


def ratio(ours, others):
    """Ours over the best of the others, unseen / warm."""
    others = [each for each in others if isinstance(each, dict)]
    if not isinstance(ours, dict) or not others:
        return "-"
    return " / ".join(f"{min(each[which] / each['bytes'] for each in others) / (ours[which] / ours['bytes']):.2f}x"
                      for which in ("first", "warm"))


def encoders(run, title, vocabulary, engines):
    """The last engine is the reference."""
    print(f"\n{title}")
    row("", CORPORA)
    results = {engine: [run(engine, f"{vocabulary}/encode", "halves", run.corpus(name)) for name in CORPORA] for engine in engines}
    reference = results[engines[-1]]
    for engine, cells in results.items():
        same = all(mine is None or wanted is None or "slow" in (mine, wanted) or
                   (mine["count"], mine["sum"]) == (wanted["count"], wanted["sum"]) for mine, wanted in zip(cells, reference))
        row(engine + ("" if same else " (not exact)"), map(both, cells))
    row("ragpipe / best", [ratio(*split) for split in zip(results[OURS], zip(*(results[name] for name in engines[1:])))])
    counts = [run(OURS, f"{vocabulary}/count", "halves", run.corpus(name)) for name in CORPORA]
    if any(mine and wanted and mine["count"] != wanted["count"] for mine, wanted in zip(counts, reference)):
        sys.exit(f"text: ragpipe's counts for {vocabulary} are not the reference's")
    row("ragpipe count only", map(both, counts))
    if "toktok" in engines:
        row("toktok count only", (both(run("toktok", f"{vocabulary}/count", "halves", run.corpus(name))) for name in CORPORA))
    row("ragpipe count / best encode", [ratio(*split) for split in zip(counts, zip(*(results[name] for name in engines[1:])))])
    return results


def chunkers(run, vocabulary):
    print(f"\nChunks of 512 {vocabulary} tokens")
    row("", CORPORA)
    rivals = {"chonkie recursive + tokie": "chunk", "text-splitter + toktok": "chunk", "text-splitter + tiktoken-rs": "chunk",
              "LangChain recursive": "chunk", "LlamaIndex sentence": "chunk", "semchunk": "chunk"}
    results = {}
    for task in ("recursive", "markdown"):
        results[task] = [run(OURS, f"{vocabulary}/{task}", "halves", run.corpus(name)) for name in CORPORA]
        row(f"ragpipe {task}", map(both, results[task]))
    for title, numbers in (("cap 64", "64"), ("cap 16384", "16384"), ("overlap 64", "512:64")):
        row(f"ragpipe recursive, {title}", (both(run(OURS, f"{vocabulary}/recursive:{numbers}", "halves", run.corpus(name)))
                                            for name in CORPORA))
    markdown = [run("text-splitter + toktok", f"{vocabulary}/markdown", "halves", run.corpus(name)) for name in CORPORA]
    row("text-splitter Markdown + toktok", map(both, markdown))
    for engine, task in rivals.items():
        results[engine] = [run(engine, f"{vocabulary}/{task}", "halves", run.corpus(name)) for name in CORPORA]
        row(engine, map(both, results[engine]))
        row("  ragpipe recursive / this", [ratio(mine, [other]) for mine, other in zip(results["recursive"], results[engine])])


def options(run, vocabulary):
    """What options cost: the tasks take turns, so that a slow moment of the machine meets all of them."""
    print(f"\nWhat options cost, {vocabulary}: of the speed of counting, and less than RecursiveChunker at 512, unseen")
    row("", CORPORA)
    tasks = {"recursive": "recursive", "markdown": "markdown", "recursive, cap 64": "recursive:64",
             "recursive, cap 16384": "recursive:16384", "recursive, overlap 64": "recursive:512:64"}
    cells = {title: [] for title in tasks}
    for name in CORPORA:
        seconds = dict.fromkeys(("count", *tasks.values()), float("inf"))
        for _ in range(4 * run.programs.repeats):
            for task in seconds:
                again = run.once(OURS, f"{vocabulary}/{task}", "halves", run.corpus(name), pinned=True)
                seconds[task] = min(seconds[task], again["first"])
        for title, task in tasks.items():
            cells[title].append(f"{seconds['count'] / seconds[task]:.0%} / {1 - seconds['recursive'] / seconds[task]:.0%}")
    for title, costs in cells.items():
        row(title, costs)


def worst_cases(run, vocabulary):
    print(f"\nWorst cases, {vocabulary}: MB/s on first sight of 1 MB; in brackets, how often the time of 1 MB is taken by 8 MB")
    columns = ((OURS, "count"), (OURS, "recursive"), (OURS, "markdown"), ("toktok", "encode"), ("gigatoken", "encode"),
               ("bpe-openai", "encode"), ("tiktoken", "encode"))
    row("", [f"{engine} {what}" for engine, what in columns], 21)
    cases = ("one letter", "spaces", "newlines", "random letters", "random words", "one far blank line", "a and a space", "emoji",
             "base64", "nested quotes", "table row")
    for case in cases:
        cells = []
        for engine, what in columns:
            small = run(engine, f"{vocabulary}/{what}", "first", run.corpus(f"worst-1/{case}"))
            cell = speed(small)
            if engine == OURS and isinstance(small, dict):
                large = run(engine, f"{vocabulary}/{what}", "first", run.corpus(f"worst-8/{case}"))
                cell += f" ({large['first'] / small['first']:.1f})" if isinstance(large, dict) else f" ({speed(large)})"
            cells.append(cell)
        row(case, cells, 21)


def start_up(run, vocabularies):
    print("\nStart-up: milliseconds until the first token, MiB of resident memory more than before")
    for vocabulary, engines in vocabularies.items():
        for engine in engines:
            result = run(engine, f"{vocabulary}/encode", "first", run.corpus("worst-1/a and a space"))
            figures = (f"{1000 * result['load']:.0f} ms", f"{result['kib'] / 1024:.0f} MiB") if isinstance(result, dict) else ("-", "-")
            row(f"{vocabulary} {engine}", figures)


def threads(run, vocabularies):
    print("\nEight documents on two threads: wall time of one thread over that of two (not pinned)")
    row("", CORPORA)
    for task in [f"{vocabulary}/{what}" for vocabulary in vocabularies for what in ("encode", "recursive")]:
        results = [run(OURS, task, "threads", run.corpus(name), pinned=False) for name in CORPORA]
        row(task, (f"{each['first'] / each['warm']:.2f}" if isinstance(each, dict) else "-" for each in results))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", required=True, help="benchmarks/text_speed, built")
    parser.add_argument("--rust", required=True, help="the program of benchmarks/compare/rivals, built")
    parser.add_argument("--python", required=True, help="rivals.py")
    parser.add_argument("--vocabularies", required=True, help="folder with rank files and tokenizer.json's")
    parser.add_argument("--corpora", required=True, help="folder with what corpora.py makes")
    parser.add_argument("--core", default="1", help="the core to pin to")
    parser.add_argument("--repeats", type=int, default=2, help="processes that measure the same")
    parser.add_argument("--only", default="encode chunk options worst start threads", help="the tables to print")
    run = Runner(parser.parse_args())
    tables = run.programs.only.split()
    bpe = [OURS, "gigatoken", "toktok", "bpe-openai", "tiktoken"]
    wordpiece, unigram = [OURS, "nanotoken", "tokie", "tokenizers"], [OURS, "tokie", "tokenizers"]
    if "encode" in tables:
        encoders(run, "cl100k_base", "cl100k_base", bpe)
        encoders(run, "o200k_base", "o200k_base", bpe)
        encoders(run, "WordPiece (the default model's vocabulary)", "wordpiece", wordpiece)
        encoders(run, "Unigram (32,000 pieces, trained on the texts)", "unigram", unigram)
    if "chunk" in tables:
        chunkers(run, "cl100k_base")
    if "options" in tables:
        options(run, "cl100k_base")
    if "worst" in tables:
        worst_cases(run, "cl100k_base")
    if "start" in tables:
        start_up(run, {"cl100k_base": bpe, "wordpiece": wordpiece, "unigram": unigram})
    if "threads" in tables:
        threads(run, ("cl100k_base", "wordpiece"))
    for (engine, task), reason in run.failures.items():
        print(f"\n{engine}, {task}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
