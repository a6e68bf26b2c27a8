#include "ragpipe/testing/random_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace ragpipe::testing {
namespace {

constexpr std::string_view kBetween = "\n\n";

std::vector<std::string> ParagraphsOf(const std::string& text) {
  std::vector<std::string> paragraphs;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(kBetween, begin), text.size());
    paragraphs.push_back(text.substr(begin, end - begin));
    begin = std::min(end + kBetween.size(), text.size());
  }
  return paragraphs;
}

std::string Joined(const std::vector<std::string>& paragraphs) {
  std::string text;
  for (const std::string& paragraph : paragraphs) {
    text += paragraph;
    text += kBetween;  // after the last one too: a paragraph is the same text wherever it stands
  }
  return text;
}

}  // namespace

RandomProgram::RandomProgram(MemorySource& source, std::uint64_t seed, RandomProgramOptions options)
    : source_(source), options_(options), random_(seed) {}

std::string RandomProgram::Next() {
  if (documents_.empty()) return Insert();
  const std::size_t dice = Below(100);
  if (dice < 18) return Insert();
  if (dice < 52) return Edit(AnyDocument());
  const std::string id = AnyDocument();
  if (dice < 60) {
    Delete(id);
    return "delete " + id;
  }
  Document document = documents_.at(id);
  if (dice < 68) {
    document.id = NewId();
    std::string what = fmt::format("rename {} to {}", id, document.id);
    if (Below(2) == 0) {
      Put(std::move(document));
      Delete(id);
    } else {
      Delete(id);
      Put(std::move(document));
    }
    return what;
  }
  if (dice < 73) {
    Put(std::move(document));
    return "touch " + id;
  }
  if (dice < 80) {
    document.metadata["edition"] = static_cast<std::int64_t>(Below(4));
    if (options_.odd_fields) MakeOdd(document.metadata);
    if (Below(4) == 0) document.media_type = Below(2) == 0 ? "text/plain" : "text/markdown";
    Put(std::move(document));
    return "new metadata of " + id;
  }
  if (dice < 84) {
    document.id = NewId();
    std::string what = fmt::format("copy {} to {}", id, document.id);
    Put(std::move(document));
    return what;
  }
  if (dice < 90) {
    std::string what = "burst:";
    for (std::size_t i = 2 + Below(4); i > 0; --i) {
      if (documents_.count(id) != 0 && Below(5) == 0) {
        Delete(id);
        what += " delete " + id + ";";
      } else if (documents_.count(id) == 0) {
        Put(document);
        what += " put " + id + " again;";
      } else {
        what += " " + Edit(id) + ";";
      }
    }
    return what;
  }
  if (dice < 98) return options_.redelivers ? Redeliver() : Edit(id);
  return DeleteMost();
}

void RandomProgram::Repeat(const std::string& document_id) {
  if (const auto found = documents_.find(document_id); found != documents_.end()) {
    source_.Put(found->second);
    return;
  }
  Document gone;
  gone.id = document_id;
  if (options_.odd_fields) gone.metadata["edition"] = std::int64_t{0};  // as declared
  source_.Put(gone);
  source_.Delete(document_id);
}

void RandomProgram::Mend(const std::function<bool(const Document&)>& is_bad) {
  std::vector<Document> bad;
  for (const auto& [id, document] : documents_) {
    if (is_bad(document)) bad.push_back(document);
  }
  for (Document& document : bad) {
    document.metadata = {{"edition", std::int64_t{0}}};
    Put(std::move(document));
  }
}

void RandomProgram::MakeOdd(Metadata& metadata) {
  switch (Below(7)) {
    case 0:
      metadata["colour"] = std::string(Below(2) == 0 ? "red" : "blue");
      break;
    case 1:
      metadata.erase("edition");
      break;
    case 2:
      metadata["edition"] = std::string("first");
      break;
    case 3:
      metadata["edition"] = 1.5;
      break;
    case 4:
      metadata["score"] = static_cast<std::int64_t>(Below(3));
      break;
    case 5:
      metadata["score"] = static_cast<double>(Below(3));
      break;
    default:
      metadata.erase("colour");
  }
}

