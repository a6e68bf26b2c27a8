#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/report.h"

namespace ragpipe {

struct VerifyOptions {
  double sample = 1;       ///< the part of the documents to compare, in (0, 1]
  std::uint64_t seed = 1;  ///< of the sample: the same seed compares the same documents
  std::size_t max_examples = 20;
};

/// How a record differs from what the ledger says of it.
enum class Damage {
  kMissing,       ///< the sink does not hold it
  kExtra,         ///< the ledger does not know it
  kStale,         ///< of another embedded text
  kWrongContent,  ///< text, place in the document, headings, context, media type or metadata differ
  kWrongVector,   ///< another dimension, or not finite
};

RAGPIPE_EXPORT std::string_view ToString(Damage damage);

/// What the comparison of ledger and sink found. Only what a kill, a defect or somebody else's hand left is ever found.
struct VerifyReport {
  std::uint64_t documents = 0;  ///< compared: known to the ledger or the sink
  std::uint64_t records = 0;    ///< compared
  std::uint64_t damaged_documents = 0;

  // Records.
  std::uint64_t missing = 0;
  std::uint64_t extra = 0;
  std::uint64_t stale = 0;
  std::uint64_t wrong_content = 0;
  std::uint64_t wrong_vector = 0;

  struct Example {
    std::string document_id;
    std::string record_id;
    Damage damage = Damage::kMissing;
  };
  std::vector<Example> examples;  ///< the first VerifyOptions::max_examples

  absl::Duration elapsed;

  bool is_sound() const { return damaged_documents == 0; }
};

/// What Pipeline::Repair() did.
struct RepairReport {
  VerifyReport found;                   ///< before
  RunReport run;                        ///< that brought the damaged documents anew
  std::uint64_t documents_removed = 0;  ///< stored, and known neither to the ledger nor to the source
  VerifyReport left;                    ///< after
};

/// A few aligned lines for people.
RAGPIPE_EXPORT std::string ToText(const VerifyReport& report);

/// One line: {"documents":10,"records":100,"damaged_documents":0,"missing":0,...,"examples":[],"seconds":0.1}.
RAGPIPE_EXPORT std::string ToJson(const VerifyReport& report);

}  // namespace ragpipe
