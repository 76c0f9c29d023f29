// SPDX-License-Identifier: Apache-2.0
// Where the target listens for the client (RFC 4254 §7.1).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "protocols/ssh/relay_channel.h"

namespace hoop::ssh {

class RelayListens {
 public:
  RelayListens(ssh_session_struct* target, std::uint32_t& questions, SendFrame send)
      : target_(target), questions_(questions), send_(std::move(send)) {}
  ~RelayListens();
  RelayListens(const RelayListens&) = delete;
  RelayListens& operator=(const RelayListens&) = delete;

  /// A global request of the client: this object's from here on.
  void take(ssh_message_struct* request);
  /// An answer of the monitor. False: it is not for one of these.
  bool take(const RelayVerdict& verdict);
  /// Does what can be done now. True if something was.
  bool work();
  /// Whether a connection to this address was asked for.
  bool has(const std::string& address, std::uint32_t port) const;
  bool is_broken() const { return broken_; }

 private:
  struct Request {
    enum class State { fresh, asked, allowed, denied };
    ssh_message_struct* message = nullptr;
    State state = State::fresh;
    std::uint32_t question = 0;
    std::string address;
    std::uint32_t port = 0;
    bool ends = false;  // listens no more
  };
  struct Place {
    std::string address;
    std::uint32_t port = 0;
    bool operator==(const Place&) const = default;
  };
  void answer(Request& request, bool success, std::uint16_t port);
  bool pass_on(Request& request);

  ssh_session_struct* target_;
  std::uint32_t& questions_;
  SendFrame send_;
  std::deque<Request> requests_;  // one at a time goes to the target, as libssh wants it
  std::vector<Place> places_;
  bool broken_ = false;
};

}  // namespace hoop::ssh
