"""ingest_llamaindex.py run TREE STATE | dump STATE: a folder of Markdown into Chroma through LlamaIndex's ingestion pipeline with its
document store. Prints what ingest.py asks for. Chunks are of 512 cl100k tokens."""

import hashlib
import json
import os
import sys

import chromadb

DIMENSION = 384
STATE = sys.argv[-1]
counts = {"calls": 0, "texts": 0}


def open_collection():
    return chromadb.PersistentClient(path=f"{STATE}/chroma").get_or_create_collection("tree")


def run(tree):
    from llama_index.core import SimpleDirectoryReader
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.storage.docstore import SimpleDocumentStore
    from llama_index.vector_stores.chroma import ChromaVectorStore

    class NullEmbedding(BaseEmbedding):
        def _get_text_embeddings(self, texts):
            counts["calls"] += 1
            counts["texts"] += len(texts)
            return [[1.0, float(len(text) % 97)] + [0.0] * (DIMENSION - 2) for text in texts]

        def _get_text_embedding(self, text):
            return self._get_text_embeddings([text])[0]

        def _get_query_embedding(self, query):
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query):
            return self._get_query_embedding(query)

    class BatchedStore(ChromaVectorStore):
        """Chroma refuses more than 5,461 records a call, which its adapter does not know."""

        def add(self, nodes, **options):
            ids = []
            for first in range(0, len(nodes), 5000):
                ids += ChromaVectorStore.add(self, nodes[first:first + 5000], **options)
            return ids

    documents = SimpleDirectoryReader(tree, recursive=True, filename_as_id=True).load_data()
    pipeline = IngestionPipeline(
        transformations=[SentenceSplitter(chunk_size=512, chunk_overlap=0), NullEmbedding(embed_batch_size=64)],
        docstore=SimpleDocumentStore(), vector_store=BatchedStore(chroma_collection=open_collection()),
        docstore_strategy=DocstoreStrategy.UPSERTS_AND_DELETE)
    if os.path.exists(f"{STATE}/pipeline"):
        pipeline.load(f"{STATE}/pipeline")
    pipeline.run(documents=documents)
    pipeline.persist(f"{STATE}/pipeline")


def dump():
    collection = open_collection()
    page = 5000
    for offset in range(0, sys.maxsize, page):
        rows = collection.get(limit=page, offset=offset, include=["documents", "metadatas", "embeddings"])
        for text, metadata, vector in zip(rows["documents"], rows["metadatas"], rows["embeddings"]):
            row = (metadata["file_path"], text, [float(x) for x in vector])
            print(hashlib.sha256(repr(row).encode()).hexdigest())
        if len(rows["documents"]) < page:
            return


if sys.argv[1] == "dump":
    dump()
else:
    os.makedirs(STATE, exist_ok=True)
    run(sys.argv[2])
    print(json.dumps(counts))
