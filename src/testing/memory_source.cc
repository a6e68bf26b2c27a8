#include "ragpipe/testing/memory_source.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <variant>

#include "testing/hash.h"
#include "testing/private_status.h"

namespace ragpipe::testing {
namespace {

using DocumentPtr = std::shared_ptr<const Document>;

struct LogEntry {
  Event event;
  Partition partition;
  std::uint64_t offset = 0;  // of the partition's events
};

Partition PartitionOf(const Event& event) {
  return std::visit(
      [](const auto& e) -> Partition {
        if constexpr (requires { e.partition; }) {
          return e.partition;
        } else {
          return {};
        }
      },
      event);
}

Change ToChange(const Document& document, bool lazy) {
  Change change;
  change.document_id = document.id;
  change.version = document.version;
  change.updated_at = document.updated_at;
  change.size_hint = document.text.size();
  if (!lazy) change.document = document;
  return change;
}

}  // namespace

class MemorySource::State {
 public:
  explicit State(MemorySourceOptions given)
      : options(std::move(given)), clock(options.clock != nullptr ? *options.clock : SystemClock()) {}

  bool is_feed() const { return options.mode == MemorySourceOptions::Mode::kFeed; }

  Version NextVersion() {
    using Versions = MemorySourceOptions::Versions;
    Version version;
    const std::uint64_t number = ++changes_made;
    if (options.versions != Versions::kNone) version.token = std::to_string(number);
    if (options.versions == Versions::kTokenAndOrdinal) version.ordinal = number;
    return version;
  }

  Partition Assign(std::string_view document_id) const {
    if (options.partitions <= 1) return {};
    return std::to_string(HashBytes(document_id) % static_cast<std::uint64_t>(options.partitions));
  }

  void Append(Event event) {
    const Partition partition = PartitionOf(event);
    const std::uint64_t offset = log_sizes[partition]++;
    if (is_feed()) {
      auto give_cursor = [&](auto* e) {
        if (e != nullptr && e->resume_after.empty()) e->resume_after = std::to_string(offset + 1);
      };
      give_cursor(std::get_if<Change>(&event));
      give_cursor(std::get_if<BadChange>(&event));
    }
    log.push_back({std::move(event), partition, offset});
    wake.notify_all();
  }

  void AppendDelete(const std::string& id) {
    Change change;
    change.kind = Change::Kind::kDelete;
    change.document_id = id;
    change.version = NextVersion();
    change.partition = is_feed() ? Assign(id) : Partition();
    Append(std::move(change));
  }

  const MemorySourceOptions options;
  Clock& clock;

  std::mutex mutex;  // guards all below
  std::condition_variable wake;
  std::map<std::string, DocumentPtr, std::less<>> documents;
  std::vector<LogEntry> log;
  std::map<Partition, std::uint64_t> log_sizes;
  std::vector<Event> extras;  // pushed by hand into a snapshot
  std::uint64_t changes_made = 0;
  bool ended = false;
  Counts counts;
  std::vector<PartitionCursor> opened_after;
  std::map<Partition, Cursor> acknowledged;
};

/// First the listing, empty for a feed; then the log.
class MemorySource::Stream final : public ChangeStream {
 public:
  Stream(State& state, std::span<const PartitionCursor> since) : state_(state) {
    const std::lock_guard guard(state_.mutex);
    if (state_.is_feed()) {
      for (const PartitionCursor& position : since) Seek(position);
      return;
    }
    for (const auto& [id, document] : state_.documents) listing_.push_back(document);
    bool complete = true;
    for (const Event& event : state_.extras) {
      complete = complete && !std::holds_alternative<SnapshotIncomplete>(event);
      after_listing_.push_back(PrivateCopy(event));
    }
    if (complete) after_listing_.emplace_back(SnapshotComplete{});
    log_position_ = state_.log.size();
  }

  absl::Status Next(absl::Time deadline, std::vector<Event>& out) override {
    std::unique_lock lock(state_.mutex);
    const std::size_t before = out.size();
    while (true) {
      while (out.size() - before < state_.options.events_per_call && AppendOne(out)) {
      }
      if (out.size() > before || end_sent_) return absl::OkStatus();
      if (!state_.options.endless || state_.ended) {
        out.emplace_back(EndOfFeed{});
        end_sent_ = true;
        return absl::OkStatus();
      }
      if (state_.clock.Now() >= deadline) return absl::OkStatus();
      state_.clock.WaitUntil(lock, state_.wake, deadline);
    }
  }

  absl::StatusOr<Document> Load(const Change& change) override {
    const std::lock_guard guard(state_.mutex);
    const auto found = state_.documents.find(change.document_id);
    if (found == state_.documents.end()) {
      return absl::NotFoundError("document '" + change.document_id + "' has been deleted");
    }
    ++state_.counts.documents_loaded;
    return *found->second;
  }

  absl::Status Acknowledge(std::span<const PartitionCursor> committed) override {
    const std::lock_guard guard(state_.mutex);
    for (const PartitionCursor& position : committed) state_.acknowledged[position.partition] = position.cursor;
    return absl::OkStatus();
  }

