// SPDX-License-Identifier: Apache-2.0
#include "agent/allow_list.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/session/agent_frames.h"

namespace hoop::agent {
namespace {

using asio::ip::address;

/// An IPv4 address that came mapped into IPv6 is that IPv4 address.
address plain(const address& from) {
  if (from.is_v6() && from.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, from.to_v6());
  return from;
}

/// Where a name server must not lead anybody: this machine, its neighbours (cloud metadata among
/// them), groups.
bool is_special(const address& at) {
  if (at.is_loopback() || at.is_multicast() || at.is_unspecified()) return true;
  if (at.is_v6()) return at.to_v6().is_link_local();
  const std::uint32_t four = at.to_v4().to_uint();
  return (four >> 16) == 0xa9fe || (four >> 24) == 0 || four == 0xffffffff || (four >> 24) == 127;
}

std::optional<address> read_address(std::string_view text) {
  std::error_code error;
  auto out = asio::ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  return plain(out);
}

template <class Number>
std::optional<Number> read_number(std::string_view text, unsigned most) {
  unsigned out = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || stop != text.data() + text.size() || out > most)
    return std::nullopt;
  return static_cast<Number>(out);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return out;
}

bool is_name(std::string_view text) {
  return session::is_dial_host(text) &&
         std::ranges::all_of(text,
                             [](unsigned char c) {
                               return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
                             }) &&
         // "10.0.0" is a mistake, and no name.
         std::ranges::any_of(text, [](unsigned char c) { return std::isalpha(c) != 0; });
}

}  // namespace

bool AllowList::Network::contains(const asio::ip::address& other) const {
  if (address.is_v4() != other.is_v4()) return false;
  if (address.is_v4()) {
    const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
    return (address.to_v4().to_uint() & mask) == (other.to_v4().to_uint() & mask);
  }
  const auto ours = address.to_v6().to_bytes(), theirs = other.to_v6().to_bytes();
  for (unsigned bit = 0; bit < bits; ++bit) {
    const unsigned shift = 7 - bit % 8;
    if ((ours[bit / 8] >> shift & 1) != (theirs[bit / 8] >> shift & 1)) return false;
  }
  return true;
}

std::optional<AllowList::Network> AllowList::read_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto at = read_address(text.substr(0, slash));
  if (!at) return std::nullopt;
  const unsigned most = at->is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return Network{*at, most};
  const auto bits = read_number<unsigned>(text.substr(slash + 1), most);
  if (!bits) return std::nullopt;
  return Network{*at, *bits};
}

std::optional<AllowList::Entry> AllowList::read_entry(std::string_view text) {
  Entry out;
  const std::size_t at = text.find('@');
  const std::string_view where = text.substr(0, at);
  const std::size_t colon = where.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = read_number<std::uint16_t>(where.substr(colon + 1), 65535);
  std::string_view host = where.substr(0, colon);
  if (!port || *port == 0) return std::nullopt;
  out.port = *port;
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  out.network = read_network(host);
  const bool six = out.network && out.network->address.is_v6();
  if (six != bracketed) return std::nullopt;
  if (out.network) return at == std::string_view::npos ? std::optional(out) : std::nullopt;
  if (!is_name(host)) return std::nullopt;
  out.name = lower(host);
  if (at == std::string_view::npos) return out;
  out.network = read_network(text.substr(at + 1));
  return out.network ? std::optional(out) : std::nullopt;
}

Result<AllowList> AllowList::parse(const std::vector<std::string>& entries) {
  AllowList out;
  for (const std::string& text : entries) {
    auto entry = read_entry(text);
    if (!entry)
      return fail(ErrorCode::usage,
                  fmt::format("--allow '{}' is not an address with a port",
                              neutralise(text, 200, Lines::escape)),
                  "write it like db.internal:5432, 10.0.0.7:5432, 10.1.0.0/16:5432 or "
                  "db.internal:5432@10.1.0.0/16");
    out.entries_.push_back(std::move(*entry));
  }
  if (out.entries_.empty())
    return fail(ErrorCode::usage, "without --allow an agent reaches nothing",
                "--allow db.internal:5432");
  return out;
}

bool AllowList::may_look_up(std::string_view host, std::uint16_t port) const {
  const std::string name = lower(host);
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return entry.port == port && (entry.name.empty() || entry.name == name);
  });
}

bool AllowList::allows(std::string_view host, const asio::ip::address& address,
                       std::uint16_t port) const {
  const auto at = plain(address);
  const std::string name = lower(host);
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    if (entry.port != port) return false;
    if (entry.name.empty()) return entry.network->contains(at);
    if (entry.name != name) return false;
    if (entry.network) return entry.network->contains(at);
    return !is_special(at) || (name == "localhost" && at.is_loopback());
  });
}

}  // namespace hoop::agent
