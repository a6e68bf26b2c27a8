#include "ragpipe/promotion.h"

#include <fmt/format.h>

#include <cstddef>
#include <string>

#include "core/host_call.h"
#include "core/utf8.h"

namespace ragpipe {
namespace {

constexpr std::size_t kMaxPrintedIdBytes = 200;

}  // namespace

absl::Status CheckPromotion(const PromotionGate& gate, const Coverage& coverage, Index& live, Index& candidate) {
  if (!(coverage.ratio() >= gate.min_coverage)) {
    std::string example;
    if (!coverage.examples.empty()) {
      example = fmt::format(", among them '{}'", internal::Printable(coverage.examples.front(), kMaxPrintedIdBytes));
    }
    return absl::FailedPreconditionError(fmt::format(
        "the candidate holds {:.2f} % of the {} documents of the live generation, {:.2f} % are asked for: {} are missing and "
        "{} "
        "are older{}. Run its pipeline to the end, or lower PromotionGate::min_coverage",
        100 * coverage.ratio(), coverage.documents, 100 * gate.min_coverage, coverage.missing, coverage.older, example));
  }
  if (!gate.quality || coverage.documents == 0) return absl::OkStatus();
  return internal::GuardHostCall("PromotionGate::quality", [&] { return gate.quality(live, candidate); });
}

}  // namespace ragpipe
