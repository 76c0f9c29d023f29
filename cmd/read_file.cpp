// SPDX-License-Identifier: Apache-2.0
#include "cmd/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::cmd {

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  const std::string name = neutralise(path, 300, Lines::escape);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return fail(ErrorCode::usage, fmt::format("open '{}': {}", name, std::strerror(errno)),
                "check the name");
  std::string out;
  ssize_t count = 0;
  do {
    const std::size_t have = out.size();
    constexpr std::size_t kStep = 256U << 10;
    out.resize(have + kStep);
    count = ::read(file, out.data() + have, kStep);
    out.resize(have + static_cast<std::size_t>(count > 0 ? count : 0));
  } while ((count > 0 || (count < 0 && errno == EINTR)) && out.size() <= max_bytes);
  const int failure = count < 0 ? errno : 0;
  ::close(file);
  if (failure != 0)
    return fail(ErrorCode::usage, fmt::format("read '{}': {}", name, std::strerror(failure)),
                "check the name");
  if (out.size() > max_bytes)
    return fail(ErrorCode::usage, fmt::format("'{}' is larger than {} bytes", name, max_bytes),
                "check the name");
  return out;
}

}  // namespace hoop::cmd
