#include "proof/proof.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <optional>

namespace ragpipe::proof {
namespace {

constexpr std::uint64_t kViolationsPrinted = 20;

std::optional<std::uint64_t> ToNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

void Tally::Violation(std::string_view how_to_replay, std::string_view what_was_wrong) {
  if (++violations_ > kViolationsPrinted) return;
  fmt::print(stderr, "{} broken, {}: {}\n", promise_, how_to_replay, what_was_wrong);
}

int Main(int argc, char** argv, std::uint64_t default_cases, const std::function<std::vector<Tally>(const Arguments&)>& prove) {
  Arguments arguments{default_cases, 1};
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--json") {
      json = true;
      continue;
    }
    const std::optional<std::uint64_t> value = i + 1 < argc ? ToNumber(argv[++i]) : std::nullopt;
    if (!value.has_value() || (name != "--cases" && name != "--first")) {
      fmt::print(stderr, "usage: {} [--cases N] [--first S] [--json]\n", argv[0]);
      return 2;
    }
    (name == "--cases" ? arguments.cases : arguments.first) = *value;
  }
  bool holds = true;
  std::uint64_t cases = 0;
  for (const Tally& tally : prove(arguments)) {
    holds = holds && tally.violations() == 0;
    cases += tally.cases();
    if (json) {
      fmt::print("{{\"promise\":\"{}\",\"what\":\"{}\",\"cases\":{},\"violations\":{},\"seconds\":{:.1f}}}\n", tally.promise(),
                 tally.what(), tally.cases(), tally.violations(), tally.seconds());
    } else {
      fmt::print("{:<4} {:<76} {:>9} {:>10} {:>7.1f}s\n", tally.promise(), tally.what(), tally.cases(), tally.violations(),
                 tally.seconds());
    }
    std::fflush(stdout);
  }
  return holds && cases > 0 ? 0 : 1;  // a proof that tried nothing proves nothing
}

}  // namespace ragpipe::proof
