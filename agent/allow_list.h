// SPDX-License-Identifier: Apache-2.0
// Which addresses an agent connects to, whatever its gateway asks for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/asio.h"

namespace hoop::agent {

/// Entries, as people write them:
///   10.0.0.7:5432, [fd00::7]:5432         this address
///   10.1.0.0/16:5432, [fd00::/8]:5432     these addresses
///   db.internal:5432                      what this name resolves to, but never loopback,
///                                         link-local or multicast addresses, unless the name is
///                                         localhost
///   db.internal:5432@10.1.0.0/16          the same, inside this network only
class AllowList {
 public:
  /// Fails with usage; an empty list would allow nothing, and is a mistake.
  static Result<AllowList> parse(const std::vector<std::string>& entries);

  /// Whether host may be looked up at all: a name must be an entry's, or some network must be there
  /// for port.
  bool may_look_up(std::string_view host, std::uint16_t port) const;
  /// Whether to connect to address, which host has led to.
  bool allows(std::string_view host, const asio::ip::address& address, std::uint16_t port) const;

 private:
  struct Network {
    asio::ip::address address;
    unsigned bits = 0;
    bool contains(const asio::ip::address& other) const;
  };
  struct Entry {
    std::string name;  // empty: by address
    std::optional<Network> network;
    std::uint16_t port = 0;
  };
  static std::optional<Network> read_network(std::string_view text);
  static std::optional<Entry> read_entry(std::string_view text);
  std::vector<Entry> entries_;
};

}  // namespace hoop::agent
