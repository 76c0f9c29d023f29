// SPDX-License-Identifier: Apache-2.0
// The agent: keeps one control stream to its gateway, and for each dial that it is asked for
// connects to the target and dials back. It carries what the gateway and the target say, which it
// cannot read where the target speaks TLS.
#pragma once

#include <set>

#include "agent/agent_file.h"
#include "agent/allow_list.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/http/client.h"
#include "core/net/task_group.h"
#include "core/session/agent_control.h"
#include "core/session/tunnel.h"

namespace hoop::agent {

struct Times {
  session::ControlTimes control;
  std::chrono::milliseconds connect{15'000};   // a control stream
  std::chrono::milliseconds dial{10'000};      // a target, and back
  std::chrono::milliseconds first_pause{500};  // before the next try; then twice as long
  std::chrono::milliseconds longest_pause{30'000};
  std::chrono::milliseconds proven{30'000};  // a control stream that lasted so long was good
  std::chrono::milliseconds drain{30'000};   // for streams, after stop()
  std::chrono::hours new_key{24};
};

/// On one io_context; its coroutines hold it.
class Agent : public std::enable_shared_from_this<Agent> {
 public:
  struct Parts {
    http::Client client;
    AgentFile file;
    AgentIdentity identity;  // has joined
    AllowList allow;
    const Clock& clock;
    Random& random;
    Log& log;
    asio::any_io_executor executor;
    Times times = {};
  };
  explicit Agent(Parts parts);

  /// Connects, and again whenever that is lost, until stop(). Nothing is left on the io_context
  /// when it returns.
  asio::awaitable<void> run();
  /// Asks for no more dials, lets streams end for a while, then ends them. Called again: at once.
  void stop();
  /// Changes the key as soon as it is connected.
  void change_key();

 private:
  using Self = std::shared_ptr<Agent>;
  struct Link {
    std::shared_ptr<session::AgentControl> control;
    KeyPtr key;
    bool over = false;
  };
  using LinkPtr = std::shared_ptr<Link>;
  enum class State { running, draining, ending };

  // agent.cpp
  static Task<LinkPtr> connect(Self self);
  static Task<LinkPtr> open_link(Self self, KeyPtr key);
  static asio::awaitable<void> read_link(Self self, LinkPtr link);
  static asio::awaitable<void> stay(Self self, LinkPtr link);
  static Task<LinkPtr> change_link(Self self);
  void offer_new_key(Link& link);
  Result<void> adopt(KeyPtr key);
  asio::awaitable<void> pause_before_next();
  asio::awaitable<void> drain(LinkPtr link);
  bool wants_new_key() const;
  Result<http::Url> url(std::string_view rest) const;

  // agent_dial.cpp
  class Place;
  static asio::awaitable<void> serve_dial(Self self, LinkPtr link, session::Dial dial);
  static Task<net::StreamPtr> reach(Self self, session::Dial dial, Deadline deadline);
  static Task<std::shared_ptr<session::Tunnel>> dial_back(Self self, KeyPtr key,
                                                          session::DialNumber number,
                                                          Deadline deadline);
  void refuse(Link& link, const session::Dial& dial, session::DialRefusal reason,
              std::string_view why);

  Parts parts_;
  State state_ = State::running;
  LinkPtr link_;
  bool key_taken_ = false;
  bool change_key_ = false;
  std::chrono::milliseconds pause_;
  std::size_t streams_ = 0;
  std::set<std::shared_ptr<session::Tunnel>> tunnels_;
  asio::steady_timer wake_;
  net::TaskGroup tasks_;
};

}  // namespace hoop::agent