std::string RandomProgram::Paragraph() {
  return fmt::format("The {} of chapter {} says nothing new.", Below(2) == 0 ? "author" : "reader", Below(options_.vocabulary));
}

std::string RandomProgram::NewId() {
  // Now and then an id comes back.
  if (ids_given_ > 3 && Below(4) == 0) {
    std::string id = fmt::format("doc{}", Below(static_cast<std::size_t>(ids_given_)));
    if (documents_.count(id) == 0) return id;
  }
  return fmt::format("doc{}", ids_given_++);
}

void RandomProgram::Put(Document document) {
  document.version = {};
  const std::string id = document.id;
  source_.Put(document);
  changes_.push_back({id, document});
  documents_[id] = std::move(document);
  history_[id].push_back(source_.documents().at(id));  // with the version that the source gave it
}

void RandomProgram::Delete(const std::string& id) {
  source_.Delete(id);
  documents_.erase(id);
  changes_.push_back({id, std::nullopt});
}

std::string RandomProgram::Insert() {
  if (documents_.size() >= options_.most_documents) return Edit(AnyDocument());
  Document document;
  document.id = NewId();
  document.media_type = "text/plain";
  document.metadata["edition"] = static_cast<std::int64_t>(Below(4));
  if (options_.odd_fields && Below(3) == 0) MakeOdd(document.metadata);
  std::vector<std::string> paragraphs(Below(options_.most_paragraphs + 1));
  for (std::string& paragraph : paragraphs) paragraph = Paragraph();
  document.text = Joined(paragraphs);
  std::string what = fmt::format("insert {} of {} paragraphs", document.id, paragraphs.size());
  Put(std::move(document));
  return what;
}

std::string RandomProgram::Edit(const std::string& id) {
  Document document = documents_.at(id);
  std::vector<std::string> paragraphs = ParagraphsOf(document.text);
  std::string what;
  const std::size_t dice = Below(5);
  if (paragraphs.empty() || dice == 0) {
    paragraphs.insert(paragraphs.begin(), Paragraph());
    what = "a paragraph at the top of ";
  } else if (dice == 1) {
    paragraphs.resize(Below(paragraphs.size()));
    what = "cut off the end of ";
  } else if (dice == 2) {
    std::swap(paragraphs[Below(paragraphs.size())], paragraphs[Below(paragraphs.size())]);
    what = "move a paragraph of ";
  } else if (dice == 3) {
    paragraphs.push_back(paragraphs[Below(paragraphs.size())]);
    what = "repeat a paragraph of ";
  } else {
    paragraphs[Below(paragraphs.size())] = Paragraph();
    what = "edit a paragraph of ";
  }
  document.text = Joined(paragraphs);
  Put(std::move(document));
  return what + id;
}

std::string RandomProgram::Redeliver() {
  // Of a deleted document, too: it must not come back.
  const auto& [id, versions] = *std::next(history_.begin(), static_cast<std::ptrdiff_t>(Below(history_.size())));
  const std::size_t version = Below(2) == 0 ? versions.size() - 1 : Below(versions.size());
  source_.Redeliver(versions[version]);
  ++redeliveries_;
  return fmt::format("version {} of {} of {} arrives {}", version + 1, versions.size(), id,
                     version + 1 == versions.size() ? "twice" : "late");
}

std::string RandomProgram::DeleteMost() {
  std::vector<std::string> ids;
  for (const auto& [id, document] : documents_) ids.push_back(id);
  std::string what = "delete most:";
  for (const std::string& id : ids) {
    if (Below(5) == 0) continue;
    Delete(id);
    what += " " + id;
  }
  return what;
}

}  // namespace ragpipe::testing
