"""Takes ragpipe and others through the same changes of a folder of Markdown. See ingest.sh, which runs this.

Each measurement is a process of its own, from its start to its end: wall and CPU seconds, the most memory that it and its children
held, the texts that it embedded, and the bytes that it caused to be written (/proc/PID/io). Afterwards each store is compared with
that of a cold run over the same files, record by record.
"""

import argparse
import collections
import hashlib
import json
import math
import os
import pathlib
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import threading
import time

OURS = "ragpipe"
STEPS = ("cold", "unchanged", "one word", "1 % mix")
MIB = 1 << 20


class Tree:
    """Files of English words drawn by Zipf's law, with headings, paragraphs and lists; and one of 100 KB. About four bytes a token."""

    def __init__(self, root, files, vocabulary):
        self.root, self.random = root, random.Random(20_261_129)
        pieces = json.loads(pathlib.Path(vocabulary).read_text())["model"]["vocab"]  # ids are in the order of frequency
        words = [word for word in sorted(pieces, key=pieces.get) if word.isascii() and word.isalpha() and len(word) > 1][:16_000]
        # Every third of the rarer ones is made of two: text has words that a vocabulary does not.
        self.words = words[:200] + [word + words[-rank] if rank % 3 == 0 else word for rank, word in enumerate(words[200:8000], 1)]
        self.files, self.written = [], 0
        shutil.rmtree(root, ignore_errors=True)
        for _ in range(files):
            self.add()
        self.long = root / "long.md"
        self.write(self.long, self.markdown(100_000))
        self.made = len(self.files)

    def word(self):
        return self.words[int(len(self.words) ** self.random.random()) - 1]

    def markdown(self, size):
        text, length = [f"# {self.word()} {self.word()}\n\n"], 0
        while length < size - 100:
            if self.random.randrange(8) == 0:
                text.append(f"## {self.word()} {self.word()}\n\n")
            is_list = self.random.randrange(6) == 0
            for _ in range(self.random.randint(2, 5)):
                sentence = " ".join(self.word() for _ in range(self.random.randint(5, 18))).capitalize()
                text.append(f"- {sentence}.\n" if is_list else f"{sentence}. ")
                length += len(text[-1])
            text.append("\n\n")
        return "".join(text)

    def write(self, path, text):
        path.write_text(text)
        self.written += 1
        os.utime(path, (1_790_000_000, 1_790_000_000 + self.written))  # later than before, as an editor leaves it

    def add(self):
        path = self.root / f"folder{len(self.files) // 100}" / f"file{len(self.files)}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.files.append(path)
        self.write(path, self.markdown(min(max(self.random.lognormvariate(math.log(4100) - 0.32, 0.8), 200), 60_000)))

    def edit(self, path):
        """Another word in the place of one of the text, about the middle."""
        text = path.read_text()
        words = [match.span() for match in re.finditer(r"(?<= )[^\W\d_]+", text)]
        begin, end = next((word for word in words if word[0] >= len(text) // 2), words[-1])
        self.write(path, text[:begin] + "unheardof" + text[end:])

    def mix(self):
        count = max(1, self.made // 100)
        chosen = self.random.sample(self.files[:self.made], 2 * count)
        for path in chosen[:count]:
            self.edit(path)
        for path in chosen[count:]:
            path.unlink()
        for _ in range(count):
            self.add()


class Peak(threading.Thread):
    """The most that a process and its descendants hold at once, looked at ten times a second."""

    def __init__(self, pid):
        super().__init__()
        self.pid, self.kib, self.ended = pid, 0, threading.Event()

    def resident(self, pid):
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            children = " ".join(pathlib.Path(task, "children").read_text() for task in pathlib.Path(f"/proc/{pid}/task").iterdir())
        except OSError:
            return 0
        own = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)
        return own + sum(self.resident(int(child)) for child in children.split())

    def run(self):
        while not self.ended.wait(0.1):
            self.kib = max(self.kib, self.resident(self.pid))


def measure(command):
    os.sync()  # nobody pays for what another one left
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peak = Peak(process.pid)
    peak.start()
    errors = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    reader.start()
    output = process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its counters are there until it is reaped
    wall = time.perf_counter() - begin
    counters = dict(line.split(": ") for line in pathlib.Path(f"/proc/{process.pid}/io").read_text().splitlines())
    peak.ended.set()
    peak.join()
    reader.join()
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode != 0:
        raise RuntimeError((errors[0].decode(errors="replace").strip().splitlines() or ["no message"])[-1])
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mib": max(usage.ru_maxrss, peak.kib) / 1024,
            "written_mib": int(counters["write_bytes"]) / MIB}, output.decode().strip().splitlines()


class Ragpipe:
    name = OURS

    def __init__(self, program):
        self.program = program

    def run(self, tree, state):
        state.mkdir(parents=True, exist_ok=True)
        figures, output = measure([self.program, tree, state / "index.db"])
        report = json.loads(output[-1])
        if not report["complete"]:
            raise RuntimeError(f"the run is not complete: {report['problems']}")
        return figures | {"texts": report["embed"]["texts"], "calls": report["embed"]["calls"], "run": report["seconds"]}

    def drop(self, tree, state):
        state.mkdir(parents=True, exist_ok=True)
        return measure([self.program, "--drop", tree, state / "ledger.db"])[0]

    def stat(self, tree):
        return measure([self.program, "--stat", tree])[0]

    def records(self, state):
        database = sqlite3.connect(state / "index.db")
        database.text_factory = bytes
        database.execute("INSERT INTO record_words(record_words, rank) VALUES('integrity-check', 1)")  # words equal texts
        database.rollback()
        segments = {}
        rows = database.execute("SELECT slot, source, document_id, metadata, record_id, position, range_begin, range_end, overlap,"
                                " tokens, text_key, headings, context, text FROM records JOIN documents ON document = documents.id")
        for slot, *row in rows:
            if slot // 256 not in segments:
                segments[slot // 256] = database.execute("SELECT data FROM vectors WHERE segment = ?", (slot // 256,)).fetchone()[0]
            size = len(segments[slot // 256]) // 256
            vector = segments[slot // 256][slot % 256 * size:(slot % 256 + 1) * size]
            yield hashlib.sha256(repr(row).encode() + vector).hexdigest()


class Rival:
    def __init__(self, name, python, programs):
        self.name, self.command = name, [python, "-W", "ignore", f"{programs}/ingest_{name}.py"]

    def run(self, tree, state):
        figures, output = measure(self.command + ["run", tree, state])
        return figures | json.loads(output[-1])

    def drop(self, tree, state):
        return measure(self.command + ["drop", tree, state])[0]

    def records(self, state):
        done = subprocess.run(self.command + ["dump", state], capture_output=True, check=True, text=True)
        return [line for line in done.stdout.splitlines() if len(line) == 64]


def stored_mib(folder):
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / MIB


def differences(got, wanted):
    got, wanted = collections.Counter(got), collections.Counter(wanted)
    return {"records": wanted.total(), "missing": (wanted - got).total(), "extra": (got - wanted).total()}


class Comparison:
    def __init__(self, arguments):
        self.work = pathlib.Path(arguments.work)
        self.files = arguments.files
        self.as_json = arguments.json
        self.vocabulary = arguments.vocabulary
        self.engines = [Ragpipe(arguments.ours)]
        self.engines += [Rival(*rival.split("=", 1), arguments.programs) for rival in arguments.rivals]
        self.results = collections.defaultdict(list)  # (engine, step) → measurements
        self.stores = {}
        self.failures = {}

    def note(self, engine, step, figures):
        self.results[engine, step].append(figures)
        line = {"engine": engine, "step": step} | {key: round(value, 4) for key, value in figures.items()}
        print(json.dumps(line), file=sys.stdout if self.as_json else sys.stderr, flush=True)

    def attempt(self, engine, step, action):
        if engine.name in self.failures:
            return
        try:
            self.note(engine.name, step, action())
        except (RuntimeError, OSError, ValueError, subprocess.CalledProcessError) as error:
            self.failures[engine.name] = f"{step}: {error}"

    def once(self):
        tree = Tree(self.work / "tree", self.files, self.vocabulary)
        changes = {"cold": None, "unchanged": None, "one word": lambda: tree.edit(tree.long), "1 % mix": tree.mix}
        for engine in self.engines:
            shutil.rmtree(self.work / engine.name, ignore_errors=True)
        for step in STEPS:
            if changes[step] is not None:
                changes[step]()
            time.sleep(3)  # a file that was written just now has no version that could be believed
            if step == "unchanged":
                self.attempt(self.engines[0], "stat walk", lambda: self.engines[0].stat(tree.root))
            for engine in self.engines:
                self.attempt(engine, step, lambda engine=engine, step=step: self.step(engine, tree, step))
        for engine in self.engines:
            if engine.name in (OURS, "langchain"):
                shutil.rmtree(self.work / f"{engine.name}-dropped", ignore_errors=True)
                self.attempt(engine, "dropped",
                             lambda engine=engine: engine.drop(tree.root, self.work / f"{engine.name}-dropped"))
        for engine in self.engines:
            self.attempt(engine, "compared", lambda engine=engine: self.compare(engine, tree))

    def step(self, engine, tree, step):
        state = self.work / engine.name
        figures = engine.run(tree.root, state)
        return figures | ({"stored_mib": stored_mib(state)} if step == "cold" else {})

    def compare(self, engine, tree):
        anew = self.work / f"{engine.name}-anew"
        shutil.rmtree(anew, ignore_errors=True)
        engine.run(tree.root, anew)
        return differences(engine.records(self.work / engine.name), engine.records(anew))

    def median(self, engine, step, figure):
        values = [result[figure] for result in self.results[engine, step] if figure in result]
        return statistics.median(values) if values else math.nan

    def row(self, name, cells):
        print(f"{name:12}" + "".join(f"{cell:>34}" for cell in cells), flush=True)

    def print_tables(self):
        print(f"\n{self.files + 1} Markdown files: wall s / CPU s / peak MiB / texts embedded / MiB written")
        self.row("", STEPS)
        for engine in self.engines:
            cells = []
            for step in STEPS:
                wall, cpu, peak, texts, written = (self.median(engine.name, step, figure)
                                                   for figure in ("wall", "cpu", "peak_mib", "texts", "written_mib"))
                cells.append(f"{wall:.3f} / {cpu:.2f} / {peak:.0f} / {texts:.0f} / {written:.1f}")
            self.row(engine.name, cells)
        for engine in self.engines[1:]:
            if engine.name in self.failures:
                continue
            self.row("ragpipe is", (f"{self.median(engine.name, step, 'wall') / self.median(OURS, step, 'wall'):.1f}x as fast as {engine.name}"
                                      for step in STEPS))
        print("\nStore after the last step, beside that of a cold run over the same files; bytes stored and written by the cold run")
        for engine in self.engines:
            if (engine.name, "compared") not in self.results:
                continue
            records, missing, extra = (self.median(engine.name, "compared", figure) for figure in ("records", "missing", "extra"))
            stored, written = (self.median(engine.name, "cold", figure) for figure in ("stored_mib", "written_mib"))
            print(f"{engine.name:12}{records:.0f} records: {missing:.0f} missing, {extra:.0f} extra; {stored:.0f} MiB stored, "
                  f"{written:.0f} MiB written ({written / stored:.1f}x)")
        print("\nDocuments a second when records are dropped: " + ", ".join(
            f"{engine.name} {(self.files + 1) / self.median(engine.name, 'dropped', 'wall'):.0f}"
            for engine in self.engines if (engine.name, "dropped") in self.results))
        walk = self.median(OURS, "stat walk", "wall")
        whole, run = (self.median(OURS, "unchanged", figure) for figure in ("wall", "run"))
        print(f"A stat of each file: {walk:.3f} s. When nothing changed, the run takes {run / walk:.1f} times that, and the process, which"
              f" loads a tokenizer, {whole / walk:.1f} times")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", required=True, help="benchmarks/ingest_files, built")
    parser.add_argument("--programs", required=True, help="folder with ingest_NAME.py")
    parser.add_argument("--vocabulary", required=True, help="tokenizer.json of the default model, for its words")
    parser.add_argument("--work", required=True, help="folder for files and stores")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("rivals", nargs="*", help="NAME=PYTHON")
    arguments = parser.parse_args()
    comparison = Comparison(arguments)
    for _ in range(arguments.repeats):
        comparison.once()
    if not arguments.json:
        comparison.print_tables()
    for engine, reason in comparison.failures.items():
        print(f"{engine} failed and is left out from there: {reason}", file=sys.stderr)
    if OURS in comparison.failures or any(result["missing"] or result["extra"] for result in comparison.results[OURS, "compared"]):
        sys.exit("ingest: ragpipe failed, or its store differs from a cold run's")


if __name__ == "__main__":
    main()
