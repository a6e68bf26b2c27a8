#include "ragpipe/testing/check_source.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/clock.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "ragpipe/retry.h"
#include "testing/rules.h"

namespace ragpipe::testing {
namespace {

constexpr int kMaxTransientErrors = 20;

/// A stream and all that it sent.
struct Feed {
  std::shared_ptr<Source> source;
  std::unique_ptr<ChangeStream> stream;
  std::vector<Event> events;
};

bool IsUpsert(const Event& event) {
  const auto* change = std::get_if<Change>(&event);
  return change != nullptr && change->kind == Change::Kind::kUpsert;
}

/// Where to resume after `events`.
std::vector<PartitionCursor> CursorsAfter(std::span<const Event> events) {
  std::map<Partition, Cursor> last;
  for (const Event& event : events) {
    if (const auto* change = std::get_if<Change>(&event); change != nullptr && !change->resume_after.empty()) {
      last[change->partition] = change->resume_after;
    }
    if (const auto* bad = std::get_if<BadChange>(&event); bad != nullptr && !bad->resume_after.empty()) {
      last[bad->partition] = bad->resume_after;
    }
  }
  std::vector<PartitionCursor> cursors;
  for (const auto& [partition, cursor] : last) cursors.push_back({partition, cursor});
  return cursors;
}

/// What tells one state of a document from another, as far as the change itself says.
struct Seen {
  Partition partition;
  std::string token;
  std::optional<std::string> text;
};

using State = std::map<std::string, Seen>;

void Replay(std::span<const Event> events, State& state) {
  for (const Event& event : events) {
    const auto* change = std::get_if<Change>(&event);
    if (change == nullptr) continue;
    if (change->kind == Change::Kind::kDelete) {
      state.erase(change->document_id);
      continue;
    }
    Seen seen{change->partition, change->version.token, std::nullopt};
    if (change->document.has_value()) {
      seen.text = change->document->text;
      if (seen.token.empty()) seen.token = change->document->version.token;
    }
    state[change->document_id] = std::move(seen);
  }
}

Verdict Difference(const State& expected, const State& actual) {
  for (const auto& [id, seen] : expected) {
    const auto found = actual.find(id);
    if (found == actual.end()) return fmt::format("document '{}' is missing", id);
    const Seen& other = found->second;
    const bool texts_differ = seen.text.has_value() && other.text.has_value() && *seen.text != *other.text;
    if (seen.token != other.token || texts_differ) return fmt::format("document '{}' is not the latest", id);
  }
  for (const auto& [id, seen] : actual) {
    if (expected.count(id) == 0) return fmt::format("document '{}' should be gone", id);
  }
  return kKept;
}

bool IsCleanMetadata(const MetadataValue& value) {
  if (const auto* real = std::get_if<double>(&value)) return std::isfinite(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return IsCleanText(*text);
  if (const auto* list = std::get_if<std::vector<std::string>>(&value))
    return std::all_of(list->begin(), list->end(), IsCleanText);
  return true;
}

class SourceCheck {
 public:
  SourceCheck(const SourceFactory& factory, const SourceCheckOptions& options) : factory_(factory), options_(options) {}

  std::vector<Finding> Run() {
    bool usable = false;
    rules_.Check("factory", [&]() -> Verdict {
      usable = factory_() != nullptr;
      return usable ? kKept : "the factory gave no source";
    });
    if (!usable) return rules_.Take();
    rules_.Check("name.not_empty", [&]() -> Verdict { return factory_()->name().empty() ? "name() is empty" : kKept; });
    rules_.Check("name.stable", [&] { return NameStable(); });
    usable = false;
    rules_.Check("reads", [&] { return Reads(usable); });
    rules_.Check("end", [&] { return End(usable); });
    if (!usable) return rules_.Take();  // a feed that does not come to its end can be judged no further
    rules_.Check("next.appends", [&] { return Appends(); });
    if (options_.endless) rules_.Check("next.deadline", [&] { return Deadline(); });
    rules_.Check("snapshot.complete_last", [&] { return CompleteLast(); });
    rules_.Check("cursor.resumes", [&] { return Resumes(); });
    rules_.Check("snapshot.lists_all", [&] { return ListsAll(); });
    if (!options_.expired.empty()) rules_.Check("cursor.expired", [&] { return Expired(); });
    rules_.Check("token.stable", [&] { return TokenStable(); });
    rules_.Check("id.size", [&] { return IdSize(); });
    rules_.Check("id.unique", [&] { return IdUnique(); });
    rules_.Check("load.id", [&] { return LoadId(); });
    rules_.Check("load.concurrent", [&] { return LoadConcurrent(); });
    rules_.Check("utf8", [&] { return Utf8(); });
    rules_.Check("metadata", [&] { return CleanMetadata(); });
    rules_.Check("acknowledge", [&] { return Acknowledge(); });
    return rules_.Take();
  }

 private:
  Verdict NameStable() const {
    const auto source = factory_();
    const std::string first(source->name());
    (void)source->StreamChanges({});
    if (source->name() != first) return fmt::format("name() was '{}', then '{}'", first, source->name());
    if (const auto other = factory_(); other->name() != first) {
      return fmt::format("name() is '{}' for one object and '{}' for the next", first, other->name());
    }
    return kKept;
  }

  /// Reads the feed once, for this rule and all that look at its events and bodies only.
  Verdict Reads(bool& usable) {
    Feed feed;
    if (Verdict verdict = Read({}, feed); !verdict.empty()) return verdict;
    usable = true;
    events_ = std::move(feed.events);
    Replay(events_, live_);
    for (const Event& event : events_) {
      if (!IsUpsert(event)) continue;
      const auto& change = std::get<Change>(event);
      auto body = Body(*feed.stream, change);
      if (!body.ok() && body.status().code() == absl::StatusCode::kNotFound) continue;  // gone since
      if (!body.ok()) return Gave(fmt::format("Load() of '{}'", change.document_id), body.status());
      bodies_.emplace_back(&change, *std::move(body));
    }
    return kKept;
  }

  Verdict End(bool& usable) const {
    if (!usable) return kKept;  // which is for the rule "reads"
    const auto is_end = [](const Event& event) { return std::holds_alternative<EndOfFeed>(event); };
    const auto end = std::find_if(events_.begin(), events_.end(), is_end);
    if (options_.endless) return end == events_.end() ? kKept : "an endless feed sent EndOfFeed";
    if (end == events_.end()) {
      usable = false;
      return fmt::format("there was no EndOfFeed, nor any other event for {}", absl::FormatDuration(options_.timeout));
    }
    if (end + 1 != events_.end()) return fmt::format("{} events came after EndOfFeed", events_.end() - end - 1);
    return kKept;
  }

  Verdict Appends() const {
    const auto source = factory_();
    auto stream = source->StreamChanges({});
    if (!stream.ok()) return Gave("StreamChanges()", stream.status());
    const absl::Time mark = absl::FromUnixSeconds(1);
    std::vector<Event> events = {Heartbeat{mark}};
    const absl::Status status = (*stream)->Next(absl::Now() + options_.quiet, events);
    if (!status.ok() && !IsTransient(status)) return Gave("Next()", status);
    const auto* first = events.empty() ? nullptr : std::get_if<Heartbeat>(&events.front());
    return first != nullptr && first->watermark == mark ? kKept : "Next() did not keep the event that `out` held before";
  }

  Verdict Deadline() const {
    constexpr int kTries = 3;  // on a busy machine anybody is late once
    constexpr absl::Duration kTolerance = absl::Milliseconds(300);
    Feed feed;
    if (Verdict verdict = Read({}, feed); !verdict.empty()) return verdict;
    absl::Duration least_late = absl::InfiniteDuration();
    for (int i = 0; i < kTries && least_late > kTolerance; ++i) {
      const absl::Time deadline = absl::Now() + absl::Milliseconds(50);
      std::vector<Event> events;
      const absl::Status status = feed.stream->Next(deadline, events);
      if (!status.ok() && !IsTransient(status)) return Gave("Next() of an idle feed", status);
      least_late = std::min(least_late, absl::Now() - deadline);
    }
    return least_late <= kTolerance ? kKept
                                    : fmt::format("Next() of an idle feed came back {} after its deadline, or later",
                                                  absl::FormatDuration(least_late));
  }

  Verdict CompleteLast() const { return ListedBeforeComplete(events_, live_); }

  /// Reads the cuts, for this rule and the next.
  Verdict Resumes() {
    if (Verdict verdict = ReadCuts(); !verdict.empty()) return verdict;
    return ForEachCut([this](const Cut& cut) {
      State state;
      Replay(std::span(events_).first(cut.position), state);
      Replay(cut.after, state);
      return Difference(live_, state);
    });
  }

  Verdict ListsAll() const {
    return ForEachCut([this](const Cut& cut) { return ListedBeforeComplete(cut.after, live_); });
  }

  Verdict Expired() const {
    Feed feed;
    if (Verdict verdict = Read(options_.expired, feed); !verdict.empty()) return verdict;
    State state;
    Replay(feed.events, state);
    return Difference(live_, state);
  }

  Verdict TokenStable() const {
    Feed feed;
    if (Verdict verdict = Read({}, feed); !verdict.empty()) return verdict;
    State again;
    Replay(feed.events, again);
    for (const auto& [id, seen] : live_) {
      const auto found = again.find(id);
      if (found != again.end() && found->second.token != seen.token) {
        return fmt::format("document '{}' had the token '{}', and has '{}' though nothing changed", id, seen.token,
                           found->second.token);
      }
    }
    return kKept;
  }

  Verdict IdSize() const {
    for (const Event& event : events_) {
      const auto* change = std::get_if<Change>(&event);
      if (change != nullptr && (change->document_id.empty() || change->document_id.size() > 4096)) {
        return fmt::format("a change has a document id of {} bytes", change->document_id.size());
      }
    }
    return kKept;
  }

  Verdict IdUnique() const {
    std::map<std::string_view, std::string_view> partitions;
    for (const Event& event : events_) {
      const auto* change = std::get_if<Change>(&event);
      if (change == nullptr) continue;
      const auto [known, is_new] = partitions.try_emplace(change->document_id, change->partition);
      if (known->second != change->partition) {
        return fmt::format("document '{}' is in partition '{}' and in '{}'", change->document_id, known->second,
                           change->partition);
      }
    }
    return kKept;
  }

  Verdict LoadId() const {
    return ForEachBody([](const Change& change, const Document& document) -> Verdict {
      return document.id == change.document_id
                 ? kKept
                 : fmt::format("the document of change '{}' has the id '{}'", change.document_id, document.id);
    });
  }

  Verdict LoadConcurrent() const {
    constexpr int kThreads = 4;
    Feed feed;
    if (Verdict verdict = Read({}, feed); !verdict.empty()) return verdict;
    std::vector<std::pair<const Change*, std::string>> expected;
    for (const Event& event : feed.events) {
      if (!IsUpsert(event)) continue;
      const auto& change = std::get<Change>(event);
      if (change.document.has_value()) continue;
      if (auto body = feed.stream->Load(change); body.ok()) expected.emplace_back(&change, std::move(body->text));
    }
    if (expected.empty()) return kKept;
    return OnThreads(kThreads, [&](int thread) -> Verdict {
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const auto& [change, text] = expected[(i + static_cast<std::size_t>(thread)) % expected.size()];
        const auto body = feed.stream->Load(*change);
        const std::string call = fmt::format("Load() of '{}', {} at once,", change->document_id, kThreads);
        if (!body.ok() && !IsTransient(body.status())) return Gave(call, body.status());
        if (body.ok() && body->text != text) return call + " gave another text";
      }
      return kKept;
    });
  }

  Verdict Utf8() const {
    return ForEachBody([](const Change& change, const Document& document) -> Verdict {
      return IsCleanText(document.text) && IsCleanText(document.media_type)
                 ? kKept
                 : fmt::format("text or media type of '{}' is not UTF-8 without NUL", change.document_id);
    });
  }

  Verdict CleanMetadata() const {
    return ForEachBody([](const Change& change, const Document& document) -> Verdict {
      for (const auto& [field, value] : document.metadata) {
        if (!IsCleanText(field) || !IsCleanMetadata(value)) {
          return fmt::format("the metadata of '{}' has a string that is not UTF-8 without NUL, or a double that is not finite",
                             change.document_id);
        }
      }
      return kKept;
    });
  }

  Verdict Acknowledge() const {
    Feed feed;
    if (Verdict verdict = Read({}, feed); !verdict.empty()) return verdict;
    const std::vector<PartitionCursor> cursors = CursorsAfter(feed.events);
    return OnThreads(1, [&](int) -> Verdict {
      const absl::Status status = feed.stream->Acknowledge(cursors);
      return status.ok() || IsTransient(status) ? kKept : Gave("Acknowledge() of the last cursors", status);
    });
  }

  /// Reads a new source from `since` to its end, or to where it falls quiet. The verdict is of the rule "reads".
  Verdict Read(std::span<const PartitionCursor> since, Feed& feed) const {
    feed.source = factory_();
    auto stream = feed.source->StreamChanges(since);
    if (!stream.ok()) return Gave("StreamChanges()", stream.status());
    if (*stream == nullptr) return "StreamChanges() gave OK and no stream";
    feed.stream = *std::move(stream);
    const absl::Duration patience = options_.endless ? options_.quiet : options_.timeout;
    int transient_errors = 0;
    absl::Time deadline = absl::Now() + patience;
    while (true) {  // at least one call after every event: on a busy machine the deadline may pass before it is made
      const std::size_t before = feed.events.size();
      const absl::Status status = feed.stream->Next(deadline, feed.events);
      if (!status.ok() && (!IsTransient(status) || ++transient_errors > kMaxTransientErrors)) return Gave("Next()", status);
      if (feed.events.size() < before) return "Next() removed events from `out`";
      const auto fresh = std::span(feed.events).subspan(before);
      const bool ended =
          std::any_of(fresh.begin(), fresh.end(), [](const Event& event) { return std::holds_alternative<EndOfFeed>(event); });
      if (ended) return kKept;
      // Heartbeats alone do not keep an endless feed from being read out.
      const bool is_news =
          std::any_of(fresh.begin(), fresh.end(), [](const Event& event) { return !std::holds_alternative<Heartbeat>(event); });
      if (is_news) deadline = absl::Now() + patience;
      if (!is_news && absl::Now() >= deadline) return kKept;
    }
  }

  static absl::StatusOr<Document> Body(ChangeStream& stream, const Change& change) {
    if (change.document.has_value()) return *change.document;
    absl::StatusOr<Document> body = stream.Load(change);
    for (int i = 0; i < kMaxTransientErrors && !body.ok() && IsTransient(body.status()); ++i) body = stream.Load(change);
    return body;
  }

  Verdict ForEachBody(const std::function<Verdict(const Change&, const Document&)>& judge) const {
    for (const auto& [change, body] : bodies_) {
      if (Verdict verdict = judge(*change, body); !verdict.empty()) return verdict;
    }
    return kKept;
  }

  struct Cut {
    std::size_t position = 0;  // in events_
    std::vector<Event> after;  // of a stream opened with the cursors of the events before
  };

  /// At most max_cuts, spread over the feed.
  Verdict ReadCuts() {
    std::set<std::size_t> positions;
    const std::size_t count = std::max<std::size_t>(options_.max_cuts, 2);
    for (std::size_t i = 0; i < count; ++i) positions.insert(events_.size() * i / (count - 1));
    for (const std::size_t position : positions) {
      const std::vector<PartitionCursor> cursors = CursorsAfter(std::span(events_).first(position));
      if (cursors.empty()) continue;  // nothing to resume from: the feed as it was
      Feed feed;
      if (Verdict verdict = Read(cursors, feed); !verdict.empty()) return verdict;
      cuts_.push_back({position, std::move(feed.events)});
    }
    return kKept;
  }

  Verdict ForEachCut(const std::function<Verdict(const Cut&)>& judge) const {
    for (const Cut& cut : cuts_) {
      if (Verdict verdict = judge(cut); !verdict.empty()) {
        return fmt::format("resumed after the first {} of {} events: {}", cut.position, events_.size(), verdict);
      }
    }
    return kKept;
  }

  /// Whether what `live` holds of a partition was listed in `events` before its SnapshotComplete.
  static Verdict ListedBeforeComplete(std::span<const Event> events, const State& live) {
    std::set<std::string_view> listed;
    for (const Event& event : events) {
      if (IsUpsert(event)) listed.insert(std::get<Change>(event).document_id);
      const auto* complete = std::get_if<SnapshotComplete>(&event);
      if (complete == nullptr) continue;
      for (const auto& [id, seen] : live) {
        if (seen.partition == complete->partition && listed.count(id) == 0) {
          return fmt::format(
              "SnapshotComplete of partition '{}' came though document '{}' had not been listed: it would be deleted",
              complete->partition, id);
        }
      }
    }
    return kKept;
  }

  const SourceFactory& factory_;
  const SourceCheckOptions& options_;
  std::vector<Event> events_;  // the whole feed
  State live_;                 // what it comes to
  std::vector<std::pair<const Change*, Document>> bodies_;
  std::vector<Cut> cuts_;
  Rules rules_{"source"};
};

}  // namespace

std::vector<Finding> CheckSource(const SourceFactory& factory, const SourceCheckOptions& options) {
  return SourceCheck(factory, options).Run();
}

}  // namespace ragpipe::testing
