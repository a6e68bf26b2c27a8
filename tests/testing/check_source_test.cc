#include "ragpipe/testing/check_source.h"

#include <absl/status/status.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "ragpipe/adapters.h"
#include "ragpipe/testing/memory_source.h"
#include "support/catch.h"
#include "testing/broken_stages.h"

namespace ragpipe::testing {
namespace {

using Mode = MemorySourceOptions::Mode;
using Cursors = std::vector<PartitionCursor>;

/// What is done to a good source; every part may be empty.
struct Tweaks {
  std::function<std::string()> name = {};
  std::function<Cursors(Cursors)> since = {};                            ///< where the feed is opened instead
  std::function<void(const Cursors&, std::vector<Event>&)> events = {};  ///< spoils what one Next() appends
  std::function<absl::Status(absl::Time, std::vector<Event>&)> before_next = {};
  std::function<void(Document&)> loaded = {};
  absl::Status acknowledge = {};
};

class TweakedStream final : public ChangeStream {
 public:
  TweakedStream(std::unique_ptr<ChangeStream> good, Cursors since, const Tweaks& tweaks)
      : good_(std::move(good)), since_(std::move(since)), tweaks_(tweaks) {}

  absl::Status Next(absl::Time deadline, std::vector<Event>& out) override {
    if (tweaks_.before_next) {
      if (absl::Status status = tweaks_.before_next(deadline, out); !status.ok()) return status;
    }
    std::vector<Event> fresh;
    absl::Status status = good_->Next(deadline, fresh);
    if (tweaks_.events) tweaks_.events(since_, fresh);
    out.insert(out.end(), fresh.begin(), fresh.end());
    return status;
  }

  absl::StatusOr<Document> Load(const Change& change) override {
    auto document = good_->Load(change);
    if (document.ok() && tweaks_.loaded) tweaks_.loaded(*document);
    return document;
  }

  absl::Status Acknowledge(std::span<const PartitionCursor> committed) override {
    return tweaks_.acknowledge.ok() ? good_->Acknowledge(committed) : absl::InternalError("refused");
  }

 private:
  std::unique_ptr<ChangeStream> good_;
  Cursors since_;
  const Tweaks& tweaks_;
};

class TweakedSource final : public Source {
 public:
  TweakedSource(std::shared_ptr<MemorySource> good, const Tweaks& tweaks) : good_(std::move(good)), tweaks_(tweaks) {}

  std::string_view name() const override {
    if (tweaks_.name) name_ = tweaks_.name();
    return tweaks_.name ? std::string_view(name_) : good_->name();
  }

  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override {
    Cursors cursors(since.begin(), since.end());
    auto stream = good_->StreamChanges(tweaks_.since ? tweaks_.since(cursors) : cursors);
    if (!stream.ok()) return stream.status();
    return std::make_unique<TweakedStream>(*std::move(stream), cursors, tweaks_);
  }

