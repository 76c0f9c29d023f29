// SPDX-License-Identifier: Apache-2.0
// A regular file that is sent as a body.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/base/bytes.h"

namespace hoop::http {

/// Resource: owns the descriptor. The size is that at opening; what is appended later is not sent.
class FileBody {
 public:
  /// Fails with io unless path is a regular file that can be read.
  static Result<FileBody> open(const std::filesystem::path& path);
  ~FileBody();
  FileBody(FileBody&& other) noexcept;
  FileBody& operator=(FileBody&&) = delete;

  std::uint64_t size() const { return size_; }
  /// Reads the next bytes, at most limit. Fails with io, also at an end that comes too early.
  Result<std::size_t> read(MutableByteSpan out, std::uint64_t limit);

 private:
  FileBody(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  int descriptor_;
  std::uint64_t size_;
};

}  // namespace hoop::http
