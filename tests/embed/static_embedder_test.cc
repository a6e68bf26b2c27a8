#include "ragpipe/embed/static_embedder.h"

#include <absl/status/status.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/embedder.h"
#include "support/catch.h"
#include "support/seed.h"
#include "support/temp_dir.h"

namespace ragpipe::embed {
namespace {

using nlohmann::json;

template <class T>
std::string Bytes(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

struct TensorText {
  std::string name;
  std::string dtype;
  std::vector<std::size_t> shape;
  std::string bytes;
};

std::string File(const std::string& header, const std::string& data) {
  std::string file;
  for (unsigned shift = 0; shift < 64; shift += 8) file += static_cast<char>((header.size() >> shift) & 0xFFU);
  return file + header + data;
}

/// `padding` moves the data off any alignment.
std::string Safetensors(const std::vector<TensorText>& tensors, std::size_t padding = 0) {
  json header;
  std::string data;
  for (const TensorText& tensor : tensors) {
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  header["__metadata__"] = {{"format", "np"}};
  return File(header.dump() + std::string(padding, ' '), data);
}

/// Five tokens; the texts of the tests are made of "a", "b", "c" and unknown words.
std::string TokenizerJson() {
  return R"({"added_tokens": [], "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
    "strip_accents": null, "lowercase": true}, "pre_tokenizer": {"type": "BertPreTokenizer"},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
    "vocab": {"[PAD]": 0, "[UNK]": 1, "a": 2, "b": 3, "c": 4}}})";
}

const std::vector<float> kRows = {9, 9, 9, 7, 7, 7, 3, 0, 4, 1, 2, 2, -3, 0, -4};  // [PAD] [UNK] a b c

TensorText FloatRows() { return {"embeddings", "F32", {5, 3}, Bytes(kRows)}; }

struct Files {
  std::string safetensors = Safetensors({FloatRows()});
  std::string tokenizer = TokenizerJson();
  std::string config = R"({"normalize": false})";

  absl::StatusOr<StaticEmbedder> Load() const { return StaticEmbedder::FromMemory({safetensors, tokenizer, config}); }
};

std::vector<float> Embed(StaticEmbedder& embedder, std::string_view text) {
  std::vector<float> vector(embedder.dimension(), std::numeric_limits<float>::quiet_NaN());
  EmbedRequest request;
  request.texts = {&text, 1};
  REQUIRE_OK(embedder.Embed(request, vector));
  return vector;
}

std::vector<float> Embed(const Files& files, std::string_view text) {
  auto embedder = files.Load();
  REQUIRE_OK(embedder);
  return Embed(*embedder, text);
}

void CheckNear(const std::vector<float>& vector, const std::vector<double>& expected) {
  REQUIRE(vector.size() == expected.size());
  for (std::size_t i = 0; i < vector.size(); ++i) CHECK(double{vector[i]} == Approx(expected[i]).margin(1e-6));
}

void CheckRefused(const Files& files, absl::StatusCode code, const std::string& message) {
  const auto embedder = files.Load();
  INFO(Describe(embedder));
  CHECK(embedder.status().code() == code);
  CHECK(std::string(embedder.status().message()).find(message) != std::string::npos);
}

