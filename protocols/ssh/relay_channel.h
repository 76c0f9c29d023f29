// SPDX-License-Identifier: Apache-2.0
// A channel of the client and the one at the target that it leads to: what is asked for on it, in
// its order, and what flows.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "core/base/byte_queue.h"
#include "protocols/ssh/relay_frames.h"

struct ssh_channel_struct;
struct ssh_message_struct;
struct ssh_session_struct;

namespace hoop::ssh {

/// Sends a frame to the monitor. False: it is gone.
using SendFrame = std::function<bool(const FromRelay&)>;

class RelayChannel {
 public:
  /// client has just been opened. number: the channel's, for the monitor.
  RelayChannel(std::uint32_t number, ssh_channel_struct* client, ssh_session_struct* target,
               std::uint32_t& questions, SendFrame send);
  ~RelayChannel();
  RelayChannel(const RelayChannel&) = delete;
  RelayChannel& operator=(const RelayChannel&) = delete;

  ssh_channel_struct* client() const { return client_; }
  /// A request of the client on this channel: it is this object's now. is_openssh: the client is
  /// OpenSSH's.
  void take(ssh_message_struct* request, bool is_openssh);
  /// Answers of the monitor. False: they are not for this channel.
  bool take(const RelayVerdict& verdict);
  bool take(RelayMasked& masked);
  bool take(const RelayMore& more);
  bool take(const RelayStop& stop);
  /// Does what can be done now. True if something was, or there is more to do.
  bool work();
  /// A line of ours on the client's standard error.
  void say(std::string_view words);
  /// Ends a program that still runs: access to its target has been taken away. Without a terminal
  /// the target would let it go on.
  void end_program();
  /// Both channels are closed, and the monitor has been told.
  bool is_over() const;
  /// A peer has sent far more than it may, or the monitor is gone: the relay must end.
  bool is_broken() const { return broken_; }

 private:
  struct Callbacks;
  /// What the client wants next; one at a time goes to the target, as libssh wants it.
  struct Request {
    enum class State { fresh, asked, allowed, denied };
    ssh_message_struct* message = nullptr;  // null: needs no answer
    State state = State::fresh;
    std::uint32_t question = 0;
    std::string words;          // why it was denied
    std::uint32_t status = 77;  // then
    bool inspected = false;
    bool tells_keys = false;
    std::string command;                  // in the place of what it asks for
    std::string signal;                   // to send
    std::uint32_t columns = 0, rows = 0;  // of a change of the window
  };
  /// One stream on its way through the monitor.
  struct Flow {
    ByteQueue raw;     // read, not yet shown to the monitor
    ByteQueue masked;  // to be written
    std::uint32_t question = 0;
    bool waits = false;
    bool ended = false;  // the monitor has been told that no more comes
  };

  bool open_target();
  bool handle_requests();
  bool ask(Request& request);
  bool pass_on(Request& request);
  void answer(Request& request, bool success);
  void deny(Request& request);
  Flow& flow_of(RelayStream stream);
  bool move_input();
  bool move_inspected_input();
  bool end_input();
  bool move_output(Flow& output, RelayStream stream);
  static bool take_in(ssh_channel_struct* channel, int is_error, ByteQueue& into);
  bool show(Flow& flow, RelayStream stream);
  void show_end(Flow& flow, RelayStream stream);
  bool finish();
  bool is_drained() const;
  void report();

  std::uint32_t number_;
  ssh_channel_struct* client_;
  ssh_channel_struct* target_ = nullptr;
  std::uint32_t& questions_;
  SendFrame send_;
  std::deque<Request> requests_;
  ByteQueue input_;  // of a program that is not inspected
  Flow out_, err_, in_;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
  bool open_ = false;  // at the target
  bool refused_ = false;
  bool begun_ = false;  // a program runs
  bool inspected_ = false;
  bool tells_keys_ = false;
  bool stopped_ = false;  // by the monitor: nothing of the program is passed on any more
  bool client_eof_ = false, client_closed_ = false, target_eof_ = false, target_closed_ = false;
  bool eof_to_target_ = false, eof_to_client_ = false, close_to_client_ = false,
       close_to_target_ = false, reported_ = false, status_sent_ = false, broken_ = false;
  bool stirred_ = false;  // something has come since work() began
  bool has_status_ = false;
  std::uint32_t status_ = 0;
  std::string signal_;
  bool core_dumped_ = false;
  std::unique_ptr<Callbacks> callbacks_;
};

}  // namespace hoop::ssh
