// SPDX-License-Identifier: Apache-2.0
// A list of items that stays where it is in a message: counted and checked once, then walked
// without allocation or failure.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>

#include "core/base/bytes.h"

namespace hoop::postgres {

/// take reads one item off the front; nullopt if the bytes hold none. A list made by read() has
/// been walked once, so iteration cannot fail; it is a view into bytes that outlive it.
template <class Item, std::optional<Item> (*take)(ByteReader&)>
class WireList {
 public:
  class Iterator {
   public:
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    Iterator(ByteSpan bytes, std::size_t left) : in_(bytes), left_(left) { load(); }
    const Item& operator*() const { return *item_; }
    const Item* operator->() const { return &*item_; }
    Iterator& operator++() {
      --left_;
      load();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return left_ == 0; }

   private:
    void load() {
      if (left_ == 0) return;
      item_ = take(in_);
      HOOP_ASSERT(item_.has_value());
    }
    ByteReader in_;
    std::size_t left_;
    std::optional<Item> item_;
  };

  WireList() = default;

  /// Takes count items off the front of in. nullopt if one of them is not whole or not valid.
  static std::optional<WireList> read(ByteReader& in, std::size_t count) {
    const ByteSpan start = in.rest();
    for (std::size_t i = 0; i < count; ++i) {
      if (!take(in)) return std::nullopt;
    }
    return WireList(start.first(start.size() - in.size()), count);
  }

  /// Takes items up to a NUL where the next would begin, which is consumed. nullopt without one, or
  /// above most items.
  static std::optional<WireList> read_to_nul(ByteReader& in, std::size_t most) {
    const ByteSpan start = in.rest();
    std::size_t count = 0;
    while (!in.empty() && in.rest().front() != 0) {
      if (++count > most || !take(in)) return std::nullopt;
    }
    if (in.empty()) return std::nullopt;
    const WireList list(start.first(start.size() - in.size()), count);
    static_cast<void>(in.u8());
    return list;
  }

  Iterator begin() const { return Iterator(bytes_, count_); }
  static std::default_sentinel_t end() { return {}; }
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// The items' own bytes, without the count.
  ByteSpan bytes() const { return bytes_; }

 protected:
  WireList(ByteSpan bytes, std::size_t count) : bytes_(bytes), count_(count) {}

 private:
  ByteSpan bytes_;
  std::size_t count_ = 0;
};

}  // namespace hoop::postgres