TEST_CASE("A vector is the mean of the known tokens' rows", "[embed]") {
  Files files;
  CheckNear(Embed(files, "a"), {3, 0, 4});
  CheckNear(Embed(files, "A b"), {2, 1, 3});
  CheckNear(Embed(files, "a b unknown"), {2, 1, 3});
  CheckNear(Embed(files, "a a a b"), {2.5, 0.5, 3.5});
  CheckNear(Embed(files, ""), {0, 0, 0});
  CheckNear(Embed(files, "unknown words"), {0, 0, 0});

  SECTION("normalised where the config says so") {
    files.config = R"({"normalize": true, "pooling": "mean"})";
    CheckNear(Embed(files, "a"), {0.6, 0, 0.8});
    CheckNear(Embed(files, "b b"), {1.0 / 3, 2.0 / 3, 2.0 / 3});
    CheckNear(Embed(files, ""), {0, 0, 0});
    CheckNear(Embed(files, "a c"), {0, 0, 0});
  }
  SECTION("not normalised where it says nothing, as in model2vec") {
    files.config = "{}";
    CheckNear(Embed(files, "a"), {3, 0, 4});
  }
  SECTION("alike for documents and queries") {
    auto embedder = files.Load();
    REQUIRE_OK(embedder);
    const std::string_view text = "a b";
    std::vector<float> vector(3);
    EmbedRequest request;
    request.texts = {&text, 1};
    request.purpose = EmbedRequest::Purpose::kQuery;
    REQUIRE_OK(embedder->Embed(request, vector));
    CheckNear(vector, {2, 1, 3});
  }
}

TEST_CASE("Every element type gives the numbers it stands for, at any alignment", "[embed]") {
  for (std::size_t padding = 0; padding < 8; ++padding) {
    Files files;
    INFO("padding " << padding);
    SECTION("F32 " + std::to_string(padding)) {
      files.safetensors = Safetensors({FloatRows()}, padding);
      CheckNear(Embed(files, "a b"), {2, 1, 3});
    }
    SECTION("the name that sentence-transformers uses " + std::to_string(padding)) {
      files.safetensors = Safetensors({{"embedding.weight", "F32", {5, 3}, Bytes(kRows)}}, padding);
      CheckNear(Embed(files, "a b"), {2, 1, 3});
    }
    SECTION("F16 " + std::to_string(padding)) {
      // Of IEEE 754: 1, -2, 65504 (largest), 2^-14 (least normal), 2^-24 (least subnormal), -0, 1/3 rounded.
      const std::vector<std::uint16_t> rows = {0,      0,      0,      0,      0,      0,      0x3C00, 0xC000,
                                               0x7BFF, 0x0400, 0x0001, 0x8000, 0x3555, 0x83FF, 0};
      files.safetensors = Safetensors({{"embeddings", "F16", {5, 3}, Bytes(rows)}}, padding);
      CheckNear(Embed(files, "a"), {1, -2, 65504});
      const std::vector<float> small = Embed(files, "b");
      CHECK(small[0] == std::ldexp(1.0F, -14));
      CHECK(small[1] == std::ldexp(1.0F, -24));
      CHECK(small[2] == 0.0F);
      const std::vector<float> third = Embed(files, "c");
      CHECK(third[0] == 0.333251953125F);
      CHECK(third[1] == -std::ldexp(1023.0F, -24));
    }
    SECTION("I8 with weights " + std::to_string(padding)) {
      const std::vector<std::int8_t> rows = {0, 0, 0, 0, 0, 0, 127, -128, 1, 2, 4, 6, 0, 0, 1};
      files.safetensors = Safetensors(
          {{"embeddings", "I8", {5, 3}, Bytes(rows)}, {"weights", "F32", {5}, Bytes(std::vector<float>{1, 1, 0.5, 2, -1})}},
          padding);
      CheckNear(Embed(files, "a"), {63.5, -64, 0.5});
      CheckNear(Embed(files, "a b c"), {(63.5 + 4) / 3, (-64.0 + 8) / 3, (0.5 + 12 - 1) / 3});
    }
    SECTION("weights F16 and F64 " + std::to_string(padding)) {
      files.safetensors =
          Safetensors({FloatRows(), {"weights", "F64", {5}, Bytes(std::vector<double>{1, 1, 0.5, 2, -1})}}, padding);
      CheckNear(Embed(files, "a b"), {1.75, 2, 3});
      files.safetensors = Safetensors(
          {FloatRows(), {"weights", "F16", {5}, Bytes(std::vector<std::uint16_t>{0x3C00, 0x3C00, 0x3800, 0x4000, 0xBC00})}},
          padding);
      CheckNear(Embed(files, "a b"), {1.75, 2, 3});
    }
    SECTION("a mapping: weights are of tokens, not of rows " + std::to_string(padding)) {
      const TensorText rows{"embeddings", "F32", {2, 3}, Bytes(std::vector<float>{1, 0, 0, 0, 1, 0})};
      const TensorText weights{"weights", "F32", {5}, Bytes(std::vector<float>{1, 1, 10, 20, 30})};
      files.safetensors =
          Safetensors({rows, weights, {"mapping", "I64", {5}, Bytes(std::vector<std::int64_t>{0, 0, 1, 0, 1})}}, padding);
      CheckNear(Embed(files, "a"), {0, 10, 0});
      CheckNear(Embed(files, "a b"), {10, 5, 0});
      CheckNear(Embed(files, "c"), {0, 30, 0});
      files.safetensors =
          Safetensors({rows, {"mapping", "I32", {5}, Bytes(std::vector<std::int32_t>{0, 0, 1, 0, 1})}}, padding);
      CheckNear(Embed(files, "a b"), {0.5, 0.5, 0});
    }
  }
}

