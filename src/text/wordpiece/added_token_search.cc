#include "text/wordpiece/added_token_search.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace ragpipe::text::internal {

AddedTokenSearch::AddedTokenSearch(const std::vector<AddedToken>& tokens, std::string_view text)
    : tokens_(tokens), text_(text) {
  for (const AddedToken& token : tokens) {
    const char first = token.content.front();
    const bool known = std::any_of(next_.begin(), next_.end(), [first](const auto& next) { return next.first == first; });
    if (!known) next_.emplace_back(first, std::min(text.find(first), text.size()));
  }
}

AddedTokenSearch::Match AddedTokenSearch::Find(std::size_t from) {
  while (!next_.empty()) {
    for (auto& [byte, position] : next_) {
      if (position < from) position = std::min(text_.find(byte, from), text_.size());
    }
    const std::size_t position =
        std::min_element(next_.begin(), next_.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->second;
    if (position == text_.size()) break;
    if (const AddedToken* token = MatchAt(position)) return {position, token};
    from = position + 1;
  }
  return {text_.size(), nullptr};
}

const AddedToken* AddedTokenSearch::MatchAt(std::size_t position) const {
  const std::string_view rest = text_.substr(position);
  for (const AddedToken& token : tokens_) {
    if (rest.starts_with(token.content)) return &token;
  }
  return nullptr;
}

}  // namespace ragpipe::text::internal
