// Asks an index, also while another process writes it.
//
//     ask INDEX QUESTION [--top-k N] [--mode hybrid|vector|text] [--filter FIELD=VALUE]... [--json]
//
// Exits with 0 when there are answers, 1 when there are none, 2 after an error.
//
//     cmake -S . -B build -DCMAKE_PREFIX_PATH=/where/ragpipe/is/installed
//     cmake --build build
//     build/ask index.db "How often are API keys rotated?" --filter path=security/api-keys.md
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "ragpipe/default_model/default_model.h"
#include "ragpipe/ragpipe.h"
#include "ragpipe/sqlite/store.h"

namespace {

constexpr char kUsage[] =
    "usage: ask INDEX QUESTION [--top-k N] [--mode hybrid|vector|text] [--filter FIELD=VALUE]... [--json]";

enum ExitCode { kAnswers = 0, kNoAnswers = 1, kError = 2 };

struct Arguments {
  std::string index;
  ragpipe::Query query;
  bool json = false;
};

template <class Number>
bool ParseNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// A command line knows only text: the field may hold that text, or the number or truth value it spells.
absl::StatusOr<ragpipe::Condition> ParseCondition(std::string_view argument) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return absl::InvalidArgumentError("--filter '" + std::string(argument) + "' is not FIELD=VALUE");
  }
  const std::string_view value = argument.substr(equals + 1);
  ragpipe::Condition condition;
  condition.field = argument.substr(0, equals);
  condition.op = ragpipe::Condition::Op::kAnyOf;
  condition.values.emplace_back(std::string(value));
  std::int64_t integer = 0;
  double real = 0;
  if (ParseNumber(value, integer)) {
    condition.values.emplace_back(integer);
  } else if (ParseNumber(value, real)) {
    condition.values.emplace_back(real);
  } else if (value == "true" || value == "false") {
    condition.values.emplace_back(value == "true");
  }
  return condition;
}

absl::StatusOr<ragpipe::SearchMode> ParseMode(std::string_view argument) {
  if (argument == "hybrid") return ragpipe::SearchMode::kHybrid;
  if (argument == "vector") return ragpipe::SearchMode::kVector;
  if (argument == "text") return ragpipe::SearchMode::kText;
  return absl::InvalidArgumentError("--mode '" + std::string(argument) + "' is none of hybrid, vector, text");
}

absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>& words) {
  Arguments arguments;
  arguments.query.top_k = 5;
  std::vector<std::string> positional;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--json") {
      arguments.json = true;
    } else if (!word.starts_with("--")) {
      positional.push_back(word);
    } else if (word != "--top-k" && word != "--mode" && word != "--filter") {
      return absl::InvalidArgumentError("unknown option '" + word + "'; " + kUsage);
    } else if (i + 1 == words.size()) {
      return absl::InvalidArgumentError(word + " needs a value; " + kUsage);
    } else if (const std::string& value = words[++i]; word == "--top-k") {
      if (!ParseNumber(value, arguments.query.top_k)) {
        return absl::InvalidArgumentError("--top-k '" + value + "' is not a number");
      }
    } else if (word == "--mode") {
      auto mode = ParseMode(value);
      if (!mode.ok()) return mode.status();
      arguments.query.mode = *mode;
    } else {
      auto condition = ParseCondition(value);
      if (!condition.ok()) return condition.status();
      arguments.query.filter.push_back(*std::move(condition));
    }
  }
  if (positional.size() != 2) return absl::InvalidArgumentError(kUsage);
  arguments.index = std::move(positional[0]);
  arguments.query.text = std::move(positional[1]);
  return arguments;
}

absl::StatusOr<std::vector<ragpipe::Hit>> Ask(const Arguments& arguments) {
  auto index = ragpipe::sqlite::OpenIndex(arguments.index);
  if (!index.ok()) return index.status();
  auto model = ragpipe::embed::DefaultModel();
  if (!model.ok()) return model.status();
  auto retriever = ragpipe::Retriever::Open(**index, *model);
  if (!retriever.ok()) return retriever.status();
  return retriever->Search(arguments.query);
}

/// Document text is not trusted: a terminal would obey its control characters.
std::string Printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text;
}

void Print(const ragpipe::Hit& hit) {
  constexpr int kLines = 4;
  std::cout << std::fixed << std::setprecision(3) << hit.score << "  " << Printable(hit.document_id) << ", bytes "
            << hit.chunk.range.begin << '-' << hit.chunk.range.end << '\n';
  for (const std::string& heading : hit.chunk.headings) {
    std::cout << (&heading == hit.chunk.headings.data() ? "       " : " > ") << Printable(heading);
  }
  if (!hit.chunk.headings.empty()) std::cout << '\n';
  std::istringstream text(hit.text);
  std::string line;
  for (int i = 0; i < kLines && std::getline(text, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::cout << "       | " << Printable(line) << '\n';
    ++i;
  }
  std::cout << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = ParseArguments({argv + 1, argv + argc});
  if (!arguments.ok()) {
    std::cerr << "ask: " << arguments.status().message() << '\n';
    return kError;
  }
  const auto hits = Ask(*arguments);
  if (!hits.ok()) {
    std::cerr << "ask: " << hits.status() << '\n';
    return kError;
  }
  for (const ragpipe::Hit& hit : *hits) {
    if (arguments->json) {
      std::cout << ToJson(hit) << '\n';
    } else {
      Print(hit);
    }
  }
  if (!hits->empty()) return kAnswers;
  std::cerr << "ask: nothing in the index matches\n";
  return kNoAnswers;
}