TEST_CASE("Every dimension of a wide table counts", "[embed]") {
  constexpr std::size_t kDimension = 35;  // two blocks and a rest, whatever the width of a vector register
  std::vector<std::int8_t> small(5 * kDimension);
  for (std::size_t i = 0; i < small.size(); ++i) small[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 255) - 127);
  const std::vector<float> wide(small.begin(), small.end());
  Files files;
  for (const bool narrow : {true, false}) {
    INFO((narrow ? "I8" : "F32"));
    files.safetensors = Safetensors({narrow ? TensorText{"embeddings", "I8", {5, kDimension}, Bytes(small)}
                                            : TensorText{"embeddings", "F32", {5, kDimension}, Bytes(wide)}});
    const std::vector<float> vector = Embed(files, "a b b c a a a");
    REQUIRE(vector.size() == kDimension);
    for (std::size_t i = 0; i < kDimension; ++i) {
      auto at = [&](std::size_t token) { return double{wide[token * kDimension + i]}; };
      CHECK(double{vector[i]} == Approx((4 * at(2) + 2 * at(3) + at(4)) / 7).margin(1e-4));
    }
  }
}

TEST_CASE("A request is many texts, each on its own", "[embed]") {
  const Files files;
  auto embedder = files.Load();
  REQUIRE_OK(embedder);
  const std::vector<std::string_view> texts = {"a", "", "b b", "unknown", "a b"};
  std::vector<float> vectors(texts.size() * 3, 5.0F);
  EmbedRequest request;
  request.texts = texts;
  REQUIRE_OK(embedder->Embed(request, vectors));
  CheckNear(vectors, {3, 0, 4, 0, 0, 0, 1, 2, 2, 0, 0, 0, 2, 1, 3});

  SECTION("the space must fit") {
    vectors.pop_back();
    CHECK(embedder->Embed(request, vectors).code() == absl::StatusCode::kInternal);
  }
  SECTION("a deadline that has passed") {
    request.deadline = absl::Now() - absl::Seconds(1);
    CHECK(embedder->Embed(request, vectors).code() == absl::StatusCode::kDeadlineExceeded);
    request.deadline = absl::Now() + absl::Hours(1);
    CHECK(embedder->Embed(request, vectors).ok());
  }
  SECTION("limits let every core work") {
    CHECK(embedder->limits().texts == 256);
    CHECK(embedder->limits().bytes == std::size_t{1} << 20U);
    CHECK(embedder->limits().calls >= 1);
  }
}

