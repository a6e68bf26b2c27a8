// Any bytes as a question for the full-text index: the words of it are looked for, whatever FTS5 would read into them.
#include <absl/status/status.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/utf8.h"
#include "fuzz/input.h"
#include "fuzz/require.h"
#include "ragpipe/sqlite/store.h"

using namespace ragpipe;

namespace {

sqlite::Store& SmallStore() {
  static sqlite::Store* const store = [] {
    std::string folder = (std::filesystem::temp_directory_path() / "ragpipe-fuzz-XXXXXX").string();
    FUZZ_REQUIRE(mkdtemp(folder.data()) != nullptr);
    auto opened = sqlite::Store::Open(folder + "/index.db");
    FUZZ_REQUIRE(opened.ok());
    auto* const kept = new sqlite::Store(*std::move(opened));
    const std::array<float, 2> vector = {1, 0};
    const Chunk chunk;
    const Metadata metadata;
    const Record record{
        .id = "0", .text_key = "key", .vector = vector, .text = "near AND column:words \"OR\" *", .chunk = &chunk};
    DocumentWrite write;
    write.source = "source";
    write.document_id = "document";
    write.metadata = &metadata;
    write.upserts = {&record, 1};
    CommitRequest commit;
    commit.source = "source";
    CollectionSpec spec;
    spec.recipe.dimension = 2;
    FUZZ_REQUIRE(kept->sink().EnsureCollection(spec).ok());
    FUZZ_REQUIRE(kept->sink().Write({&write, 1}).ok());
    FUZZ_REQUIRE(kept->checkpoint().Commit(commit).ok());
    FUZZ_REQUIRE(kept->index().LoadRecipe().ok());
    std::filesystem::remove_all(folder);  // what is open stays: the connection for searches, too
    return kept;
  }();
  return *store;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  IndexQuery query;
  query.text = Input(data, size).rest();
  query.mode = SearchMode::kText;
  const auto hits = SmallStore().index().Search(query);
  if (internal::FindInvalidUtf8(query.text) != std::string_view::npos) {
    FUZZ_REQUIRE(hits.status().code() == absl::StatusCode::kInvalidArgument);
  } else {
    FUZZ_REQUIRE(hits.ok());
  }
  return 0;
}
