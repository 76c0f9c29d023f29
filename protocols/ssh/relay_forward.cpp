// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_forward.h"

#include <algorithm>

#include <fmt/format.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "protocols/ssh/libssh.h"

namespace hoop::ssh {
namespace {

struct Address {
  std::string host;
  int port = 0;
};
Address destination(ssh_message_struct* request) {
  return {text_of(HOOP_LIBSSH(ssh_message_channel_request_open_destination)(request)),
          HOOP_LIBSSH(ssh_message_channel_request_open_destination_port)(request)};
}
Address originator(ssh_message_struct* request) {
  return {text_of(HOOP_LIBSSH(ssh_message_channel_request_open_originator)(request)),
          HOOP_LIBSSH(ssh_message_channel_request_open_originator_port)(request)};
}

}  // namespace

struct RelayForward::Callbacks {
  struct End {
    RelayForward* forward;
    Side* side;
    ssh_channel_callbacks_struct calls{};

    static End& stirred(void* self) {
      auto& end = *static_cast<End*>(self);
      end.forward->stirred_ = true;
      return end;
    }
    static int data(ssh_session, ssh_channel, void*, uint32_t length, int, void* self) {
      End& end = stirred(self);
      if (length > kMostBuffered) end.forward->broken_ = true;
      return 0;  // it stays where it is, until we read it
    }
    static int may_write(ssh_session, ssh_channel, uint32_t, void* self) {
      stirred(self);
      return 0;
    }
    static void eof(ssh_session, ssh_channel, void* self) { stirred(self).side->eof = true; }
    static void close(ssh_session, ssh_channel, void* self) { stirred(self).side->closed = true; }