TEST_CASE("A vector too large for floats is refused, not infinite", "[embed]") {
  Files files;
  std::vector<float> rows(15, 3e38F);
  files.safetensors = Safetensors({{"embeddings", "F32", {5, 3}, Bytes(rows)}});
  auto embedder = files.Load();
  REQUIRE_OK(embedder);
  const std::string_view text = "a a";
  std::vector<float> vector(3);
  EmbedRequest request;
  request.texts = {&text, 1};
  CHECK(embedder->Embed(request, vector).code() == absl::StatusCode::kOutOfRange);
}

TEST_CASE("A model's files must fit together", "[embed]") {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr auto kUnsupported = absl::StatusCode::kUnimplemented;
  Files files;
  SECTION("config.json") {
    files.config = "[]";
    CheckRefused(files, kInvalid, "config.json");
    files.config = "{\"normalize\"";
    CheckRefused(files, kInvalid, "config.json");
    files.config = R"({"normalize": "yes"})";
    CheckRefused(files, kInvalid, "'normalize'");
    files.config = R"({"pooling": "max"})";
    CheckRefused(files, kUnsupported, "'pooling'");
  }
  SECTION("tokenizer.json") {
    files.tokenizer = "{}";
    CheckRefused(files, kInvalid, "tokenizer.json");
    files.tokenizer = R"({"model": {"type": "Unigram"}})";
    CheckRefused(files, kUnsupported, "'Unigram'");
  }
  SECTION("rows and tokens") {
    files.safetensors = Safetensors({{"embeddings", "F32", {4, 3}, Bytes(std::vector<float>(12))}});
    CheckRefused(files, kInvalid, "4 rows");
  }
  SECTION("weights and tokens") {
    files.safetensors = Safetensors({FloatRows(), {"weights", "F32", {4}, Bytes(std::vector<float>(4))}});
    CheckRefused(files, kInvalid, "'weights'");
    files.safetensors = Safetensors({FloatRows(), {"weights", "F32", {5, 1}, Bytes(std::vector<float>(5))}});
    CheckRefused(files, kInvalid, "'weights'");
    files.safetensors = Safetensors({FloatRows(), {"weights", "I8", {5}, "12345"}});
    CheckRefused(files, kUnsupported, "'weights'");
  }
  SECTION("mapping and rows") {
    for (const std::int64_t row :
         {std::int64_t{-1}, std::int64_t{5}, std::int64_t{1} << 32U, std::numeric_limits<std::int64_t>::min()}) {
      files.safetensors =
          Safetensors({FloatRows(), {"mapping", "I64", {5}, Bytes(std::vector<std::int64_t>{0, 1, 2, 3, row})}});
      CheckRefused(files, kInvalid, "'mapping' sends token 4");
    }
    files.safetensors = Safetensors({FloatRows(), {"mapping", "F32", {5}, Bytes(std::vector<float>(5))}});
    CheckRefused(files, kUnsupported, "'mapping'");
  }
  SECTION("the table") {
    files.safetensors = Safetensors({{"other", "F32", {5, 3}, Bytes(kRows)}});
    CheckRefused(files, kInvalid, "'embeddings'");
    files.safetensors = Safetensors({{"embeddings", "F32", {15}, Bytes(kRows)}});
    CheckRefused(files, kInvalid, "not a table");
    files.safetensors = Safetensors({{"embeddings", "F32", {5, 0}, ""}});
    CheckRefused(files, kInvalid, "not a table");
    files.safetensors = Safetensors({{"embeddings", "BF16", {5, 3}, std::string(30, '\0')}});
    CheckRefused(files, kUnsupported, "BF16");
  }
  SECTION("numbers that are not finite") {
    std::vector<float> rows = kRows;
    rows[7] = std::numeric_limits<float>::quiet_NaN();
    files.safetensors = Safetensors({{"embeddings", "F32", {5, 3}, Bytes(rows)}});
    CheckRefused(files, kInvalid, "not finite");
    files.safetensors = Safetensors({{"embeddings", "F16", {5, 3}, Bytes(std::vector<std::uint16_t>(15, 0x7C00))}});
    CheckRefused(files, kInvalid, "not finite");
    files.safetensors = Safetensors({FloatRows(), {"weights", "F64", {5}, Bytes(std::vector<double>(5, 1e300))}});
    CheckRefused(files, kInvalid, "not finite");
  }
}

