// SPDX-License-Identifier: Apache-2.0
// The monitor of one relay: judges what its client asks for, masks what its target says, and has
// both recorded before they pass.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/net/task_group.h"
#include "core/session/handler.h"
#include "protocols/ssh/byte_budget.h"
#include "protocols/ssh/relay_frames.h"

namespace hoop::ssh {

struct RelayProgram;

class RelayMonitor {
 public:
  /// All outlive it. connection numbers the client's connection in the session.
  RelayMonitor(session::SessionContext context, std::uint64_t connection, ByteBudget& budget,
               net::Stream& relay);
  ~RelayMonitor();
  RelayMonitor(const RelayMonitor&) = delete;
  RelayMonitor& operator=(const RelayMonitor&) = delete;

  /// Until the relay is gone. Fails with what the relay or the record failed with; malformed for a
  /// relay that breaks the protocol: then nothing more of it is believed.
  Task<void> run(RelaySetup setup);
  /// Makes run() tell the client why its session ends, and end it.
  void end(std::string reason);

 private:
  Task<void> take(FromRelay frame);
  Task<void> judge(RelayAsk ask);
  Task<void> conclude(RelayAsk ask, access::Action action, session::Verdict judged);
  Result<void> begin(const RelayAsk& ask, access::Action& action, const session::Admitted& admitted,
                     RelayVerdict& verdict);
  // relay_monitor_waits.cpp
  /// Of an action that waits for somebody to approve it. The relay's other channels go on.
  struct Waiting;
  using Resume = std::function<Task<void>(session::Verdict)>;
  /// nullopt: it waits, and resume is called with what comes of it. channel: where its user reads
  /// that it does; says: whether there is anybody to read it.
  std::optional<session::Verdict> ask_gate(const access::Action& action, std::uint32_t channel,
                                           bool says, Resume resume);
  static asio::awaitable<void> wait(std::shared_ptr<Waiting> waiting,
                                    Eventually<session::Verdict> admitting);
  bool is_awaited(std::uint32_t channel) const;
  bool has_news() const;
  Task<void> take_news();
  void wake();
  void give_up(std::uint32_t channel);
  Result<void> record_not_run(const session::Verdict& verdict);
  Result<void> record_too_late();
  Result<void> resized(const RelayResized& size);
  Task<void> pass(RelayOutput output);
  // relay_monitor_sftp.cpp
  Task<void> pass_sftp(RelayProgram& channel, RelayOutput output);
  Task<void> pass_sftp_on(std::uint32_t number, RelayProgram& channel,
                          std::optional<std::uint32_t> answers);
  Task<void> go_on_with_sftp(std::uint32_t channel, session::Verdict verdict);
  // relay_monitor.cpp
  Task<void> pass_in_pieces(std::uint32_t channel, RelayStream stream, Bytes bytes,
                            std::optional<std::uint32_t> answers);
  Task<void> stop(std::uint32_t number, RelayProgram& channel, std::string event,
                  std::string words);
  Task<void> charge(std::uint32_t number, RelayProgram& channel, Bytes& output);
  Result<void> record_output(RelayProgram& channel, RelayStream stream, ByteSpan masked);
  Result<void> record_typed(RelayProgram& channel, ByteSpan shown);
  Result<void> note_terminal(const RelayAsk& ask, const session::Admitted& admitted);
  Result<void> end(RelayProgram& channel, std::string status);
  /// What is held back has waited long enough.
  Task<void> flush();
  bool holds() const;
  Task<void> send(const ToRelay& frame);

  session::SessionContext context_;
  std::uint64_t connection_;
  ByteBudget& budget_;
  net::Stream& relay_;
  std::map<std::uint32_t, std::unique_ptr<RelayProgram>> channels_;
  std::string login_;                            // at the target, once it stands
  std::map<std::uint32_t, RelayAsk> terminals_;  // by channel: that were allowed
  std::optional<Error> failed_;
  std::optional<std::string> ending_;  // the reason, until the relay has been told
  bool told_ = false;
  bool reading_ = false;  // of the relay's, under way
  std::list<std::shared_ptr<Waiting>> waiting_;
  net::TaskGroup waits_;
};

}  // namespace hoop::ssh
