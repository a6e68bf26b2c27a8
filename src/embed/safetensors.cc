#include "embed/safetensors.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status_macros.h"

namespace ragpipe::embed::internal {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference's own limit

absl::Status Invalid(std::string_view what) { return absl::InvalidArgumentError(fmt::format("model.safetensors: {}", what)); }

/// 0 = no such type.
std::size_t ElementBytes(std::string_view dtype) {
  static constexpr std::pair<std::string_view, std::size_t> kTypes[] = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
      {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"I64", 8},     {"U64", 8}, {"F64", 8}};
  for (const auto& [name, bytes] : kTypes) {
    if (name == dtype) return bytes;
  }
  return 0;
}

bool IsCount(const Json& json) { return json.is_number_unsigned() && json.get<std::uint64_t>() <= SIZE_MAX; }

/// `name` is shown in messages: it was shortened already.
absl::StatusOr<Tensor> ParseTensor(const std::string& name, const Json& json, std::string_view data) {
  if (!json.is_object()) return Invalid(fmt::format("tensor {} is not an object", name));
  const auto dtype = json.find("dtype");
  const auto shape = json.find("shape");
  const auto offsets = json.find("data_offsets");
  if (dtype == json.end() || !dtype->is_string()) return Invalid(fmt::format("tensor {} has no dtype", name));
  if (shape == json.end() || !shape->is_array() || !std::all_of(shape->begin(), shape->end(), IsCount)) {
    return Invalid(fmt::format("tensor {} has no shape of whole numbers from 0 on", name));
  }
  if (offsets == json.end() || !offsets->is_array() || offsets->size() != 2 || !IsCount((*offsets)[0]) ||
      !IsCount((*offsets)[1])) {
    return Invalid(fmt::format("tensor {} has no two data_offsets", name));
  }

  Tensor tensor;
  tensor.dtype = dtype->get_ref<const std::string&>();
  std::size_t wanted = ElementBytes(tensor.dtype);
  if (wanted == 0) return Invalid(fmt::format("tensor {} has an unknown dtype", name));
  for (const Json& extent : *shape) {
    tensor.shape.push_back(extent.get<std::size_t>());
    if (__builtin_mul_overflow(wanted, tensor.shape.back(), &wanted))
      return Invalid(fmt::format("tensor {} is too large", name));
  }
  const auto begin = (*offsets)[0].get<std::size_t>();
  const auto end = (*offsets)[1].get<std::size_t>();
  if (begin > end || end > data.size()) {
    return Invalid(fmt::format("tensor {} has bytes {} to {}, but there are {}", name, begin, end, data.size()));
  }
  if (end - begin != wanted) {
    return Invalid(fmt::format("tensor {} has {} bytes, but its dtype and shape ask for {}", name, end - begin, wanted));
  }
  tensor.bytes = data.substr(begin, wanted);
  return tensor;
}

/// The reference refuses holes too: they could hide anything.
absl::Status CheckTiling(const std::map<std::string, Tensor>& tensors, std::string_view data) {
  std::vector<std::string_view> parts;
  for (const auto& [name, tensor] : tensors) parts.push_back(tensor.bytes);
  std::sort(parts.begin(), parts.end(), [](std::string_view a, std::string_view b) {
    return std::pair(a.data(), a.size()) < std::pair(b.data(), b.size());
  });
  const char* end = data.data();
  for (const std::string_view part : parts) {
    if (part.data() != end) return Invalid("tensors overlap or leave a hole");
    end += part.size();
  }
  if (end != data.data() + data.size()) return Invalid("there are bytes after the last tensor");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::map<std::string, Tensor>> ParseSafetensors(std::string_view file) {
  if (file.size() < kLengthBytes) return Invalid("it is too short");
  std::uint64_t header_bytes = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) header_bytes = (header_bytes << 8U) | static_cast<unsigned char>(file[i]);
  if (header_bytes > kMaxHeaderBytes || header_bytes > file.size() - kLengthBytes) {
    return Invalid(fmt::format("its header of {} bytes does not fit", header_bytes));
  }
  const std::string_view header = file.substr(kLengthBytes, header_bytes);
  const std::string_view data = file.substr(kLengthBytes + header_bytes);
  const Json json = header.starts_with('{') ? Json::parse(header, nullptr, false) : Json(Json::value_t::discarded);
  if (!json.is_object()) return Invalid("its header is not a JSON object");

  std::map<std::string, Tensor> tensors;
  for (const auto& [name, description] : json.items()) {
    if (name == "__metadata__") continue;
    constexpr std::size_t kMaxNameBytes = 256;
    if (name.size() > kMaxNameBytes) return Invalid(fmt::format("a tensor's name has {} bytes", name.size()));
    RAGPIPE_ASSIGN_OR_RETURN(Tensor tensor, ParseTensor(fmt::format("'{}'", name), description, data));
    tensors.emplace(name, std::move(tensor));
  }
  RAGPIPE_RETURN_IF_ERROR(CheckTiling(tensors, data));
  return tensors;
}

}  // namespace ragpipe::embed::internal
