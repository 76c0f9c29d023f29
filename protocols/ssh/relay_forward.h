// SPDX-License-Identifier: Apache-2.0
// A connection that is forwarded: a channel that one side has asked for, and the one that it leads
// to at the other.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "protocols/ssh/relay_channel.h"

namespace hoop::ssh {

class RelayForward {
 public:
  /// request: that a channel be opened; this object's from here on. other: the session that it
  /// leads to. act: forward for one of the client's, accepted for one of the target's.
  RelayForward(std::uint32_t number, RelayAct act, ssh_message_struct* request,
               ssh_session_struct* other, std::uint32_t& questions, SendFrame send);
  ~RelayForward();
  RelayForward(const RelayForward&) = delete;
  RelayForward& operator=(const RelayForward&) = delete;

  /// An answer of the monitor. False: it is not for this one.
  bool take(const RelayVerdict& verdict);
  /// Does what can be done now. True if something was.
  bool work();
  bool is_over() const { return state_ == State::over; }
  /// The connection ends: what has moved is told.
  void leave();
  bool is_broken() const { return broken_; }

 private:
  struct Callbacks;
  enum class State { asked, allowed, open, over };
  /// One of the two channels, and what has come by it.
  struct Side {
    ssh_channel_struct* channel = nullptr;
    ByteQueue buffer;
    std::uint64_t bytes = 0;
    bool eof = false, closed = false;           // by the peer
    bool eof_sent = false, close_sent = false;  // by us
  };
  void ask();
  bool open();
  void refuse();
  bool move(Side& from, Side& to);
  bool close(Side& side, const Side& other);
  void report(bool opened);

  std::uint32_t number_;
  RelayAct act_;
  ssh_message_struct* request_;
  std::uint32_t& questions_;
  SendFrame send_;
  std::uint32_t question_ = 0;
  State state_ = State::asked;
  Side near_, far_;  // where it was asked for, where it leads to
  bool broken_ = false, stirred_ = false;
  std::unique_ptr<Callbacks> callbacks_;
};

}  // namespace hoop::ssh
