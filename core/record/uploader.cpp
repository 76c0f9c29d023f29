// SPDX-License-Identifier: Apache-2.0
#include "core/record/uploader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace hoop::record {
namespace {

Result<Bytes> read_range(const std::string& path, std::uint64_t offset, std::size_t count) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0)
    return fail(ErrorCode::io, fmt::format("open '{}': {}", path, std::strerror(errno)));
  Bytes out(count);
  std::size_t have = 0;
  while (have < count) {
    const ssize_t got =
        ::pread(file, out.data() + have, count - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      const std::string why = got == 0 ? "it became shorter" : std::strerror(errno);
      ::close(file);
      return fail(ErrorCode::io, fmt::format("read '{}': {}", path, why));
    }
    have += static_cast<std::size_t>(got);
  }
  ::close(file);
  return out;
}

}  // namespace

Result<Uploader> Uploader::open(const std::string& path) {
  HOOP_TRY(LogSummary summary, verify_log_file(path));
  return Uploader(path, std::move(summary));
}

Result<Uploader::Step> Uploader::next() {
  if (!receipt_.empty()) return Step(Done{receipt_});
  if (!asked_) return Step(AskOffset{});
  if (offset_ == summary_.length)
    return Step(Finish{summary_.length, summary_.digest, summary_.sealed});
  const auto count = static_cast<std::size_t>(
      std::min<std::uint64_t>(kUploadChunkBytes, summary_.length - offset_));
  HOOP_TRY(Bytes bytes, read_range(path_, offset_, count));
  const crypto::Digest256 digest = crypto::sha256(bytes);
  return Step(PutChunk{offset_, std::move(bytes), digest});
}

Result<void> Uploader::offset_is(std::uint64_t offset) {
  if (offset > summary_.length) {
    return fail(ErrorCode::integrity,
                fmt::format("the gateway has {} bytes of a log of {}", offset, summary_.length));
  }
  asked_ = true;
  offset_ = offset;
  return {};
}

void Uploader::finished(std::string receipt) { receipt_ = std::move(receipt); }

}  // namespace hoop::record
