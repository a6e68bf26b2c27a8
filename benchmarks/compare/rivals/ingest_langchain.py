"""ingest_langchain.py run|drop TREE STATE | dump STATE: a folder of Markdown into Chroma through LangChain's indexing API, or ("drop") through
the same, with the same record of what was stored, into a store that embeds and drops. Prints what ingest.py asks for. Chunks are of 2,048 characters, its default splitter."""

import hashlib
import json
import os
import sys

from langchain_core.embeddings import Embeddings

DIMENSION = 384
STATE = sys.argv[-1]
counts = {"calls": 0, "texts": 0}


class NullEmbeddings(Embeddings):
    def embed_documents(self, texts):
        counts["calls"] += 1
        counts["texts"] += len(texts)
        return [[1.0, float(len(text) % 97)] + [0.0] * (DIMENSION - 2) for text in texts]

    def embed_query(self, text):
        return self.embed_documents([text])[0]


def load_and_split(tree):
    from langchain_community.document_loaders import DirectoryLoader, TextLoader
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    loader = DirectoryLoader(tree, glob="**/*.md", loader_cls=TextLoader, loader_kwargs={"encoding": "utf-8"})
    splitter = RecursiveCharacterTextSplitter(chunk_size=2048, chunk_overlap=0)
    return splitter.split_documents(loader.load())


def open_store():
    from langchain_chroma import Chroma

    return Chroma(collection_name="tree", embedding_function=NullEmbeddings(), persist_directory=f"{STATE}/chroma")


def run_index(tree, name, store):
    from langchain_classic.indexes import SQLRecordManager
    from langchain_core.indexing import index

    os.makedirs(STATE, exist_ok=True)
    records = SQLRecordManager(name, db_url=f"sqlite:///{STATE}/records.db")
    records.create_schema()
    index(load_and_split(tree), records, store, cleanup="full", source_id_key="source", key_encoder="sha256")


def run(tree):
    run_index(tree, "chroma/tree", open_store())


def drop(tree):
    from langchain_core.vectorstores import VectorStore

    class NullStore(VectorStore):
        def add_documents(self, documents, ids=None, **_):
            NullEmbeddings().embed_documents([document.page_content for document in documents])
            return ids

        def delete(self, ids=None, **_):
            return True

        def similarity_search(self, *_, **__):
            return []

        @classmethod
        def from_texts(cls, *_, **__):
            return cls()

    run_index(tree, "null/tree", NullStore())


def dump():
    store = open_store()
    page = 5000
    for offset in range(0, sys.maxsize, page):
        rows = store.get(limit=page, offset=offset, include=["documents", "metadatas", "embeddings"])
        for text, metadata, vector in zip(rows["documents"], rows["metadatas"], rows["embeddings"]):
            row = (sorted(metadata.items()), text, [float(x) for x in vector])
            print(hashlib.sha256(repr(row).encode()).hexdigest())
        if len(rows["documents"]) < page:
            return


if sys.argv[1] == "dump":
    dump()
else:
    {"run": run, "drop": drop}[sys.argv[1]](sys.argv[2])
    print(json.dumps(counts))
