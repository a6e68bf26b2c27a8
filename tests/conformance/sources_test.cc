#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "ragpipe/fs/directory_source.h"
#include "ragpipe/fs/jsonl_source.h"
#include "ragpipe/testing/check_source.h"
#include "support/catch.h"
#include "support/temp_dir.h"

using namespace ragpipe;

namespace {

void CheckConforms(const testing::SourceFactory& factory) {
  const auto findings = testing::CheckSource(factory);
  INFO(testing::ToText(findings));
  CHECK(findings.empty());
}

void WriteLines(const std::string& path) {
  std::ofstream file(path);
  for (int i = 0; i < 300; ++i) {
    file << R"({"id":"doc)" << i << R"(","text":"text of )" << i << R"(","lang":"en","tags":["a","b"]})" << '\n';
  }
}

}  // namespace

TEST_CASE("DirectorySource conforms") {
  const TempDir dir;
  const auto yesterday = std::filesystem::file_time_type::clock::now() - std::chrono::hours(24);
  for (int i = 0; i < 300; ++i) {
    const std::filesystem::path folder = dir.path() / ("folder" + std::to_string(i % 7));
    std::filesystem::create_directories(folder);
    const std::filesystem::path file = folder / ("file " + std::to_string(i) + ".md");
    std::ofstream(file) << "# Title " << i << "\n\ntext\n";
    std::filesystem::last_write_time(file, yesterday);
  }
  CheckConforms([&] { return std::make_shared<fs::DirectorySource>(dir.path().string()); });
}

TEST_CASE("JsonlSource conforms, as a log and as a snapshot") {
  const TempDir dir;
  WriteLines(dir / "lines.jsonl");
  const bool snapshot = GENERATE(false, true);
  const fs::JsonlSourceOptions options{.metadata_fields = {"lang", "tags"}, .snapshot = snapshot};
  CheckConforms([&] { return std::make_shared<fs::JsonlSource>(dir / "lines.jsonl", options); });
}
