#pragma once

// ragpipe keeps a vector index equal to the documents it was made from: incrementally, exactly and observably, inside the
// host's own process.
//
// The life of a document
//
//     Source ──changes──▶ intake ──▶ chunk ──▶ diff ──▶ embed ──▶ write ──▶ commit
//                           │ ledger: unchanged? stale? gone?        │         │ cursor + ledger, one step,
//                           ▼                                        ▼         ▼ only after the sink is durable
//                         skip / dead letter                     retries    report, watermark
//
// 1. A Source (source.h) tells that a document was written or removed, with the cursor to resume after it.
// 2. Intake asks the ledger (ledger.h, kept by the Checkpoint, checkpoint.h): the same version token, or the same content, is
//    unchanged; an older ordinal is stale. What is left is read, if the change came without its body, and validated.
// 3. A Chunker (chunker.h) splits it into byte ranges (chunk.h).
// 4. The diff compares the chunks with the records the index holds: texts that are there keep their vectors, whatever id or
//    place they move to; the rest goes to
// 5. the Embedder (embedder.h), in batches filled across documents.
// 6. The VectorSink (vector_sink.h) gets each document whole: new and changed records (record.h) before deletions.
// 7. Once the sink says that its writes are durable, the Checkpoint commits ledger and cursors. A change that cannot be
//    processed is committed as a dead letter and stops nothing else. After a crash everything uncommitted is read again.
// 8. The RunReport (report.h) counts every change once and says whether the index now equals the source.
//
// Map of the headers
//
//     document.h chunk.h record.h metadata.h schema.h cursor.h recipe.h     values
//     ledger.h                                                              what the index holds, and what was set aside
//     source.h chunker.h embedder.h vector_sink.h checkpoint.h              the five interfaces a host may implement
//     adapters.h                                                            each of them from a lambda
//     pipeline.h options.h observer.h retry.h clock.h                       running them
//     report.h latency_histogram.h                                          what a run did
//     plan.h verify.h stored_record.h                                       what a run would do; whether the index is sound
//     index.h query.h retriever.h                                           asking
//     coverage.h recall.h promotion.h                                       may another build of the index go live?
//
// Components, each a folder and a CMake target of its own: text/ (tokenizers, chunkers), fs/ (directory and JSONL sources),
// embed/ and default_model/ (local static embeddings), sqlite/ (the embedded store), testing/ (conformance kit, stages for
// tests). This header is core only.

#include "ragpipe/adapters.h"
#include "ragpipe/checkpoint.h"
#include "ragpipe/chunk.h"
#include "ragpipe/chunker.h"
#include "ragpipe/clock.h"
#include "ragpipe/coverage.h"
#include "ragpipe/cursor.h"
#include "ragpipe/document.h"
#include "ragpipe/embedder.h"
#include "ragpipe/index.h"
#include "ragpipe/latency_histogram.h"
#include "ragpipe/ledger.h"
#include "ragpipe/metadata.h"
#include "ragpipe/observer.h"
#include "ragpipe/options.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/plan.h"
#include "ragpipe/promotion.h"
#include "ragpipe/query.h"
#include "ragpipe/recall.h"
#include "ragpipe/recipe.h"
#include "ragpipe/record.h"
#include "ragpipe/report.h"
#include "ragpipe/retriever.h"
#include "ragpipe/retry.h"
#include "ragpipe/schema.h"
#include "ragpipe/source.h"
#include "ragpipe/stored_record.h"
#include "ragpipe/vector_sink.h"
#include "ragpipe/verify.h"
#include "ragpipe/version.h"
