// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/byte_budget.h"

#include <fmt/format.h>

namespace hoop::ssh {

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

}  // namespace hoop::ssh
