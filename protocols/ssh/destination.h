// SPDX-License-Identifier: Apache-2.0
// Where a forward of a port leads, in the one way to write it that rules are held against.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hoop::ssh {

/// "host:port": names in lower case and without a '.' at their end, addresses of IPv4 with four
/// numbers, those of IPv6 in brackets and as RFC 5952 has them. An empty host, which means all
/// addresses where something listens, is "any". nullopt for what is no host: another letter, a
/// port beyond 65535.
std::optional<std::string> destination_of(std::string_view host, std::uint32_t port);

}  // namespace hoop::ssh
