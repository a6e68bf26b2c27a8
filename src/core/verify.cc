#include "ragpipe/verify.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>

#include "core/json.h"

namespace ragpipe {

std::string_view ToString(Damage damage) {
  switch (damage) {
    case Damage::kMissing:
      return "missing";
    case Damage::kExtra:
      return "extra";
    case Damage::kStale:
      return "stale";
    case Damage::kWrongContent:
      return "wrong content";
    case Damage::kWrongVector:
      break;
  }
  return "wrong vector";
}

std::string ToText(const VerifyReport& report) {
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "compared   {} documents, {} records in {:.3f} s\n", report.documents, report.records,
                 absl::ToDoubleSeconds(report.elapsed));
  if (report.is_sound()) {
    text += "sound      yes\n";
    return text;
  }
  fmt::format_to(out, "sound      no: {} documents are damaged\n", report.damaged_documents);
  fmt::format_to(out, "records    {} missing, {} extra, {} stale, {} with wrong content, {} with a wrong vector\n",
                 report.missing, report.extra, report.stale, report.wrong_content, report.wrong_vector);
  for (const VerifyReport::Example& example : report.examples) {
    fmt::format_to(out, "           {}: record {} of {}\n", ToString(example.damage), example.record_id, example.document_id);
  }
  return text;
}

std::string ToJson(const VerifyReport& report) {
  std::string json;
  auto out = std::back_inserter(json);
  fmt::format_to(out,
                 R"({{"documents":{},"records":{},"damaged_documents":{},"missing":{},"extra":{},"stale":{},)"
                 R"("wrong_content":{},"wrong_vector":{},"examples":[)",
                 report.documents, report.records, report.damaged_documents, report.missing, report.extra, report.stale,
                 report.wrong_content, report.wrong_vector);
  std::string_view separator;
  for (const VerifyReport::Example& example : report.examples) {
    json += separator;
    json += R"({"document_id":)";
    internal::AppendJsonString(json, example.document_id);
    json += R"(,"record_id":)";
    internal::AppendJsonString(json, example.record_id);
    json += R"(,"damage":)";
    internal::AppendJsonString(json, ToString(example.damage));
    json += '}';
    separator = ",";
  }
  fmt::format_to(out, R"(],"seconds":{:.6f}}})", absl::ToDoubleSeconds(report.elapsed));
  return json;
}

}  // namespace ragpipe
