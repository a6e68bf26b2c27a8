#include "ragpipe/report.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "core/json.h"

namespace ragpipe {
namespace {

std::string ToRfc3339(absl::Time time) { return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()); }

}  // namespace

std::string ToText(const RunReport& report) {
  const auto& [seen, unchanged, stale, superseded, processed, deleted, failed, pending] = report.documents;
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "documents  {} seen: {} processed, {} unchanged, {} deleted", seen, processed, unchanged, deleted);
  auto add = [&](std::uint64_t count, std::string_view what) {
    if (count != 0) fmt::format_to(out, ", {} {}", count, what);
  };
  add(stale, "stale");
  add(superseded, "superseded");
  add(failed, "failed");
  add(pending, "pending");
  fmt::format_to(out, "\nchunks     {} in all: {} embedded, {} reused, {} patched; {} deleted", report.chunks.total,
                 report.chunks.embedded, report.chunks.reused, report.chunks.patched, report.chunks.deleted);
  fmt::format_to(out, "\nembedder   {} calls, {} texts, {}{} tokens", report.embed.calls, report.embed.texts,
                 report.embed.tokens_are_estimated ? "about " : "", report.embed.tokens);
  if (const RunReport::Fields& f = report.fields; f.undeclared + f.mistyped + f.missing != 0) {
    fmt::format_to(out, "\nfields     {} undeclared, {} mistyped, {} missing; {} discarded", f.undeclared, f.mistyped,
                   f.missing, f.discarded);
    std::string_view separator = "; new: ";
    for (const RunReport::Fields::Evolved& field : f.evolved) {
      fmt::format_to(out, "{}'{}' ({})", separator, field.name, ToString(field.type));
      separator = ", ";
    }
  }
  fmt::format_to(out, "\ntime       {:.3f} s, {} commits, {} retries", absl::ToDoubleSeconds(report.elapsed), report.commits,
                 report.retries);
  if (const LatencyHistogram& f = report.freshness; f.count() != 0) {
    fmt::format_to(out, "\nfreshness  {:.3f} s in the median, {:.3f} s for 99 %, {:.3f} s at most",
                   absl::ToDoubleSeconds(f.Quantile(0.5)), absl::ToDoubleSeconds(f.Quantile(0.99)),
                   absl::ToDoubleSeconds(f.max()));
  }
  fmt::format_to(out, "\ncomplete   {}", report.complete ? "yes" : "no");
  for (const std::string& problem : report.problems) fmt::format_to(out, "\n           {}", problem);
  text += '\n';
  return text;
}

std::string ToJson(const RunReport& report) {
  std::string json;
  auto out = std::back_inserter(json);
  const RunReport::Documents& d = report.documents;
  fmt::format_to(out,
                 R"({{"documents":{{"seen":{},"unchanged":{},"stale":{},"superseded":{},"processed":{},"deleted":{},)"
                 R"("failed":{},"pending":{}}},)",
                 d.seen, d.unchanged, d.stale, d.superseded, d.processed, d.deleted, d.failed, d.pending);
  const RunReport::Chunks& c = report.chunks;
  fmt::format_to(out, R"("chunks":{{"embedded":{},"reused":{},"patched":{},"deleted":{},"total":{}}},)", c.embedded, c.reused,
                 c.patched, c.deleted, c.total);
  fmt::format_to(out, R"("embed":{{"calls":{},"texts":{},"tokens":{},"tokens_are_estimated":{}}},)", report.embed.calls,
                 report.embed.texts, report.embed.tokens, report.embed.tokens_are_estimated);
  fmt::format_to(out, R"("bytes":{{"read":{},"embedded":{}}},)", report.bytes.read, report.bytes.embedded);
  const RunReport::Fields& f = report.fields;
  fmt::format_to(out, R"("fields":{{"undeclared":{},"mistyped":{},"missing":{},"discarded":{},"evolved":[)", f.undeclared,
                 f.mistyped, f.missing, f.discarded);
  std::string_view separator;
  for (const RunReport::Fields::Evolved& field : f.evolved) {
    json += separator;
    json += R"({"name":)";
    internal::AppendJsonString(json, field.name);
    fmt::format_to(out, R"(,"type":"{}"}})", ToString(field.type));
    separator = ",";
  }
  json += "]},";
  const RunReport::StageTimes& t = report.stage_times;
  fmt::format_to(out,
                 R"("stage_seconds":{{"read":{:.6f},"load":{:.6f},"chunk":{:.6f},"embed":{:.6f},"write":{:.6f},)"
                 R"("commit":{:.6f}}},)",
                 absl::ToDoubleSeconds(t.read), absl::ToDoubleSeconds(t.load), absl::ToDoubleSeconds(t.chunk),
                 absl::ToDoubleSeconds(t.embed), absl::ToDoubleSeconds(t.write), absl::ToDoubleSeconds(t.commit));
  fmt::format_to(out,
                 R"("commits":{},"retries":{},"deletions_refused":{},"deletions_deferred":{},"expired_letters":{},)"
                 R"("max_lateness_seconds":{:.6f},)",
                 report.commits, report.retries, report.deletions_refused, report.deletions_deferred, report.expired_letters,
                 absl::ToDoubleSeconds(report.max_lateness));
  if (report.watermark != absl::InfinitePast()) {
    fmt::format_to(out, R"("watermark":"{}",)", ToRfc3339(report.watermark));
  }
  const LatencyHistogram& freshness = report.freshness;
  fmt::format_to(out, R"("freshness":{{"count":{},"p50_seconds":{:.6f},"p99_seconds":{:.6f},"max_seconds":{:.6f}}},)",
                 freshness.count(), absl::ToDoubleSeconds(freshness.Quantile(0.5)),
                 absl::ToDoubleSeconds(freshness.Quantile(0.99)), absl::ToDoubleSeconds(freshness.max()));
  fmt::format_to(out, R"("seconds":{:.6f},"complete":{},"problems":)", absl::ToDoubleSeconds(report.elapsed), report.complete);
  internal::AppendJsonStrings(json, report.problems);
  json += '}';
  return json;
}

}  // namespace ragpipe