TEST_CASE("A safetensors file that is not one is refused", "[embed]") {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  Files files;
  const std::string data = Bytes(kRows);
  auto refuse = [&files](std::string bytes) {
    files.safetensors = std::move(bytes);
    INFO("file begins: " << json(files.safetensors.substr(0, 300)).dump(-1, ' ', true, json::error_handler_t::replace));
    CheckRefused(files, kInvalid, "model.safetensors");
  };

  SECTION("cut anywhere") {
    const std::string whole = Safetensors({FloatRows()});
    for (std::size_t size = 0; size < whole.size(); ++size) refuse(whole.substr(0, size));
    refuse(whole + "x");
  }
  SECTION("a header of another length") {
    refuse(std::string(8, '\xFF') + "{}");
    refuse(std::string("\x00\xE1\xF5\x05\x01\x00\x00\x00", 8) + "{}");
    refuse(File("", ""));
    refuse(File("{}", ""));
    refuse(File(" {}", ""));
    refuse(File("[]", ""));
    refuse(File("null", data));
    refuse(File(std::string(200'000, '['), data));
    refuse(File("{\"embeddings\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}", data));
  }
  SECTION("a tensor that says nonsense") {
    const std::vector<std::string> tensors = {
        R"(7)",
        R"({})",
        R"({"dtype": "F32", "shape": [5, 3]})",
        R"({"dtype": "F32", "data_offsets": [0, 60]})",
        R"({"shape": [5, 3], "data_offsets": [0, 60]})",
        R"({"dtype": 32, "shape": [5, 3], "data_offsets": [0, 60]})",
        R"({"dtype": "F33", "shape": [5, 3], "data_offsets": [0, 60]})",
        R"({"dtype": "F32", "shape": 15, "data_offsets": [0, 60]})",
        R"({"dtype": "F32", "shape": [5, -3], "data_offsets": [0, 60]})",
        R"({"dtype": "F32", "shape": [5, 3.0], "data_offsets": [0, 60]})",
        R"({"dtype": "F32", "shape": [5, "3"], "data_offsets": [0, 60]})",
        R"({"dtype": "F32", "shape": [5, 4], "data_offsets": [0, 60]})",
        R"({"dtype": "F32", "shape": [5, 3], "data_offsets": [0, 64]})",
        R"({"dtype": "F32", "shape": [5, 3], "data_offsets": [4, 60]})",
        R"({"dtype": "F32", "shape": [5, 3], "data_offsets": [60, 0]})",
        R"({"dtype": "F32", "shape": [5, 3], "data_offsets": [-60, 0]})",
        R"({"dtype": "F32", "shape": [5, 3], "data_offsets": [0]})",
        R"({"dtype": "F32", "shape": [5, 3], "data_offsets": [0, 60, 60]})",
        R"({"dtype": "F32", "shape": [5, 3], "data_offsets": [18446744073709551556, 18446744073709551615]})",
        R"({"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]})",
        R"({"dtype": "F32", "shape": [4611686018427387904], "data_offsets": [0, 0]})",
    };
    for (const std::string& tensor : tensors) refuse(File("{\"embeddings\": " + tensor + "}", data));
  }
  SECTION("tensors that overlap or leave a hole") {
    const std::string first = R"({"embeddings": {"dtype": "F32", "shape": [5, 3], "data_offsets": [0, 60]}, )";
    refuse(File(first + R"("weights": {"dtype": "F32", "shape": [5], "data_offsets": [40, 60]}})", data));
    refuse(
        File(first + R"("weights": {"dtype": "F32", "shape": [5], "data_offsets": [64, 84]}})", data + std::string(24, '\0')));
    refuse(
        File(first + R"("weights": {"dtype": "F32", "shape": [5], "data_offsets": [60, 80]}})", data + std::string(24, '\0')));
  }
  SECTION("a changed byte anywhere is accepted or refused, nothing else") {
    RAGPIPE_RANDOM_TEST(random);
    const std::string whole = Safetensors({FloatRows(),
                                           {"mapping", "I32", {5}, Bytes(std::vector<std::int32_t>{0, 0, 1, 0, 1})},
                                           {"weights", "F32", {5}, Bytes(std::vector<float>(5, 1))}});
    for (int i = 0; i < 300; ++i) {
      files.safetensors = whole;
      for (int changes = 0; changes < 2; ++changes) files.safetensors[random() % whole.size()] = static_cast<char>(random());
      auto embedder = files.Load();
      if (!embedder.ok()) continue;
      const std::string_view text = "a b c";
      std::vector<float> vector(embedder->dimension());
      EmbedRequest request;
      request.texts = {&text, 1};
      if (!embedder->Embed(request, vector).ok()) continue;
      for (const float value : vector) CHECK(std::isfinite(value));
    }
  }
}

TEST_CASE("A model is opened from a folder", "[embed]") {
  const TempDir folder;
  const Files files;
  auto write = [&folder](const std::string& name, const std::string& bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
  };

  SECTION("each file must be there") {
    std::vector<std::pair<std::string, std::string>> contents = {
        {"model.safetensors", files.safetensors}, {"tokenizer.json", files.tokenizer}, {"config.json", files.config}};
    for (const auto& [name, bytes] : contents) {
      const auto missing = StaticEmbedder::Open(folder.path().string());
      CHECK(missing.status().code() == absl::StatusCode::kNotFound);
      CHECK(std::string(missing.status().message()).find(name) != std::string::npos);
      write(name, bytes);
    }
    REQUIRE_OK(StaticEmbedder::Open(folder.path().string()));
    CHECK(StaticEmbedder::Open(folder / "absent").status().code() == absl::StatusCode::kNotFound);
  }

  write("model.safetensors", files.safetensors);
  write("tokenizer.json", files.tokenizer);
  write("config.json", files.config);

  SECTION("and lives without its files, in every copy") {
    auto opened = StaticEmbedder::Open(folder.path().string());
    REQUIRE_OK(opened);
    StaticEmbedder copy = *opened;
    opened = absl::InternalError("gone");
    std::filesystem::remove(folder / "model.safetensors");
    CheckNear(Embed(copy, "a b"), {2, 1, 3});
    CHECK(copy.tokenizer()->Count("a b") == 2);
    CHECK(copy.Fingerprint() == files.Load()->Fingerprint());
  }

  SECTION("errors name the folder and the file") {
    write("config.json", "{");
    const auto broken = StaticEmbedder::Open(folder.path().string());
    CHECK(broken.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK(std::string(broken.status().message()).find(folder.path().string()) != std::string::npos);
    CHECK(std::string(broken.status().message()).find("config.json") != std::string::npos);
  }
}

TEST_CASE("The fingerprint follows each of the three files", "[embed]") {
  const Files files;
  const std::string fingerprint = files.Load()->Fingerprint();
  CHECK(fingerprint.starts_with("ragpipe.embed.StaticEmbedder/1;sha256="));
  CHECK(fingerprint.find(";dimension=3;normalize=false") != std::string::npos);
  CHECK(Files().Load()->Fingerprint() == fingerprint);

  Files other = files;
  other.safetensors.back() = '\x41';
  CHECK(other.Load()->Fingerprint() != fingerprint);
  other = files;
  other.tokenizer += ' ';
  CHECK(other.Load()->Fingerprint() != fingerprint);
  other = files;
  other.config += ' ';
  CHECK(other.Load()->Fingerprint() != fingerprint);
}

}  // namespace
}  // namespace ragpipe::embed