 private:
  void Seek(const PartitionCursor& position) {
    std::uint64_t offset = 0;
    const char* const end = position.cursor.data() + position.cursor.size();
    const auto parsed = std::from_chars(position.cursor.data(), end, offset);
    const auto size = state_.log_sizes.find(position.partition);
    const bool known =
        parsed.ec == std::errc() && parsed.ptr == end && size != state_.log_sizes.end() && offset <= size->second;
    if (known) start_[position.partition] = offset;  // else from the beginning
  }

  bool AppendOne(std::vector<Event>& out) {
    if (listed_ < listing_.size()) {
      out.emplace_back(ToChange(*listing_[listed_++], state_.options.lazy));
      ++state_.counts.changes_sent;
      return true;
    }
    if (after_listed_ < after_listing_.size()) return Send(after_listing_[after_listed_++], out);
    while (log_position_ < state_.log.size()) {
      const LogEntry& entry = state_.log[log_position_++];
      const auto start = start_.find(entry.partition);
      if (start == start_.end() || entry.offset >= start->second) return Send(entry.event, out);
    }
    return false;
  }

  bool Send(const Event& event, std::vector<Event>& out) {
    if (end_sent_) return false;
    out.push_back(PrivateCopy(event));
    if (std::holds_alternative<Change>(event)) ++state_.counts.changes_sent;
    end_sent_ = std::holds_alternative<EndOfFeed>(event);
    return true;
  }

  State& state_;
  std::vector<DocumentPtr> listing_;
  std::size_t listed_ = 0;
  std::vector<Event> after_listing_;
  std::size_t after_listed_ = 0;
  std::map<Partition, std::uint64_t> start_;
  std::size_t log_position_ = 0;
  bool end_sent_ = false;
};

MemorySource::MemorySource(MemorySourceOptions options) : state_(std::make_unique<State>(std::move(options))) {}
MemorySource::~MemorySource() = default;

void MemorySource::Put(Document document) {
  const std::lock_guard guard(state_->mutex);
  const Version version = state_->NextVersion();
  if (document.version == Version()) document.version = version;
  const auto kept = std::make_shared<const Document>(std::move(document));
  state_->documents[kept->id] = kept;
  Change change = ToChange(*kept, state_->options.lazy);
  if (state_->is_feed()) change.partition = state_->Assign(kept->id);
  state_->Append(std::move(change));
}

void MemorySource::Put(std::string id, std::string text, Metadata metadata) {
  Document document;
  document.id = std::move(id);
  document.text = std::move(text);
  document.media_type = "text/plain";
  document.metadata = std::move(metadata);
  Put(std::move(document));
}

void MemorySource::Delete(std::string_view id) {
  const std::lock_guard guard(state_->mutex);
  const auto found = state_->documents.find(id);
  if (found == state_->documents.end()) return;
  state_->AppendDelete(found->first);
  state_->documents.erase(found);
}

void MemorySource::Clear() {
  const std::lock_guard guard(state_->mutex);
  for (const auto& [id, document] : state_->documents) state_->AppendDelete(id);
  state_->documents.clear();
}

void MemorySource::Push(Event event) {
  const std::lock_guard guard(state_->mutex);
  if (!state_->is_feed()) state_->extras.push_back(PrivateCopy(event));
  state_->Append(std::move(event));
}

void MemorySource::Redeliver(const Document& document) {
  const std::lock_guard guard(state_->mutex);
  if (!state_->is_feed()) return;
  Change change = ToChange(document, state_->options.lazy);
  change.partition = state_->Assign(document.id);
  state_->Append(std::move(change));
}

void MemorySource::End() {
  const std::lock_guard guard(state_->mutex);
  state_->ended = true;
  state_->wake.notify_all();
}

std::string_view MemorySource::name() const { return state_->options.name; }

absl::StatusOr<std::unique_ptr<ChangeStream>> MemorySource::StreamChanges(std::span<const PartitionCursor> since) {
  {
    const std::lock_guard guard(state_->mutex);
    ++state_->counts.streams_opened;
    state_->opened_after.assign(since.begin(), since.end());
  }
  return std::make_unique<Stream>(*state_, since);
}

std::map<std::string, Document> MemorySource::documents() const {
  const std::lock_guard guard(state_->mutex);
  std::map<std::string, Document> result;
  for (const auto& [id, document] : state_->documents) result.emplace(id, *document);
  return result;
}

MemorySource::Counts MemorySource::counts() const {
  const std::lock_guard guard(state_->mutex);
  return state_->counts;
}

std::vector<PartitionCursor> MemorySource::opened_after() const {
  const std::lock_guard guard(state_->mutex);
  return state_->opened_after;
}

std::map<Partition, Cursor> MemorySource::acknowledged() const {
  const std::lock_guard guard(state_->mutex);
  return state_->acknowledged;
}

}  // namespace ragpipe::testing
