// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_channel.h"

#include <algorithm>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "core/base/encoding.h"
#include "protocols/ssh/libssh.h"

namespace hoop::ssh {
namespace {

constexpr std::size_t kMostRequests = 64;  // that wait on one channel
constexpr std::uint32_t kDenied = 77;      // as hoopctl's own exit status
constexpr std::uint32_t kLost = 255;       // as ssh's, for a channel that could not be opened

}  // namespace

struct RelayChannel::Callbacks {
  ssh_channel_callbacks_struct client{};
  ssh_channel_callbacks_struct target{};

  static RelayChannel& stirred(void* self) {
    auto& channel = *static_cast<RelayChannel*>(self);
    channel.stirred_ = true;
    return channel;
  }
  static int data(ssh_session, ssh_channel, void*, uint32_t length, int, void* self) {
    if (length > kMostBuffered) stirred(self).broken_ = true;
    stirred(self);
    return 0;  // it stays where it is, until we read it
  }
  static int may_write(ssh_session, ssh_channel, uint32_t, void* self) {
    stirred(self);
    return 0;
  }
  static void client_eof(ssh_session, ssh_channel, void* self) { stirred(self).client_eof_ = true; }
  static void client_close(ssh_session, ssh_channel, void* self) {
    stirred(self).client_closed_ = true;
  }
  static void client_signal(ssh_session, ssh_channel, const char* name, void* self) {
    auto& channel = stirred(self);
    if (channel.requests_.size() >= kMostRequests) return;
    Request request;
    request.signal = text_of(name);
    channel.requests_.push_back(std::move(request));
  }
  static void target_eof(ssh_session, ssh_channel, void* self) { stirred(self).target_eof_ = true; }
  static void target_close(ssh_session, ssh_channel, void* self) {
    stirred(self).target_closed_ = true;
  }
  static void exit_status(ssh_session, ssh_channel, int status, void* self) {
    auto& channel = stirred(self);
    if (channel.stopped_) return;  // which has one of ours
    channel.has_status_ = true;
    channel.status_ = static_cast<std::uint32_t>(status);
  }
  static void exit_signal(ssh_session, ssh_channel, const char* name, int core, const char*,
                          const char*, void* self) {
    auto& channel = stirred(self);
    if (channel.stopped_) return;
    channel.signal_ = text_of(name);
    channel.core_dumped_ = core != 0;
  }
};

RelayChannel::RelayChannel(std::uint32_t number, ssh_channel_struct* client,
                           ssh_session_struct* target, std::uint32_t& questions, SendFrame send)
    : number_(number),
      client_(client),
      target_(HOOP_LIBSSH(ssh_channel_new)(target)),
      questions_(questions),
      send_(std::move(send)),
      callbacks_(std::make_unique<Callbacks>()) {
  Callbacks& calls = *callbacks_;
  ssh_callbacks_init(&calls.client);
  calls.client.userdata = this;
  calls.client.channel_data_function = Callbacks::data;
  calls.client.channel_write_wontblock_function = Callbacks::may_write;
  calls.client.channel_eof_function = Callbacks::client_eof;
  calls.client.channel_close_function = Callbacks::client_close;
  calls.client.channel_signal_function = Callbacks::client_signal;
  HOOP_LIBSSH(ssh_set_channel_callbacks)(client_, &calls.client);
  ssh_callbacks_init(&calls.target);
  calls.target.userdata = this;
  calls.target.channel_data_function = Callbacks::data;
  calls.target.channel_write_wontblock_function = Callbacks::may_write;
  calls.target.channel_eof_function = Callbacks::target_eof;
  calls.target.channel_close_function = Callbacks::target_close;
  calls.target.channel_exit_status_function = Callbacks::exit_status;
  calls.target.channel_exit_signal_function = Callbacks::exit_signal;
  HOOP_LIBSSH(ssh_set_channel_callbacks)(target_, &calls.target);
}

RelayChannel::~RelayChannel() {
  for (Request& request : requests_) {
    if (request.message != nullptr) HOOP_LIBSSH(ssh_message_free)(request.message);
  }
  HOOP_LIBSSH(ssh_remove_channel_callbacks)(client_, &callbacks_->client);
  HOOP_LIBSSH(ssh_remove_channel_callbacks)(target_, &callbacks_->target);
  HOOP_LIBSSH(ssh_channel_free)(target_);
  HOOP_LIBSSH(ssh_channel_free)(client_);
}

void RelayChannel::take(ssh_message_struct* message, bool is_openssh) {
  Request request;
  request.message = message;
  const int kind = HOOP_LIBSSH(ssh_message_subtype)(message);
  if (requests_.size() >= kMostRequests || kind == SSH_CHANNEL_REQUEST_X11) {
    answer(request, false);
    return;
  }
  if (kind == SSH_CHANNEL_REQUEST_UNKNOWN) {
    // Without its name: of OpenSSH's client it is "nobody reads on" (eow@openssh.com), which it
    // says to servers that are called OpenSSH. The target's program hears of it by its channel.
    answer(request, false);
    if (is_openssh) client_closed_ = true;
    return;
  }
  if (kind == SSH_CHANNEL_REQUEST_WINDOW_CHANGE) {
    request.columns =
        static_cast<std::uint32_t>(HOOP_LIBSSH(ssh_message_channel_request_pty_width)(message));
    request.rows =
        static_cast<std::uint32_t>(HOOP_LIBSSH(ssh_message_channel_request_pty_height)(message));
    answer(request, true);  // frees it: this one wants no answer
    request.state = Request::State::allowed;
  }
  requests_.push_back(std::move(request));
}

void RelayChannel::answer(Request& request, bool success) {
  if (request.message == nullptr) return;
  if (success) {
    HOOP_LIBSSH(ssh_message_channel_request_reply_success)(request.message);
  } else {
    HOOP_LIBSSH(ssh_message_reply_default)(request.message);
  }
  HOOP_LIBSSH(ssh_message_free)(request.message);
  request.message = nullptr;
}

bool RelayChannel::take(const RelayVerdict& verdict) {
  for (Request& request : requests_) {
    if (request.state != Request::State::asked || request.question != verdict.number) continue;
    request.state = verdict.allowed ? Request::State::allowed : Request::State::denied;
    request.words = verdict.message;
    request.status = verdict.status;
    request.inspected = verdict.inspected;
    request.tells_keys = verdict.tells_keys;
    request.command = verdict.command;
    return true;
  }
  return false;
}

RelayChannel::Flow& RelayChannel::flow_of(RelayStream stream) {
  switch (stream) {
    case RelayStream::in: return in_;
    case RelayStream::err: return err_;
    case RelayStream::out: break;
  }
  return out_;
}

bool RelayChannel::take(RelayMasked& masked) {
  for (Flow* output : {&out_, &err_, &in_}) {
    if (!output->waits || output->question != masked.number) continue;
    output->waits = false;
    output->masked.append(masked.data);
    return true;
  }
  return false;
}

bool RelayChannel::take(const RelayMore& more) {
  if (more.channel != number_) return false;
  flow_of(more.stream).masked.append(more.data);
  return true;
}

bool RelayChannel::take(const RelayStop& stop) {
  if (stop.channel != number_) return false;
  if (stopped_ || reported_) return true;
  say(stop.reason);
  end_program();
  has_status_ = true;
  status_ = kDenied;
  signal_.clear();
  stopped_ = target_eof_ = target_closed_ = true;
  return true;
}

bool RelayChannel::open_target() {
  if (open_ || refused_) return false;
  const int done = HOOP_LIBSSH(ssh_channel_open_session)(target_);
  if (done == SSH_AGAIN) return false;
  open_ = done == SSH_OK;
  if (!open_) {
    refused_ = true;
    say("the target opens no channel");
    has_status_ = true;
    status_ = kLost;
    target_eof_ = target_closed_ = true;
  }
  return true;
}

bool RelayChannel::ask(Request& request) {
  RelayAsk question;
  question.number = request.question = ++questions_;
  question.channel = number_;
  ssh_message_struct* const message = request.message;
  switch (HOOP_LIBSSH(ssh_message_subtype)(message)) {
    case SSH_CHANNEL_REQUEST_SHELL: question.act = RelayAct::shell; break;
    case SSH_CHANNEL_REQUEST_EXEC:
      question.act = RelayAct::exec;
      question.text = text_of(HOOP_LIBSSH(ssh_message_channel_request_command)(message));
      break;
    case SSH_CHANNEL_REQUEST_SUBSYSTEM:
      question.act = RelayAct::subsystem;
      question.text = text_of(HOOP_LIBSSH(ssh_message_channel_request_subsystem)(message));
      break;
    case SSH_CHANNEL_REQUEST_PTY:
      question.act = RelayAct::pty;
      question.text = text_of(HOOP_LIBSSH(ssh_message_channel_request_pty_term)(message));
      question.columns =
          static_cast<std::uint32_t>(HOOP_LIBSSH(ssh_message_channel_request_pty_width)(message));
      question.rows =
          static_cast<std::uint32_t>(HOOP_LIBSSH(ssh_message_channel_request_pty_height)(message));
      break;
    case SSH_CHANNEL_REQUEST_ENV:
      question.act = RelayAct::env;
      question.text = text_of(HOOP_LIBSSH(ssh_message_channel_request_env_name)(message));
      question.value = text_of(HOOP_LIBSSH(ssh_message_channel_request_env_value)(message));
      break;
    default: answer(request, false); return false;
  }
  // What would be cut is not what would run.
  if (question.text.size() > kMaxOutput / 2 || question.value.size() > kMaxOutput / 2) {
    answer(request, false);
    return false;
  }
  request.state = Request::State::asked;
  if (!send_(question)) broken_ = true;
  return true;
}

/// True once the target has answered.
bool RelayChannel::pass_on(Request& request) {
  int done = SSH_ERROR;
  ssh_message_struct* const message = request.message;
  if (!request.signal.empty()) {
    done = HOOP_LIBSSH(ssh_channel_request_send_signal)(target_, request.signal.c_str());
    return done != SSH_AGAIN;
  }
  if (message == nullptr) {
    done = HOOP_LIBSSH(ssh_channel_change_pty_size)(target_, static_cast<int>(request.columns),
                                                    static_cast<int>(request.rows));
    if (done == SSH_AGAIN) return false;
    if (!send_(RelayResized{number_, request.columns, request.rows})) broken_ = true;
    return true;
  }
  bool begins = true;
  const bool forced = !request.command.empty();
  switch (forced ? static_cast<int>(SSH_CHANNEL_REQUEST_EXEC)
                 : HOOP_LIBSSH(ssh_message_subtype)(message)) {
    case SSH_CHANNEL_REQUEST_SHELL: done = HOOP_LIBSSH(ssh_channel_request_shell)(target_); break;
    case SSH_CHANNEL_REQUEST_EXEC:
      done = HOOP_LIBSSH(ssh_channel_request_exec)(
          target_, forced ? request.command.c_str()
                          : HOOP_LIBSSH(ssh_message_channel_request_command)(message));
      break;
    case SSH_CHANNEL_REQUEST_SUBSYSTEM:
      done = HOOP_LIBSSH(ssh_channel_request_subsystem)(
          target_, HOOP_LIBSSH(ssh_message_channel_request_subsystem)(message));
      break;
    case SSH_CHANNEL_REQUEST_PTY:
      begins = false;
      done = HOOP_LIBSSH(ssh_channel_request_pty_size)(
          target_, HOOP_LIBSSH(ssh_message_channel_request_pty_term)(message),
          HOOP_LIBSSH(ssh_message_channel_request_pty_width)(message),
          HOOP_LIBSSH(ssh_message_channel_request_pty_height)(message));
      break;
    default:
      begins = false;
      done = HOOP_LIBSSH(ssh_channel_request_env)(
          target_, HOOP_LIBSSH(ssh_message_channel_request_env_name)(message),
          HOOP_LIBSSH(ssh_message_channel_request_env_value)(message));
      break;
  }
  if (done == SSH_AGAIN) return false;
  if (begins && done == SSH_OK) {
    begun_ = true;
    inspected_ = request.inspected;
    tells_keys_ = request.tells_keys;
  }
  answer(request, done == SSH_OK);
  return true;
}

/// A program that may not run "ran", said why, and ended with our status: the client shows both.
void RelayChannel::deny(Request& request) {
  const int kind = request.message == nullptr ? SSH_CHANNEL_REQUEST_UNKNOWN
                                              : HOOP_LIBSSH(ssh_message_subtype)(request.message);
  const bool begins = kind == SSH_CHANNEL_REQUEST_SHELL || kind == SSH_CHANNEL_REQUEST_EXEC ||
                      kind == SSH_CHANNEL_REQUEST_SUBSYSTEM;
  answer(request, begins);
  if (!begins) return;
  say(request.words);
  has_status_ = true;
  status_ = request.status;
  target_eof_ = target_closed_ = true;
}

void RelayChannel::say(std::string_view words) {
  const std::string line = "hoopctl: " + neutralise(words, 1000, Lines::escape) + "\r\n";
  HOOP_LIBSSH(ssh_channel_write_stderr)
  (client_, line.data(), static_cast<std::uint32_t>(line.size()));
}

void RelayChannel::end_program() {
  if (begun_ && !has_status_ && signal_.empty() && !target_closed_ && !close_to_target_)
    HOOP_LIBSSH(ssh_channel_request_send_signal)(target_, "TERM");
}

bool RelayChannel::handle_requests() {
  bool did = false;
  while (!requests_.empty() && !target_closed_ && !broken_) {
    Request& request = requests_.front();
    if (request.state == Request::State::fresh && request.message != nullptr) {
      if (!ask(request)) {
        if (request.message != nullptr) return did;
        requests_.pop_front();
      }
      did = true;
      continue;
    }
    if (request.state == Request::State::asked) return did;
    if (request.state == Request::State::denied) {
      deny(request);
    } else if (!open_ || !pass_on(request)) {
      return did;
    }
    requests_.pop_front();
    did = true;
  }
  return did;
}

bool RelayChannel::work() {
  if (broken_) return false;  // nothing more of it is read
  // Nearly every call of libssh's looks for packets, of whatever channel: what they bring after its
  // turn here would wait for the next event, and there may be none.
  stirred_ = false;
  bool did = open_target();
  did = handle_requests() || did;
  did = (inspected_ ? move_inspected_input() : move_input()) || did;
  did = move_output(out_, RelayStream::out) || did;
  did = move_output(err_, RelayStream::err) || did;
  did = finish() || did;
  return did || stirred_;
}

bool RelayChannel::is_over() const {
  const bool target_done = !open_ || target_closed_ || close_to_target_;
  return reported_ && close_to_client_ && target_done &&
         (client_closed_ || HOOP_LIBSSH(ssh_channel_is_closed)(client_) != 0);
}

}  // namespace hoop::ssh
