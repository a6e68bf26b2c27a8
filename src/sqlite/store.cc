#include "ragpipe/sqlite/store.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "core/status_macros.h"
#include "sqlite/checkpoint.h"
#include "sqlite/compaction.h"
#include "sqlite/database.h"
#include "sqlite/index.h"
#include "sqlite/read_pool.h"
#include "sqlite/schema.h"
#include "sqlite/sink.h"
#include "sqlite/writer.h"
#include "sqlite/writer_lock.h"

namespace ragpipe::sqlite {
namespace {

// One name for one file, so that two ways to spell it meet at the same lock.
absl::StatusOr<std::string> ResolvePath(const std::string& path, bool must_exist) {
  if (path.empty()) return absl::InvalidArgumentError("the path of the index file is empty");
  std::error_code error;
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  if (error) return absl::FailedPreconditionError(fmt::format("'{}' cannot be reached: {}", path, error.message()));
  const std::filesystem::file_status status = std::filesystem::status(resolved, error);
  switch (status.type()) {
    case std::filesystem::file_type::not_found:
      if (must_exist) return absl::NotFoundError(fmt::format("'{}' does not exist: nothing was ever ingested", path));
      if (!std::filesystem::is_directory(resolved.parent_path(), error)) {
        return absl::NotFoundError(fmt::format("the folder of '{}' does not exist; create it first", path));
      }
      return resolved.string();
    case std::filesystem::file_type::regular:
      return resolved.string();
    case std::filesystem::file_type::none:
      return absl::FailedPreconditionError(fmt::format("'{}' cannot be reached: {}", path, error.message()));
    default:
      return absl::FailedPreconditionError(fmt::format("'{}' is not a regular file", path));
  }
}

absl::StatusOr<std::shared_ptr<ReadPool>> OpenForReading(const std::string& path) {
  RAGPIPE_ASSIGN_OR_RETURN(std::string resolved, ResolvePath(path, true));
  auto readers = std::make_shared<ReadPool>(std::move(resolved));
  RAGPIPE_RETURN_IF_ERROR(readers->Acquire().status());  // says now what is wrong with the file
  return readers;
}

}  // namespace

// The readers go before the writer, which then is the last connection: closing it empties the write-ahead log.
class Store::Impl {
 public:
  Impl(WriterLock lock, Database db, const std::string& path, std::shared_ptr<ReadPool> vectors_from)
      : lock_(std::move(lock)),
        writer_(std::move(db)),
        readers_(std::make_shared<ReadPool>(path)),
        sink_(writer_, readers_, std::move(vectors_from)) {}

  StoreSink& sink() { return sink_; }
  StoreCheckpoint& checkpoint() { return checkpoint_; }
  StoreIndex& index() { return index_; }
  Writer& writer() { return writer_; }

 private:
  WriterLock lock_;
  Writer writer_;
  std::shared_ptr<ReadPool> readers_;
  StoreSink sink_;
  StoreCheckpoint checkpoint_{&writer_, readers_};
  StoreIndex index_{readers_};
};

absl::StatusOr<Store> Store::Open(const std::string& path) { return Open(path, ""); }

absl::StatusOr<Store> Store::Open(const std::string& path, const std::string& vectors_from) {
  RAGPIPE_ASSIGN_OR_RETURN(const std::string resolved, ResolvePath(path, false));
  RAGPIPE_ASSIGN_OR_RETURN(WriterLock lock, WriterLock::Acquire(resolved));
  RAGPIPE_ASSIGN_OR_RETURN(Database db, Database::Open(resolved, Database::Access::kReadWriteCreate));
  RAGPIPE_RETURN_IF_ERROR(PrepareForWriting(db));
  auto lender = vectors_from.empty() ? nullptr : std::make_shared<ReadPool>(vectors_from);
  return Store(std::make_unique<Impl>(std::move(lock), std::move(db), resolved, std::move(lender)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

VectorSink& Store::sink() { return impl_->sink(); }
Checkpoint& Store::checkpoint() { return impl_->checkpoint(); }
Index& Store::index() { return impl_->index(); }

absl::Status Store::Compact() { return sqlite::Compact(impl_->writer()); }

absl::StatusOr<std::unique_ptr<Index>> OpenIndex(const std::string& path) {
  RAGPIPE_ASSIGN_OR_RETURN(std::shared_ptr<ReadPool> readers, OpenForReading(path));
  return std::make_unique<StoreIndex>(std::move(readers));
}

absl::StatusOr<std::unique_ptr<Checkpoint>> OpenCheckpoint(const std::string& path) {
  RAGPIPE_ASSIGN_OR_RETURN(std::shared_ptr<ReadPool> readers, OpenForReading(path));
  return std::make_unique<StoreCheckpoint>(nullptr, std::move(readers));
}

}  // namespace ragpipe::sqlite
