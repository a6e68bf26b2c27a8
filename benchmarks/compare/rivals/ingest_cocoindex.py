"""ingest_cocoindex.py run TREE STATE | dump STATE: a folder of Markdown into a SQLite table, as CocoIndex's text_embedding example
does it, with a null embedder. Prints what ingest.py asks for. Chunks are of 2,048 bytes: its splitter counts no tokens. Vectors
are stored as bytes, so that no SQLite extension is needed, and without an index."""

import hashlib
import json
import os
import pathlib
import sqlite3
import sys
from dataclasses import dataclass
from typing import AsyncIterator

import cocoindex as coco
import numpy
from cocoindex.connectors import localfs, sqlite
from cocoindex.ops.text import RecursiveSplitter
from cocoindex.resources.chunk import Chunk
from cocoindex.resources.file import FileLike, PatternFilePathMatcher
from cocoindex.resources.id import IdGenerator
from numpy.typing import NDArray

DIMENSION = 384
STATE = pathlib.Path(sys.argv[-1])
counts = {"calls": 0, "texts": 0}


class NullEmbedder:
    """As SentenceTransformerEmbedder, without a model."""

    @coco.fn.as_async(batching=True, max_batch_size=64)
    def _embed(self, texts: list[str]) -> list[NDArray[numpy.float32]]:
        counts["calls"] += 1
        counts["texts"] += len(texts)
        vectors = numpy.zeros((len(texts), DIMENSION), dtype=numpy.float32)
        vectors[:, 0] = 1
        vectors[:, 1] = [len(text) % 97 for text in texts]
        return list(vectors)

    @coco.fn(memo=True, version=1, logic_tracking="self")
    async def embed(self, text: str) -> NDArray[numpy.float32]:
        return await self._embed(text)

    def __coco_memo_key__(self) -> object:
        return "null"


DATABASE = coco.ContextKey[sqlite.ManagedConnection]("database")
EMBEDDER = coco.ContextKey[NullEmbedder]("embedder")
splitter = RecursiveSplitter()


@coco.lifespan
async def lifespan(builder: coco.EnvironmentBuilder) -> AsyncIterator[None]:
    builder.settings.db_path = STATE / "cocoindex.db"
    with sqlite.managed_connection(STATE / "table.db", load_vec=False) as connection:
        builder.provide(DATABASE, connection)
        builder.provide(EMBEDDER, NullEmbedder())
        yield


@dataclass
class DocEmbedding:
    id: int
    filename: str
    chunk_start: int
    chunk_end: int
    text: str
    embedding: bytes


@coco.fn
async def process_chunk(chunk: Chunk, filename: pathlib.PurePath, ids: IdGenerator, table: sqlite.TableTarget[DocEmbedding]) -> None:
    table.declare_row(row=DocEmbedding(
        id=await ids.next_id(chunk.text), filename=str(filename), chunk_start=chunk.start.char_offset,
        chunk_end=chunk.end.char_offset, text=chunk.text,
        embedding=(await coco.use_context(EMBEDDER).embed(chunk.text)).tobytes()))


@coco.fn(memo=True)
async def process_file(file: FileLike, table: sqlite.TableTarget[DocEmbedding]) -> None:
    chunks = splitter.split(await file.read_text(), chunk_size=2048, chunk_overlap=0, language="markdown")
    await coco.map(process_chunk, chunks, file.file_path.path, IdGenerator(), table)


@coco.fn
async def app_main(tree: pathlib.Path) -> None:
    table = await sqlite.mount_table_target(
        DATABASE, table_name="doc_embeddings",
        table_schema=await sqlite.TableSchema.from_class(DocEmbedding, primary_key=["id"]))
    files = localfs.walk_dir(tree, recursive=True, path_matcher=PatternFilePathMatcher(included_patterns=["**/*.md"]))
    await coco.mount_each(process_file, files.items(), table)


def dump():
    rows = sqlite3.connect(STATE / "table.db").execute(
        "SELECT filename, chunk_start, chunk_end, text, embedding FROM doc_embeddings")
    for row in rows:
        print(hashlib.sha256(repr(row).encode()).hexdigest())


if sys.argv[1] == "dump":
    dump()
else:
    os.makedirs(STATE, exist_ok=True)
    app = coco.App(coco.AppConfig(name="ingest"), app_main, tree=pathlib.Path(sys.argv[2]))
    app.update_blocking()
    print(json.dumps(counts))
