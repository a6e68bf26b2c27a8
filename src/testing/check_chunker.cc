#include "ragpipe/testing/check_chunker.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "core/utf8.h"
#include "ragpipe/chunk.h"
#include "testing/chunk_fields.h"
#include "testing/edit_radius.h"
#include "testing/rules.h"

namespace ragpipe::testing {
namespace {

using Chunks = std::vector<Chunk>;

std::vector<Document> KitDocuments() {
  std::vector<std::string> texts = AwkwardTexts();
  texts.emplace_back("First paragraph, of two\nlines.\n\n\n  Second paragraph.\n\nThird, without a newline at the end");
  texts.emplace_back("\r\n\r\nWindows\r\n\r\nline ends\r\n");
  texts.emplace_back(
      "# Title\n\nIntro.\n\n## Part *one*\n\n- item\n  - nested item\n\n```cc\nint x = 0;\n\n// blank line above\n```\n\n"
      "| a | b |\n|---|---|\n| 1 | 2 |\n\n> quote\n\n### Deep\n\nText.\n\n## \u00DCber\n\nEnd.\n");
  texts.emplace_back("\uFEFFA byte order mark, then text.\r\n\uFFFE\n");
  texts.emplace_back("```\na fence that never closes\n\n# no heading\n");
  std::string all;
  for (int i = 0; i < 60; ++i) all += fmt::format("## Section {}\n\n{}\n\n", i, texts[static_cast<std::size_t>(i) % 10]);
  texts.push_back(std::move(all));
  std::string no_spaces;
  for (int i = 0; i < 3000; ++i) no_spaces += "\u6F22";
  texts.push_back(std::move(no_spaces));

  std::vector<Document> documents;
  for (std::string& text : texts) {
    for (const char* const media_type : {"text/plain", "text/markdown"}) {
      Document document;
      document.id = fmt::format("document {}", documents.size());
      document.text = text;
      document.media_type = media_type;
      documents.push_back(std::move(document));
    }
  }
  return documents;
}

bool Same(const Chunks& a, const Chunks& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (FieldsOf(a[i]) != FieldsOf(b[i])) return false;
  }
  return true;
}

bool IsInside(const Chunk& chunk, const Document& document) {
  return chunk.range.begin <= chunk.range.end && chunk.range.end <= document.text.size() && chunk.overlap <= chunk.range.begin;
}

std::string EmbeddedText(const Chunk& chunk, const Document& document) {
  if (chunk.text.has_value()) return chunk.context + *chunk.text;
  const std::size_t begin = chunk.range.begin - chunk.overlap;
  return chunk.context + document.text.substr(begin, chunk.range.end - begin);
}

class ChunkerCheck {
 public:
  ChunkerCheck(const ChunkerFactory& factory, const ChunkerCheckOptions& options)
      : factory_(factory), options_(options), documents_(options.documents.empty() ? KitDocuments() : options.documents) {}

  std::vector<Finding> Run() {
    bool usable = false;
    rules_.Check("factory", [&]() -> Verdict {
      usable = factory_() != nullptr;
      return usable ? kKept : "the factory gave no chunker";
    });
    if (!usable) return rules_.Take();
    rules_.Check("fingerprint.readable", [&]() -> Verdict {
      return IsReadable(factory_()->Fingerprint()) ? kKept : "Fingerprint() is empty, not UTF-8 or has control characters";
    });
    rules_.Check("fingerprint.stable", [&] { return FingerprintStable(); });
    rules_.Check("accepts", [&] { return Accepts(); });
    rules_.Check("empty", [&] { return Empty(); });
    rules_.Check("pure", [&] { return Pure(); });
    rules_.Check("concurrent", [&] { return Concurrent(); });
    rules_.Check("ranges.inside", [&] { return ForEachChunk(Inside); });
    rules_.Check("ranges.order", [&] { return ForEachSplit(Order); });
    rules_.Check("ranges.code_points", [&] { return ForEachChunk(CodePoints); });
    rules_.Check("ranges.crlf", [&] { return ForEachChunk(Crlf); });
    rules_.Check("ranges.tile", [&] {
      return ForEachSplit([this](const Document& document, const Chunks& chunks) { return Tile(document, chunks); });
    });
    rules_.Check("overlap", [&] { return ForEachSplit(Overlap); });
    rules_.Check("embeds_text", [&] { return ForEachChunk(EmbedsText); });
    rules_.Check("utf8", [&] { return ForEachChunk(Utf8); });
    rules_.Check("tokens", [&] {
      return ForEachChunk([this](const Document& document, const Chunk& chunk) { return Tokens(document, chunk); });
    });
    rules_.Check("tokens.estimated",
                 [&] { return ForEachChunk([this](const Document&, const Chunk& chunk) { return Estimated(chunk); }); });
    rules_.Check("edit_radius", [&] { return EditRadius(); });
    rules_.Check("stream", [&] { return Stream(); });
    return rules_.Take();
  }

