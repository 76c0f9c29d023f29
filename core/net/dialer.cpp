// SPDX-License-Identifier: Apache-2.0
#include "core/net/dialer.h"

namespace hoop::net {

Task<StreamPtr> DirectDialer::dial(std::string host, std::uint16_t port, Deadline deadline) {
  co_return co_await connect_tcp(executor_, std::move(host), port, deadline);
}

}  // namespace hoop::net