 private:
  std::shared_ptr<MemorySource> good_;
  const Tweaks& tweaks_;
  mutable std::string name_;
};

/// A fixed little history; partitions, deletes and rewrites in it.
std::shared_ptr<MemorySource> Filled(MemorySourceOptions options) {
  auto source = std::make_shared<MemorySource>(options);
  for (int i = 0; i < 8; ++i) source->Put("document " + std::to_string(i), "text " + std::to_string(i), {{"i", i * 0.5}});
  source->Put("document 3", "rewritten");
  source->Delete("document 5");
  source->Put("document 9", "late");
  return source;
}

SourceCheckOptions Quick(SourceCheckOptions options = {}) {
  options.quiet = absl::Milliseconds(20);
  options.max_cuts = 12;
  options.timeout = absl::Milliseconds(200);
  return options;
}

std::vector<Finding> CheckMemorySource(const MemorySourceOptions& options) {
  return CheckSource([&] { return Filled(options); }, Quick({.endless = options.endless}));
}

Broken Tweaked(std::string rule, MemorySourceOptions source, Tweaks tweaks, SourceCheckOptions options = Quick()) {
  return {std::move(rule), [source, tweaks = std::move(tweaks), options] {
            return CheckSource([&] { return std::make_shared<TweakedSource>(Filled(source), tweaks); }, options);
          }};
}

TEST_CASE("CheckSource: our sources conform") {
  using Versions = MemorySourceOptions::Versions;
  for (const Mode mode : {Mode::kSnapshot, Mode::kFeed}) {
    for (const bool lazy : {false, true}) {
      for (const bool endless : {false, true}) {
        const auto findings = CheckMemorySource({.mode = mode,
                                                 .endless = endless,
                                                 .lazy = lazy,
                                                 .partitions = mode == Mode::kFeed ? 3 : 1,
                                                 .versions = endless ? Versions::kNone : Versions::kTokenAndOrdinal,
                                                 .events_per_call = 3});
        INFO(ToText(findings));
        CHECK(findings.empty());
      }
    }
  }
  CHECK(CheckSource([] { return Filled({.mode = Mode::kFeed}); }, {.expired = {{"", "not ours"}}}).empty());

  const auto of_function = CheckSource([] {
    return std::make_unique<FunctionSource>("list", []() -> absl::StatusOr<std::vector<Document>> {
      std::vector<Document> documents(600);
      for (std::size_t i = 0; i < documents.size(); ++i) documents[i].id = std::to_string(i);
      return documents;
    });
  });
  INFO(ToText(of_function));
  CHECK(of_function.empty());
}

TEST_CASE("CheckSource: transient errors are no findings") {
  std::atomic<int> calls = 0;
  Tweaks tweaks;
  tweaks.before_next = [&](absl::Time, std::vector<Event>&) {
    return ++calls % 3 == 0 ? absl::UnavailableError("busy") : absl::OkStatus();
  };
  const auto findings =
      CheckSource([&] { return std::make_shared<TweakedSource>(Filled({.mode = Mode::kFeed}), tweaks); }, Quick());
  INFO(ToText(findings));
  CHECK(findings.empty());
}

TEST_CASE("CheckSource: every broken rule is found out") {
  std::atomic<int> counter = 0;
  std::atomic<int> in_flight = 0;
  bool first_call = false;
  const MemorySourceOptions snapshot;
  const MemorySourceOptions feed{.mode = Mode::kFeed};
  const MemorySourceOptions lazy{.lazy = true};
  const auto is_complete = [](const Event& event) { return std::holds_alternative<SnapshotComplete>(event); };
  auto upserts = [](std::function<void(Change&)> spoil) {
    return [spoil = std::move(spoil)](const Cursors&, std::vector<Event>& events) {
      for (Event& event : events) {
        auto* change = std::get_if<Change>(&event);
        if (change != nullptr && change->kind == Change::Kind::kUpsert) spoil(*change);
      }
    };
  };
  const std::vector<Broken> all = {
      {"source.factory", [] { return CheckSource([] { return std::shared_ptr<Source>(); }); }},
      Tweaked("source.no_throw", snapshot,
              {.before_next = [](absl::Time, std::vector<Event>&) -> absl::Status { throw std::runtime_error("thrown"); }}),
      Tweaked("source.name.not_empty", {.name = ""}, {}),
      Tweaked("source.name.stable", snapshot, {.name = [&] { return std::to_string(++counter); }}),
      Tweaked("source.reads", snapshot,
              {.before_next = [](absl::Time, std::vector<Event>&) { return absl::PermissionDeniedError("no"); }}),
      Tweaked("source.next.appends", snapshot,
              {.before_next =
                   [](absl::Time, std::vector<Event>& out) {
                     if (out.size() == 1) out.clear();
                     return absl::OkStatus();
                   }}),
      // Late only in the calls of that rule, neither the first of their stream nor given events: else the test takes long.
      Tweaked("source.next.deadline", {.endless = true},
              {.since =
                   [&](Cursors since) {
                     first_call = true;
                     return since;
                   },
               .before_next =
                   [&](absl::Time deadline, std::vector<Event>& out) {
                     const absl::Duration late = deadline + absl::Milliseconds(400) - absl::Now();
                     if (out.empty() && !first_call) std::this_thread::sleep_for(absl::ToChronoNanoseconds(late));
                     first_call = false;
                     return absl::OkStatus();
                   }},
              Quick({.endless = true})),
      Tweaked("source.end", {.endless = true}, {}),
      Tweaked("source.end", snapshot, {}, Quick({.endless = true})),
      Tweaked("source.end", snapshot,
              {.events =
                   [](const Cursors&, std::vector<Event>& events) {
                     const bool ends = !events.empty() && std::holds_alternative<EndOfFeed>(events.back());
                     if (ends) events.emplace_back(Heartbeat{});
                   }}),
      Tweaked(
          "source.snapshot.complete_last", snapshot,
          {.events = [&](const Cursors&,
                         std::vector<Event>& events) { std::stable_partition(events.begin(), events.end(), is_complete); }}),
      Tweaked("source.snapshot.lists_all", feed,
              {.events =
                   [](const Cursors&, std::vector<Event>& events) {
                     if (!events.empty() && std::holds_alternative<EndOfFeed>(events.back())) {
                       events.insert(events.end() - 1, SnapshotComplete{});
                     }
                   }}),
      Tweaked("source.cursor.resumes", feed,
              {.since =
                   [](Cursors since) {
                     for (PartitionCursor& position : since) position.cursor = std::to_string(std::stoi(position.cursor) + 1);
                     return since;
                   }}),
      Tweaked("source.cursor.expired", feed,
              {.events =
                   [](const Cursors& since, std::vector<Event>& events) {
                     if (since.empty() || since[0].cursor != "expired") return;
                     std::erase_if(events, [](const Event& event) { return std::holds_alternative<Change>(event); });
                   }},
              Quick({.expired = {{"", "expired"}}})),
      Tweaked("source.token.stable", snapshot,
              {.events = upserts([&](Change& change) { change.version.token = std::to_string(++counter); })}),
      Tweaked("source.id.size", snapshot, {.events = upserts([](Change& change) { change.document_id.resize(4097, 'x'); })}),
      Tweaked("source.id.unique", feed, {.events = upserts([&](Change& change) {
                                           change.document_id = "always the same";
                                           change.partition = std::to_string(++counter);
                                         })}),
      Tweaked("source.load.id", snapshot, {.events = upserts([](Change& change) { change.document->id += "-2"; })}),
      Tweaked("source.load.id", lazy, {.loaded = [](Document& document) { document.id.clear(); }}),
      Tweaked("source.load.concurrent", lazy,
              {.loaded =
                   [&](Document& document) {
                     const bool alone = in_flight.fetch_add(1) == 0;
                     std::this_thread::sleep_for(std::chrono::milliseconds(1));
                     if (!alone) document.text = "another's";
                     --in_flight;
                   }}),
      Tweaked("source.utf8", snapshot, {.events = upserts([](Change& change) { change.document->text = "caf\xE9"; })}),
      Tweaked("source.utf8", lazy, {.loaded = [](Document& document) { document.media_type = "\xFF"; }}),
      Tweaked("source.metadata", snapshot, {.events = upserts([](Change& change) {
                                              change.document->metadata["x"] = std::numeric_limits<double>::infinity();
                                            })}),
      Tweaked("source.metadata", lazy,
              {.loaded = [](Document& document) { document.metadata["x"] = std::vector<std::string>{std::string(1, '\0')}; }}),
      Tweaked("source.acknowledge", feed, {.acknowledge = absl::InternalError("refused")}),
  };
  CheckFoundOut(all, ListedRules("check_source.h", "source"));
}

}  // namespace
}  // namespace ragpipe::testing