 private:
  Verdict FingerprintStable() const {
    const auto chunker = factory_();
    const std::string first = chunker->Fingerprint();
    (void)chunker->Split(documents_[0]);
    if (const std::string again = chunker->Fingerprint(); again != first) {
      return fmt::format("Fingerprint() was '{}', then '{}'", first, again);
    }
    if (const std::string other = factory_()->Fingerprint(); other != first) {
      return fmt::format("Fingerprint() is '{}' for one object and '{}' for the next", first, other);
    }
    return kKept;
  }

  Verdict Accepts() const {
    const auto chunker = factory_();
    for (const Document& document : documents_) {
      if (const auto chunks = chunker->Split(document); !chunks.ok()) {
        return Gave(fmt::format("Split() of '{}' ({} bytes of {})", document.id, document.text.size(), document.media_type),
                    chunks.status());
      }
    }
    return kKept;
  }

  Verdict Empty() const {
    Document document = documents_[0];
    document.text.clear();
    const auto chunks = factory_()->Split(document);
    if (!chunks.ok()) return Gave("Split() of an empty document", chunks.status());
    return chunks->empty() ? kKept : fmt::format("Split() of an empty document gave {} chunks", chunks->size());
  }

  Verdict Pure() const {
    const auto chunker = factory_();
    std::vector<Chunks> first;
    for (const Document& document : documents_) {
      auto chunks = chunker->Split(document);
      first.push_back(chunks.ok() ? *std::move(chunks) : Chunks());
    }
    for (const bool other : {false, true}) {
      const auto again = other ? factory_() : chunker;
      for (std::size_t i = documents_.size(); i-- > 0;) {  // in another order than before
        const auto chunks = again->Split(documents_[i]);
        if (chunks.ok() && !Same(*chunks, first[i])) {
          return fmt::format("Split() of '{}' again, by {}, gave other chunks", documents_[i].id,
                             other ? "another object" : "the same object");
        }
      }
    }
    return kKept;
  }

  Verdict Concurrent() const {
    constexpr int kThreads = 8;
    const auto chunker = factory_();
    std::vector<Chunks> expected;
    for (const Document& document : documents_) {
      auto chunks = chunker->Split(document);
      expected.push_back(chunks.ok() ? *std::move(chunks) : Chunks());
    }
    return OnThreads(kThreads, [&](int thread) -> Verdict {
      for (std::size_t i = 0; i < documents_.size(); ++i) {
        // Every thread begins elsewhere, so that calls at once are not all of the same document.
        const std::size_t at = (i + static_cast<std::size_t>(thread)) % documents_.size();
        const auto chunks = chunker->Split(documents_[at]);
        if (chunks.ok() && !Same(*chunks, expected[at])) {
          return fmt::format("Split() of '{}' gave other chunks when {} calls ran at once", documents_[at].id, kThreads);
        }
      }
      return kKept;
    });
  }

  static Verdict Inside(const Document& document, const Chunk& chunk) {
    if (chunk.range.begin > chunk.range.end) return fmt::format("it is [{}, {})", chunk.range.begin, chunk.range.end);
    if (chunk.range.end > document.text.size()) return fmt::format("it ends at {}, behind the text", chunk.range.end);
    return kKept;
  }

