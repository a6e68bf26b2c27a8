#include "proof/kill_model.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "testing/hash.h"

namespace ragpipe::proof {
namespace {

constexpr int kDocuments = 36;
constexpr int kFirstDocuments = 28;

std::string IdOf(int document) { return fmt::format("part{}/d{}.txt", document % 3, document); }

/// A number of its own for each set of arguments.
template <class... Args>
std::uint64_t Mix(std::uint64_t seed, const Args&... args) {
  std::uint64_t state = testing::HashBytes((fmt::format("{} ", args) + ...), seed * 0x9E3779B97F4A7C15U + 1);
  return testing::NextRandom(state);
}

enum class Move { kStay, kWrite, kGo };

Move MoveOf(char step, std::uint64_t dice, bool exists) {
  switch (step) {
    case 's':
      if (dice % 8 == 0) return Move::kWrite;
      return exists && dice % 8 == 1 ? Move::kGo : Move::kStay;
    case 'm':
      if (dice % 8 < 5) return Move::kWrite;
      return exists && dice % 8 < 7 ? Move::kGo : Move::kStay;
    default:
      return Move::kStay;
  }
}

}  // namespace

KillModel::KillModel(std::uint64_t seed, std::string_view history) : seed_(seed) {
  for (std::size_t step = 0; step < history.size(); ++step) {
    std::vector<Change>& changes = steps_.emplace_back();
    for (int document = 0; document < kDocuments; ++document) {
      const std::string id = IdOf(document);
      const bool exists = versions_.contains(id);
      const Move move = history[step] == 'c' ? (document < kFirstDocuments ? Move::kWrite : Move::kStay)
                                             : MoveOf(history[step], Mix(seed_, step, document), exists);
      if (move == Move::kStay) continue;
      if (move == Move::kWrite) {
        versions_[id] = static_cast<int>(step);
        changes.push_back({id, static_cast<int>(step)});
      } else {
        versions_.erase(id);
        changes.push_back({id, std::nullopt});
      }
    }
  }
}

std::string KillModel::TextOf(std::string_view id, int version) const {
  std::string text = fmt::format("v{} of {}, a common word\n\n", version, id);
  // What comes before the rest moves it.
  for (int extra = 0; extra < version % 3; ++extra)
    text += fmt::format("extra{}.v{} of {}, a common word\n\n", extra, version, id);
  const int paragraphs = 1 + static_cast<int>(Mix(seed_, id) % 6);
  for (int paragraph = 0; paragraph < paragraphs; ++paragraph) {
    int changed = version;
    while (changed > 0 && Mix(seed_, id, changed, paragraph) % 2 != 0) --changed;
    const std::uint64_t filler = Mix(seed_, id, changed, paragraph, 0);
    text += fmt::format("p{}.v{} of {}, a common word", paragraph, changed, id);
    for (std::uint64_t i = 0; i < filler % 20; ++i) text += fmt::format(" word{}", (filler >> (i % 32)) % 1000);
    text += "\n\n";
  }
  return text;
}

absl::StatusOr<std::map<std::string, int>> KillModel::VersionsIn(const std::vector<Hit>& hits) const {
  std::map<std::string, std::map<std::size_t, std::string_view>> documents;
  for (const Hit& hit : hits) {
    if (!documents[hit.document_id].emplace(hit.position, hit.text).second) {
      return absl::InternalError(fmt::format("{} has two chunks at {}", hit.document_id, hit.position));
    }
  }
  std::map<std::string, int> versions;
  for (const auto& [id, chunks] : documents) {
    std::string text;
    for (const auto& [position, chunk] : chunks) text += chunk;
    int version = -1;
    if (text.starts_with('v')) std::from_chars(text.data() + 1, text.data() + text.size(), version);
    if (version < 0 || text != TextOf(id, version)) {
      std::string names;
      for (const auto& [position, chunk] : chunks) names += fmt::format(" {}:{}", position, chunk.substr(0, chunk.find(' ')));
      return absl::InternalError(fmt::format("{} is no whole version, its chunks are{}", id, names));
    }
    versions.emplace(id, version);
  }
  return versions;
}

}  // namespace ragpipe::proof
