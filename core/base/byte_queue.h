// SPDX-License-Identifier: Apache-2.0
// Bytes that come at one end and go at the other, moved together only when there is nothing left or
// more comes.
#pragma once

#include "core/base/bytes.h"

namespace hoop {

class ByteQueue {
 public:
  bool empty() const { return begin_ == bytes_.size(); }
  std::size_t size() const { return bytes_.size() - begin_; }
  ByteSpan view() const { return ByteSpan(bytes_).subspan(begin_); }
  const std::uint8_t* data() const { return view().data(); }

  void append(ByteSpan more) {
    tidy();
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }
  /// Room for so many bytes at the end, to be written, of which keep() leaves what was.
  MutableByteSpan make_room(std::size_t count) {
    tidy();
    room_at_ = bytes_.size();
    bytes_.resize(room_at_ + count);
    return MutableByteSpan(bytes_).subspan(room_at_);
  }
  void keep(std::size_t count) { bytes_.resize(room_at_ + count); }
  /// The first count bytes, which are there, go.
  void drop(std::size_t count) {
    HOOP_ASSERT(count <= size());
    begin_ += count;
    if (empty()) clear();
  }
  void clear() {
    bytes_.clear();
    begin_ = 0;
  }

 private:
  void tidy() {
    if (begin_ == 0) return;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  Bytes bytes_;
  std::size_t begin_ = 0;
  std::size_t room_at_ = 0;
};

}  // namespace hoop
