// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/byte_budget.h"

#include <algorithm>

#include <fmt/format.h>

namespace hoop::ssh {
namespace {

// design "Session log": as for replies of a database.
constexpr std::uint64_t kDataPerCommand = 64U << 10;
constexpr std::uint64_t kDataPerSession = 8U << 20;
// Whoever has a terminal may do there what nobody judges: all of it is kept.
constexpr std::uint64_t kTerminalsPerSession = 256U << 20;

}  // namespace

std::string ByteBudget::charge(std::uint64_t before, std::uint64_t more) {
  const access::Limits& limits = gate_.policy().document().limits;
  if (limits.bytes_per_statement != 0 && before + more > limits.bytes_per_statement)
    return fmt::format("the limit of {} bytes is reached (rule 'limits')",
                       limits.bytes_per_statement);
  if (limits.bytes_per_session != 0 && used_ + more > limits.bytes_per_session)
    return fmt::format("the session's limit of {} bytes is reached (rule 'limits')",
                       limits.bytes_per_session);
  used_ += more;
  return {};
}

std::size_t ByteBudget::keep(std::uint64_t kept, std::size_t size, bool has_terminal) {
  std::uint64_t& all = has_terminal ? kept_of_terminals_ : kept_;
  const std::uint64_t room = has_terminal ? kTerminalsPerSession - all
                                          : std::min(kDataPerCommand - kept, kDataPerSession - all);
  const auto taken = std::min<std::size_t>(size, room);
  all += taken;
  return taken;
}

}  // namespace hoop::ssh
