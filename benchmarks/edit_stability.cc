// How many chunks change when a document is edited? Inserts, deletes and replaces one word at 300 seeded places each of a text
// of 105 KB, and of its headings; inserts and moves a paragraph at 100; counts the chunks of the edited text that the text
// before did not have. Prints the mean, the 99th percentile, the maximum and how many edits in a hundred change more than
// three, for each chunker, at 128 and 512 tokens, without and with an overlap of an eighth.
//
//     edit_stability [SEED [TEXTS]]      default 1 1
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ragpipe/default_model/default_model.h"
#include "ragpipe/text/content_defined_chunker.h"
#include "ragpipe/text/fixed_token_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/sentence_chunker.h"

using namespace ragpipe;

namespace {

constexpr std::size_t kTextBytes = 105'000;

using Tokens = std::shared_ptr<const text::Tokenizer>;
using MakeChunker = std::function<std::unique_ptr<Chunker>(const Tokens&, std::size_t max_tokens, std::size_t overlap_tokens)>;

std::string Word(std::mt19937_64& random) {
  static constexpr std::string_view kSyllables[] = {"ta", "ren", "mo",  "lis", "ka",  "dor",
                                                    "vi", "sen", "pul", "ne",  "gar", "ith"};
  std::string word;
  for (std::size_t n = 1 + random() % 4; n > 0; --n) word += kSyllables[random() % std::size(kSyllables)];
  return word;
}

std::string Paragraph(std::mt19937_64& random, std::string_view end) {
  std::string text;
  for (std::size_t sentences = 1 + random() % 8; sentences > 0; --sentences) {
    for (std::size_t words = 4 + random() % 22; words > 0; --words) text += Word(random) + (words == 1 ? "" : " ");
    text += sentences == 1 ? "." : ". ";
    const std::size_t begin = text.rfind(". ", text.size() - 3);
    const std::size_t first = begin == std::string::npos ? 0 : begin + 2;
    text[first] = static_cast<char>(text[first] - 'a' + 'A');
  }
  return text.append(end);
}

std::vector<std::string> Paragraphs(std::mt19937_64& random, std::string_view end, bool has_headings) {
  std::vector<std::string> paragraphs;
  for (std::size_t bytes = 0; bytes < kTextBytes; bytes += paragraphs.back().size()) {
    const bool is_heading = has_headings && random() % 8 == 0;
    paragraphs.push_back(is_heading ? "## " + Word(random) + " " + Word(random) + "\n\n" : Paragraph(random, end));
  }
  return paragraphs;
}

std::string Joined(const std::vector<std::string>& paragraphs) {
  std::string text;
  for (const std::string& paragraph : paragraphs) text += paragraph;
  return text;
}

std::vector<std::string> Split(const Chunker& chunker, std::string text) {
  Document document;
  document.text = std::move(text);
  document.media_type = "text/markdown";
  const auto chunks = chunker.Split(document);
  if (!chunks.ok()) {
    std::fprintf(stderr, "edit_stability: %s\n", chunks.status().ToString().c_str());
    std::exit(1);
  }
  std::vector<std::string> embedded;
  for (const Chunk& chunk : *chunks) {
    const std::size_t begin = chunk.range.begin - chunk.overlap;
    embedded.push_back(chunk.context + document.text.substr(begin, chunk.range.end - begin));
  }
  return embedded;
}

// Chunks of `after` that are not in `before`, each counted as often as it occurs.
std::size_t Changed(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  std::unordered_map<std::string_view, int> known;
  for (const std::string& chunk : before) ++known[chunk];
  return static_cast<std::size_t>(
      std::count_if(after.begin(), after.end(), [&known](const std::string& chunk) { return --known[chunk] < 0; }));
}

// A place where a word begins, in a heading or out of one.
std::size_t WordAt(std::mt19937_64& random, const std::string& text, bool in_heading) {
  while (true) {
    const std::size_t at = text.find(' ', random() % (text.size() - 200));
    if (at != std::string::npos && (text[text.rfind('\n', at) + 1] == '#') == in_heading) return at + 1;
  }
}

std::string EditWord(std::mt19937_64& random, const std::string& text, std::size_t kind, bool in_heading) {
  std::string edited = text;
  const std::size_t at = WordAt(random, text, in_heading);
  const std::size_t end = std::min(text.find_first_of(" .\n", at), text.size());
  if (kind == 0) return edited.insert(at, Word(random) + " ");
  return edited.replace(at, end - at, kind == 1 ? "" : Word(random));
}

std::string EditParagraph(std::mt19937_64& random, std::vector<std::string> paragraphs, std::string_view end, bool moves) {
  std::string paragraph = Paragraph(random, end);
  if (moves) {
    const auto from = paragraphs.begin() + static_cast<std::ptrdiff_t>(random() % paragraphs.size());
    paragraph = *from;
    paragraphs.erase(from);
  }
  paragraphs.insert(paragraphs.begin() + static_cast<std::ptrdiff_t>(random() % paragraphs.size()), paragraph);
  return Joined(paragraphs);
}

void Report(std::string_view chunker, std::string_view edit, std::vector<std::size_t> changed) {
  std::sort(changed.begin(), changed.end());
  double sum = 0;
  for (const std::size_t each : changed) sum += static_cast<double>(each);
  const auto more_than_three = changed.end() - std::upper_bound(changed.begin(), changed.end(), 3);
  const auto edits = static_cast<double>(changed.size());
  std::printf("%-28.*s %-22.*s %6.2f %5zu %5zu %8.3f\n", static_cast<int>(chunker.size()), chunker.data(),
              static_cast<int>(edit.size()), edit.data(), sum / edits, changed[changed.size() * 99 / 100], changed.back(),
              100 * static_cast<double>(more_than_three) / edits);
}

template <class Made>
std::unique_ptr<Chunker> Checked(absl::StatusOr<Made> made) {
  if (made.ok()) return std::make_unique<Made>(*std::move(made));
  std::fprintf(stderr, "edit_stability: %s\n", made.status().ToString().c_str());
  std::exit(1);
}

template <class Made>
std::unique_ptr<Chunker> MakeOne(const Tokens& tokenizer, std::size_t max_tokens, std::size_t overlap_tokens) {
  return Checked(Made::Create(tokenizer, {.max_tokens = max_tokens, .overlap_tokens = overlap_tokens}));
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const std::uint64_t texts = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const Tokens tokenizer = embed::DefaultModel()->tokenizer();
  const std::pair<std::string_view, MakeChunker> chunkers[] = {
      {"recursive", MakeOne<text::RecursiveChunker>},    {"markdown", MakeOne<text::MarkdownChunker>},
      {"sentence", MakeOne<text::SentenceChunker>},      {"content_defined", MakeOne<text::ContentDefinedChunker>},
      {"fixed_token", MakeOne<text::FixedTokenChunker>},
  };
  std::printf("seed %llu, %llu texts\n", static_cast<unsigned long long>(seed), static_cast<unsigned long long>(texts));
  for (const std::size_t max_tokens : {128U, 512U}) {
    for (const std::size_t overlap_tokens : {std::size_t{0}, max_tokens / 8}) {
      std::printf("\nmax_tokens %zu, overlap_tokens %zu\n%-28s %-22s %6s %5s %5s %8s\n", max_tokens, overlap_tokens, "", "",
                  "mean", "p99", "max", "% > 3");
      for (const auto& [name, make] : chunkers) {
        const std::unique_ptr<Chunker> chunker = make(tokenizer, max_tokens, overlap_tokens);
        std::vector<std::size_t> word, heading, line, inserted, moved;
        for (std::uint64_t text_seed = seed; text_seed < seed + texts; ++text_seed) {
          std::mt19937_64 random(text_seed);
          const std::vector<std::string> paragraphs = Paragraphs(random, "\n\n", /*has_headings=*/true);
          const std::string one_line = Joined(Paragraphs(random, " ", /*has_headings=*/false));
          const std::string text = Joined(paragraphs);
          const std::vector<std::string> before = Split(*chunker, text);
          const std::vector<std::string> line_before = Split(*chunker, one_line);
          for (std::size_t i = 0; i < 900; ++i) {
            word.push_back(Changed(before, Split(*chunker, EditWord(random, text, i % 3, /*in_heading=*/false))));
            heading.push_back(Changed(before, Split(*chunker, EditWord(random, text, i % 3, /*in_heading=*/true))));
            line.push_back(Changed(line_before, Split(*chunker, EditWord(random, one_line, i % 3, /*in_heading=*/false))));
          }
          for (std::size_t i = 0; i < 100; ++i) {
            inserted.push_back(Changed(before, Split(*chunker, EditParagraph(random, paragraphs, "\n\n", /*moves=*/false))));
            moved.push_back(Changed(before, Split(*chunker, EditParagraph(random, paragraphs, "\n\n", /*moves=*/true))));
          }
        }
        Report(name, "a word", word);
        Report(name, "a word of a heading", heading);
        Report(name, "a word, one long line", line);
        Report(name, "a paragraph inserted", inserted);
        Report(name, "a paragraph moved", moved);
      }
    }
  }
}
