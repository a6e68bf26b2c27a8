#pragma once

#include <absl/status/status.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "ragpipe/metadata.h"
#include "ragpipe/report.h"
#include "ragpipe/schema.h"

namespace ragpipe::internal {

/// OK, or what is wrong with the declaration itself.
absl::Status CheckSchema(const Schema& schema);

/// A schema that can be applied.
/// Threading: from any thread at once.
class MetadataSchema {
 public:
  explicit MetadataSchema(const Schema& schema);

  /// Every document is as it shall be.
  bool asks_nothing() const { return fields_.empty() && undeclared_ == SchemaPolicy::kEvolve; }

  /// Makes `metadata` what is stored, and counts in `found` what was not as declared.
  /// Errors: kInvalidArgument = a dead letter, kFailedPrecondition = the run must end. The metadata is then as it was.
  absl::Status Apply(Metadata& metadata, RunReport::Fields& found) const;

  /// For people and for the recipe: two schemas that do the same have one, others have others; "" when nothing is asked.
  std::string Fingerprint() const;

 private:
  struct Field {
    FieldType type;
    bool required;
  };

  std::map<std::string, Field, std::less<>> fields_;
  SchemaPolicy undeclared_;
  SchemaPolicy mistyped_;
  SchemaPolicy missing_;
};

/// Adds what one document had to what others had.
void AddFields(const RunReport::Fields& found, RunReport::Fields& sum);

}  // namespace ragpipe::internal
