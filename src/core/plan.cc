#include "ragpipe/plan.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "core/json.h"

namespace ragpipe {

std::string ToText(const Plan& plan) {
  std::string text;
  auto out = std::back_inserter(text);
  auto add = [&](std::uint64_t count, std::string_view what) {
    if (count != 0) fmt::format_to(out, ", {} {}", count, what);
  };
  const Plan::Documents& d = plan.documents;
  fmt::format_to(out, "documents  {} seen: {} to add, {} to update, {} to delete, {} unchanged", d.seen, d.added, d.updated,
                 d.deleted, d.unchanged);
  add(d.skipped, "skipped");
  add(d.failed, "would fail");
  const Plan::Chunks& c = plan.chunks;
  fmt::format_to(out, "\nchunks     {} in all: {} to embed, {} reused; {} to delete", c.total, c.embedded, c.reused, c.deleted);
  const Plan::Embed& e = plan.embed;
  fmt::format_to(out, "\nembedder   about {} calls, {} texts, {}{} tokens", e.calls, e.texts,
                 e.tokens_are_estimated ? "about " : "", e.tokens);
  if (e.cost != 0) fmt::format_to(out, ", cost {:.2f}", e.cost);
  for (const Plan::Contributor& document : plan.biggest) {
    fmt::format_to(out, "\n           {} tokens in {} texts: {}", document.tokens, document.texts, document.document_id);
  }
  if (!plan.recipe_change.empty()) fmt::format_to(out, "\nrecipe     changed: {}", plan.recipe_change);
  if (!plan.refusal.ok()) fmt::format_to(out, "\nrefused    {}", std::string(plan.refusal.message()));
  for (const std::string& problem : plan.problems) fmt::format_to(out, "\nproblem    {}", problem);
  text += '\n';
  return text;
}

std::string ToJson(const Plan& plan) {
  std::string json;
  auto out = std::back_inserter(json);
  const Plan::Documents& d = plan.documents;
  fmt::format_to(out,
                 R"({{"documents":{{"seen":{},"added":{},"updated":{},"deleted":{},"unchanged":{},"skipped":{},"failed":{}}},)",
                 d.seen, d.added, d.updated, d.deleted, d.unchanged, d.skipped, d.failed);
  const Plan::Chunks& c = plan.chunks;
  fmt::format_to(out, R"("chunks":{{"embedded":{},"reused":{},"deleted":{},"total":{}}},)", c.embedded, c.reused, c.deleted,
                 c.total);
  const Plan::Embed& e = plan.embed;
  fmt::format_to(out, R"("embed":{{"calls":{},"texts":{},"tokens":{},"tokens_are_estimated":{},"cost":{:.6f}}},"biggest":[)",
                 e.calls, e.texts, e.tokens, e.tokens_are_estimated, e.cost);
  std::string_view separator;
  for (const Plan::Contributor& document : plan.biggest) {
    json += separator;
    json += R"({"document_id":)";
    internal::AppendJsonString(json, document.document_id);
    fmt::format_to(out, R"(,"texts":{},"tokens":{}}})", document.texts, document.tokens);
    separator = ",";
  }
  json += R"(],"recipe_change":)";
  internal::AppendJsonString(json, plan.recipe_change);
  json += R"(,"refusal":)";
  internal::AppendJsonString(json, plan.refusal.ok() ? "" : plan.refusal.ToString());
  json += R"(,"problems":)";
  internal::AppendJsonStrings(json, plan.problems);
  json += '}';
  return json;
}

}  // namespace ragpipe