    void attach() {
      ssh_callbacks_init(&calls);
      calls.userdata = this;
      calls.channel_data_function = data;
      calls.channel_write_wontblock_function = may_write;
      calls.channel_eof_function = eof;
      calls.channel_close_function = close;
      HOOP_LIBSSH(ssh_set_channel_callbacks)(side->channel, &calls);
    }
    void detach() {
      if (side->channel == nullptr) return;
      if (calls.userdata != nullptr)
        HOOP_LIBSSH(ssh_remove_channel_callbacks)(side->channel, &calls);
      HOOP_LIBSSH(ssh_channel_free)(side->channel);
    }
  };
  End near, far;
};

RelayForward::RelayForward(std::uint32_t number, RelayAct act, ssh_message_struct* request,
                           ssh_session_struct* other, std::uint32_t& questions, SendFrame send)
    : number_(number),
      act_(act),
      request_(request),
      questions_(questions),
      send_(std::move(send)),
      callbacks_(std::make_unique<Callbacks>(Callbacks{{this, &near_, {}}, {this, &far_, {}}})) {
  far_.channel = HOOP_LIBSSH(ssh_channel_new)(other);
  callbacks_->far.attach();
  ask();
}

RelayForward::~RelayForward() {
  if (request_ != nullptr) HOOP_LIBSSH(ssh_message_free)(request_);
  callbacks_->near.detach();
  callbacks_->far.detach();
}

void RelayForward::ask() {
  const Address to = destination(request_), from = originator(request_);
  RelayAsk question;
  question.number = question_ = ++questions_;
  question.channel = number_;
  question.act = act_;
  question.text = to.host;
  question.value = fmt::format("{}:{}", from.host, from.port);
  question.columns = static_cast<std::uint32_t>(to.port);
  if (!send_(question)) broken_ = true;
}

bool RelayForward::take(const RelayVerdict& verdict) {
  if (state_ != State::asked || verdict.number != question_) return false;
  if (verdict.allowed) {
    state_ = State::allowed;
  } else {
    refuse();
    state_ = State::over;
  }
  return true;
}

/// Its words cannot be told: libssh has none for it.
void RelayForward::refuse() {
  HOOP_LIBSSH(ssh_message_reply_default)(request_);
  HOOP_LIBSSH(ssh_message_free)(request_);
  request_ = nullptr;
}

void RelayForward::report(bool opened) {
  state_ = State::over;
  const Side& client = act_ == RelayAct::forward ? near_ : far_;
  const Side& target = act_ == RelayAct::forward ? far_ : near_;
  if (!send_(RelayEnded{number_, !opened, opened ? 0U : 1U, {}, client.bytes, target.bytes}))
    broken_ = true;
}

void RelayForward::leave() {
  if (state_ == State::open) report(true);
}

bool RelayForward::open() {
  const Address to = destination(request_), from = originator(request_);
  const int done = act_ == RelayAct::forward
                       ? HOOP_LIBSSH(ssh_channel_open_forward)(
                             far_.channel, to.host.c_str(), to.port, from.host.c_str(), from.port)
                       : HOOP_LIBSSH(ssh_channel_open_reverse_forward)(
                             far_.channel, to.host.c_str(), to.port, from.host.c_str(), from.port);
  if (done == SSH_AGAIN) return false;
  if (done == SSH_OK) {
    near_.channel = HOOP_LIBSSH(ssh_message_channel_request_open_reply_accept)(request_);
    HOOP_LIBSSH(ssh_message_free)(request_);
    request_ = nullptr;
  }
  if (near_.channel == nullptr) {
    if (request_ != nullptr) refuse();
    report(false);
    return true;
  }
  callbacks_->near.attach();
  state_ = State::open;
  return true;
}

bool RelayForward::move(Side& from, Side& to) {
  bool did = false;
  if (from.buffer.empty()) {
    const int there = HOOP_LIBSSH(ssh_channel_poll)(from.channel, 0);
    if (there > 0) {
      const MutableByteSpan room = from.buffer.make_room(static_cast<std::size_t>(there));
      const int count = HOOP_LIBSSH(ssh_channel_read_nonblocking)(
          from.channel, room.data(), static_cast<std::uint32_t>(there), 0);
      from.buffer.keep(static_cast<std::size_t>(std::max(count, 0)));
      from.bytes += from.buffer.size();
      did = true;
    }
  }
  if (to.closed || to.close_sent) {
    from.buffer.clear();  // nobody reads it any more
    return did;
  }
  if (!from.buffer.empty()) {
    const std::uint32_t room = HOOP_LIBSSH(ssh_channel_window_size)(to.channel);
    const auto count =
        static_cast<std::uint32_t>(std::min<std::size_t>({from.buffer.size(), room, kMaxOutput}));
    const int wrote =
        count == 0 ? 0 : HOOP_LIBSSH(ssh_channel_write)(to.channel, from.buffer.data(), count);
    if (wrote > 0) {
      from.buffer.drop(static_cast<std::size_t>(wrote));
      did = true;
    }
  }
  if ((from.eof || from.closed) && from.buffer.empty() && !to.eof_sent &&
      HOOP_LIBSSH(ssh_channel_poll)(from.channel, 0) <= 0 &&
      HOOP_LIBSSH(ssh_channel_send_eof)(to.channel) != SSH_AGAIN)
    to.eof_sent = did = true;
  return did;
}

/// When both have said all, or one has gone and all of it has been passed on.
bool RelayForward::close(Side& side, const Side& other) {
  const bool both = side.eof_sent && other.eof_sent;
  const bool other_gone = other.closed && (side.eof_sent || side.closed);
  const bool this_gone = side.closed && other.eof_sent;
  if (side.close_sent || !(both || other_gone || this_gone)) return false;
  side.close_sent = HOOP_LIBSSH(ssh_channel_close)(side.channel) != SSH_AGAIN;
  return side.close_sent;
}

bool RelayForward::work() {
  stirred_ = false;
  if (broken_ || state_ == State::asked || state_ == State::over) return false;
  if (state_ == State::allowed) return open() || stirred_;
  bool did = move(near_, far_);
  did = move(far_, near_) || did;
  did = close(near_, far_) || did;
  did = close(far_, near_) || did;
  const bool ended = near_.close_sent && far_.close_sent;
  if (ended) report(true);
  return did || ended || stirred_;
}

}  // namespace hoop::ssh
