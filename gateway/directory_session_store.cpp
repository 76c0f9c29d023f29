// SPDX-License-Identifier: Apache-2.0
#include "gateway/directory_session_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

namespace hoop::gateway {
namespace {

struct File {
  int descriptor = -1;
  explicit File(int opened) : descriptor(opened) {}
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

Result<void> write_all(int descriptor, std::uint64_t offset, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      return fail(ErrorCode::storage, "cannot write the session log",
                  errno == ENOSPC ? "the disk is full" : "");
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

bool is_session_id(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); };
  return text.size() == 28 && text.starts_with("s_") &&
         std::all_of(text.begin() + 2, text.end(), fits);
}

Result<std::filesystem::path> DirectorySessionStore::path_of(const std::string& session) const {
  if (!is_session_id(session)) return fail(ErrorCode::not_found, "no such session");
  return directory_ / (session + ".hslog");
}

std::mutex& DirectorySessionStore::mutex_of(const std::string& session) {
  return mutexes_[std::hash<std::string>()(session) % mutexes_.size()];
}

Result<std::uint64_t> DirectorySessionStore::size(const std::string& session) {
  HOOP_TRY(const auto path, path_of(session));
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return 0;
    return fail(ErrorCode::storage, "cannot look at the session log");
  }
  return static_cast<std::uint64_t>(facts.st_size);
}

Result<std::uint64_t> DirectorySessionStore::append(const std::string& session,
                                                    std::uint64_t offset, ByteSpan bytes) {
  HOOP_TRY(const auto path, path_of(session));
  const std::lock_guard lock(mutex_of(session));
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat facts{};
  if (file.descriptor < 0 || ::fstat(file.descriptor, &facts) != 0)
    return fail(ErrorCode::storage, "cannot open the session log");
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (size != offset) return size;
  if (bytes.size() > kMaxLogBytes || size > kMaxLogBytes - bytes.size())
    return fail(ErrorCode::too_large, "the session log is longer than 16 GiB");
  if (auto written = write_all(file.descriptor, offset, bytes); !written) {
    // Half a chunk would make the next offset a lie.
    if (::ftruncate(file.descriptor, static_cast<off_t>(offset)) != 0)
      return fail(ErrorCode::storage, "cannot take back half a chunk");
    return std::unexpected(std::move(written).error());
  }
  return offset + bytes.size();
}

Result<void> DirectorySessionStore::sync(const std::string& session) {
  HOOP_TRY(const auto path, path_of(session));
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.descriptor < 0 || ::fsync(file.descriptor) != 0)
    return fail(ErrorCode::storage, "cannot sync the session log");
  // The name too, else a power cut can lose a file whose bytes are safe.
  const File directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.descriptor < 0 || ::fsync(directory.descriptor) != 0)
    return fail(ErrorCode::storage, "cannot sync the log directory");
  return {};
}

Result<void> DirectorySessionStore::read(const std::string& session,
                                         const std::function<Result<void>(ByteSpan)>& take) {
  HOOP_TRY(const auto path, path_of(session));
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.descriptor < 0) return fail(ErrorCode::not_found, "no log of this session is kept");
  Bytes chunk(256U << 10);
  for (;;) {
    const ssize_t count = ::read(file.descriptor, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(ErrorCode::storage, "cannot read the session log");
    if (count == 0) return {};
    HOOP_CHECK(take(ByteSpan(chunk).first(static_cast<std::size_t>(count))));
  }
}

std::optional<std::filesystem::path> DirectorySessionStore::file(const std::string& session) {
  auto path = path_of(session);
  std::error_code error;
  if (!path || !std::filesystem::is_regular_file(std::filesystem::symlink_status(*path, error)))
    return std::nullopt;
  return std::move(*path);
}

}  // namespace hoop::gateway
