#pragma once

#include <absl/status/status.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/testing/finding.h"

namespace ragpipe::testing {

/// What is wrong, in words; empty = the rule is kept.
using Verdict = std::string;

inline const Verdict kKept;

/// Runs the rules of one stage, each by itself, and collects what they find.
class Rules {
 public:
  explicit Rules(std::string stage) : stage_(std::move(stage)) {}

  /// `rule` without the stage: "cursor.kept". A throw is a finding of "STAGE.no_throw", whichever rule is being checked.
  void Check(std::string_view rule, const std::function<Verdict()>& body);

  std::vector<Finding> Take() { return std::move(findings_); }

 private:
  void Add(std::string_view rule, std::string what);

  std::string stage_;
  std::vector<Finding> findings_;
};

/// "Embed() of three texts gave UNAVAILABLE: busy".
Verdict Gave(std::string_view call, const absl::Status& status);

/// Runs body(0) ... body(count - 1) on threads of their own. The first verdict that is not empty; rethrows what one throws.
Verdict OnThreads(int count, const std::function<Verdict(int)>& body);

/// UTF-8 without NUL.
bool IsCleanText(std::string_view text);

/// For names: not empty, UTF-8, no control characters.
bool IsReadable(std::string_view text);

/// Texts that trip programs up, all of them valid UTF-8 and not empty.
std::vector<std::string> AwkwardTexts();

}  // namespace ragpipe::testing