  static Verdict Order(const Document& /*document*/, const Chunks& chunks) {
    for (std::size_t i = 1; i < chunks.size(); ++i) {
      if (chunks[i].range.begin < chunks[i - 1].range.end) {
        return fmt::format("chunk {} begins at {}, before chunk {} ends at {}", i, chunks[i].range.begin, i - 1,
                           chunks[i - 1].range.end);
      }
    }
    return kKept;
  }

  static Verdict CodePoints(const Document& document, const Chunk& chunk) {
    for (const std::size_t offset : {chunk.range.begin, chunk.range.end, chunk.range.begin - chunk.overlap}) {
      if (!internal::IsCodePointBoundary(document.text, offset))
        return fmt::format("byte {} is inside of a code point", offset);
    }
    return kKept;
  }

  static Verdict Crlf(const Document& document, const Chunk& chunk) {
    if (!IsInside(chunk, document)) return kKept;
    for (const std::size_t offset : {chunk.range.begin, chunk.range.end, chunk.range.begin - chunk.overlap}) {
      const bool divides = offset > 0 && std::string_view(document.text).substr(offset - 1, 2) == "\r\n";
      if (divides) return fmt::format("byte {} is inside of a CRLF", offset);
    }
    return kKept;
  }

  Verdict Tile(const Document& document, const Chunks& chunks) const {
    if (!options_.keeps_everything) return kKept;
    std::vector<ByteRange> ranges;
    for (const Chunk& chunk : chunks) ranges.push_back(chunk.range);
    if (options_.dropped) {
      for (const ByteRange range : options_.dropped(document)) ranges.push_back(range);
      std::sort(ranges.begin(), ranges.end(),
                [](const ByteRange& a, const ByteRange& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    }
    const std::string_view what = options_.dropped ? "chunks and dropped ranges" : "chunks";
    std::size_t end = 0;
    for (const ByteRange range : ranges) {
      if (range.begin != end)
        return fmt::format("of the {}, [{}, {}) follows one that ends at {}", what, range.begin, range.end, end);
      end = range.end;
    }
    return end == document.text.size() ? kKept : fmt::format("the {} end at {} of {} bytes", what, end, document.text.size());
  }

  static Verdict Overlap(const Document& /*document*/, const Chunks& chunks) {
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const std::size_t most = i == 0 ? 0 : chunks[i].range.begin - chunks[i - 1].range.begin;
      if (chunks[i].overlap > most) {
        return fmt::format("chunk {} has an overlap of {} bytes; at most {} belong to the chunk before", i, chunks[i].overlap,
                           most);
      }
    }
    return kKept;
  }

  static Verdict EmbedsText(const Document& document, const Chunk& chunk) {
    return IsInside(chunk, document) && EmbeddedText(chunk, document).empty() ? "there is nothing to embed" : kKept;
  }

  static Verdict Utf8(const Document& /*document*/, const Chunk& chunk) {
    if (!IsCleanText(chunk.context)) return "its context is not UTF-8 without NUL";
    if (chunk.text.has_value() && !IsCleanText(*chunk.text)) return "its text is not UTF-8 without NUL";
    for (const std::string& heading : chunk.headings) {
      if (!IsCleanText(heading)) return "its headings are not UTF-8 without NUL";
    }
    return kKept;
  }

  Verdict Tokens(const Document& document, const Chunk& chunk) const {
    if (chunk.tokens > options_.max_tokens) {
      return fmt::format("it has {} tokens; at most {} were asked for", chunk.tokens, options_.max_tokens);
    }
    if (!options_.count_tokens || !IsInside(chunk, document)) return kKept;
    const std::size_t exact = options_.count_tokens(EmbeddedText(chunk, document));
    return exact == chunk.tokens ? kKept : fmt::format("it says {} tokens and has {}", chunk.tokens, exact);
  }

  Verdict Estimated(const Chunk& chunk) const {
    if (chunk.tokens_are_estimated == options_.tokens_are_estimated) return kKept;
    return options_.tokens_are_estimated ? "its count is an estimate and does not say so"
                                         : "it says that its count is an estimate";
  }

  Verdict EditRadius() const {
    if (options_.edit_radius == 0) return kKept;
    const Measure measure =
        options_.count_tokens ? options_.count_tokens : Measure([](std::string_view text) { return text.size(); });
    if (options_.documents.empty()) {
      return FindFarChange(*factory_(), DocumentToEdit(options_.edit_radius, measure), options_.edit_radius, measure);
    }
    const auto longest = std::max_element(documents_.begin(), documents_.end(),
                                          [](const Document& a, const Document& b) { return a.text.size() < b.text.size(); });
    return FindFarChange(*factory_(), *longest, options_.edit_radius, measure);
  }

  Verdict Stream() const {
    constexpr std::size_t kPart = 1021;  // bytes, so that parts end anywhere
    std::vector<Document> documents = documents_;
    if (options_.documents.empty()) {  // and one that is longer than what a chunker keeps
      Document& document = documents.emplace_back();
      document.id = "all of them, again and again";
      document.media_type = "text/plain";
      while (document.text.size() < 300'000) {
        for (const Document& part : documents_) document.text += part.text;
      }
    }
    const auto chunker = factory_();
    for (const Document& document : documents) {
      const auto expected = chunker->Split(document);
      const auto is_inside = [&](const Chunk& chunk) { return IsInside(chunk, document); };
      if (!expected.ok() || !std::all_of(expected->begin(), expected->end(), is_inside)) continue;
      Document rest = document;
      rest.text.clear();
      std::size_t at = 0;
      const ReadText read = [&]() -> absl::StatusOr<std::string_view> {
        const std::string_view part = std::string_view(document.text).substr(at, kPart);
        at += part.size();
        return part;
      };
      Chunks taken;
      bool same_text = true;
      const TakeChunk take = [&](const Chunk& chunk, std::string_view text) {
        if (IsInside(chunk, document))
          same_text = same_text && chunk.context + std::string(text) == EmbeddedText(chunk, document);
        taken.push_back(chunk);
        return absl::OkStatus();
      };
      if (const absl::Status status = chunker->SplitStream(rest, read, take); !status.ok()) {
        return Gave(fmt::format("SplitStream() of '{}'", document.id), status);
      }
      if (!Same(taken, *expected)) return fmt::format("SplitStream() of '{}' gave other chunks than Split()", document.id);
      if (!same_text) return fmt::format("SplitStream() of '{}' gave a text that is not the chunk's", document.id);
    }
    return kKept;
  }

  /// Documents that are refused are left to the rule "accepts".
  Verdict ForEachSplit(const std::function<Verdict(const Document&, const Chunks&)>& judge) const {
    const auto chunker = factory_();
    for (const Document& document : documents_) {
      const auto chunks = chunker->Split(document);
      if (!chunks.ok()) continue;
      if (Verdict verdict = judge(document, *chunks); !verdict.empty()) {
        return fmt::format("'{}' ({} bytes of {}): {}", document.id, document.text.size(), document.media_type, verdict);
      }
    }
    return kKept;
  }

  Verdict ForEachChunk(const std::function<Verdict(const Document&, const Chunk&)>& judge) const {
    return ForEachSplit([&judge](const Document& document, const Chunks& chunks) -> Verdict {
      for (std::size_t i = 0; i < chunks.size(); ++i) {
        if (Verdict verdict = judge(document, chunks[i]); !verdict.empty()) return fmt::format("chunk {}: {}", i, verdict);
      }
      return kKept;
    });
  }

  const ChunkerFactory& factory_;
  const ChunkerCheckOptions& options_;
  const std::vector<Document> documents_;
  Rules rules_{"chunker"};
};

}  // namespace

std::vector<Finding> CheckChunker(const ChunkerFactory& factory, const ChunkerCheckOptions& options) {
  return ChunkerCheck(factory, options).Run();
}

}  // namespace ragpipe::testing
