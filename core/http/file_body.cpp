// SPDX-License-Identifier: Apache-2.0
#include "core/http/file_body.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace hoop::http {

Result<FileBody> FileBody::open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return fail(ErrorCode::io, fmt::format("open '{}': {}", path.string(),
                                           std::generic_category().message(errno)));
  struct stat status{};
  const bool regular = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  FileBody body(descriptor, regular ? static_cast<std::uint64_t>(status.st_size) : 0);
  if (!regular)
    return fail(ErrorCode::io, fmt::format("open '{}': not a regular file", path.string()));
  return body;
}

FileBody::~FileBody() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileBody::FileBody(FileBody&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

Result<std::size_t> FileBody::read(MutableByteSpan out, std::uint64_t limit) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), limit));
  for (;;) {
    const auto got = ::read(descriptor_, out.data(), wanted);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return fail(ErrorCode::io, "the file became shorter while it was sent");
    if (errno != EINTR)
      return fail(ErrorCode::io, fmt::format("read a file to be sent: {}",
                                             std::generic_category().message(errno)));
  }
}

}  // namespace hoop::http
