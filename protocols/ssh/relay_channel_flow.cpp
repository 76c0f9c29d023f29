// SPDX-License-Identifier: Apache-2.0
// What flows on a channel, and how it ends.
#include <algorithm>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "protocols/ssh/libssh.h"
#include "protocols/ssh/relay_channel.h"

namespace hoop::ssh {
namespace {

// The next piece is with the monitor while one is written; who does not read is not read for.
constexpr std::size_t kMostMasked = 2 * kMaxOutput;
constexpr std::size_t kMostUnread = std::size_t{1} << 20;

/// Some calls of libssh's look for packets, and for what the monitor says, before they take the
/// bytes: what they are given must not be moved by that.
Bytes piece_of(const ByteQueue& from, std::size_t room) {
  const ByteSpan all = from.view();
  const ByteSpan piece = all.first(std::min({all.size(), room, kMaxOutput}));
  return Bytes(piece.begin(), piece.end());
}

}  // namespace

/// All that is there, once: libssh opens its window by what is read, not by what is left, and
/// looking again takes in what a fast peer has sent meanwhile, without end.
bool RelayChannel::take_in(ssh_channel_struct* channel, int is_error, ByteQueue& into) {
  const int there = HOOP_LIBSSH(ssh_channel_poll)(channel, is_error);
  if (there <= 0) return false;
  const MutableByteSpan room = into.make_room(static_cast<std::size_t>(there));
  const int count = HOOP_LIBSSH(ssh_channel_read_nonblocking)(
      channel, room.data(), static_cast<std::uint32_t>(there), is_error);
  into.keep(static_cast<std::size_t>(std::max(count, 0)));
  return true;
}

bool RelayChannel::move_input() {
  // What comes before the program has been allowed waits, as its end does.
  if (!begun_ || client_closed_) return false;
  bool did = false;
  if (input_.empty()) {
    did = take_in(client_, 0, input_);
    bytes_in_ += input_.size();
  }
  if (!input_.empty() && !target_closed_) {
    const std::uint32_t room = HOOP_LIBSSH(ssh_channel_window_size)(target_);
    const auto count =
        static_cast<std::uint32_t>(std::min<std::size_t>({input_.size(), room, kMaxOutput}));
    const int wrote =
        count == 0 ? 0 : HOOP_LIBSSH(ssh_channel_write)(target_, input_.data(), count);
    if (wrote > 0 && tells_keys_ && !reported_) {
      // Before what the target makes of it comes back.
      const RelayTyped typed{number_, Bytes(input_.data(), input_.data() + wrote)};
      if (!send_(typed)) broken_ = true;
    }
    if (wrote > 0) {
      input_.drop(static_cast<std::size_t>(wrote));
      did = true;
    }
  }
  return (input_.empty() && end_input()) || did;
}

/// Once nothing of it is on its way any more.
bool RelayChannel::end_input() {
  if (!client_eof_ || !requests_.empty() || eof_to_target_ || target_closed_ ||
      HOOP_LIBSSH(ssh_channel_poll)(client_, 0) > 0)
    return false;
  eof_to_target_ = HOOP_LIBSSH(ssh_channel_send_eof)(target_) != SSH_AGAIN;
  return eof_to_target_;
}

bool RelayChannel::move_inspected_input() {
  if (!begun_) return false;
  bool did = false;
  // Whoever does not read what is answered to its packets sends no more of them.
  const bool reads = out_.masked.size() <= kMostUnread;
  if (in_.raw.empty() && !client_closed_ && reads) {
    did = take_in(client_, 0, in_.raw);
    bytes_in_ += in_.raw.size();
  }
  did = (reads && show(in_, RelayStream::in)) || did;
  const bool over = client_closed_ || (client_eof_ && requests_.empty());
  if (!in_.ended && !reported_ && over && in_.raw.empty() && !in_.waits &&
      (client_closed_ || HOOP_LIBSSH(ssh_channel_poll)(client_, 0) <= 0)) {
    show_end(in_, RelayStream::in);
    did = true;
  }
  if (target_closed_) {
    in_.masked.clear();
  } else if (!in_.masked.empty()) {
    const Bytes piece = piece_of(in_.masked, HOOP_LIBSSH(ssh_channel_window_size)(target_));
    const int wrote = piece.empty()
                          ? 0
                          : HOOP_LIBSSH(ssh_channel_write)(
                                target_, piece.data(), static_cast<std::uint32_t>(piece.size()));
    if (wrote > 0) {
      in_.masked.drop(static_cast<std::size_t>(wrote));
      did = true;
    }
  }
  return (in_.ended && !in_.waits && in_.masked.empty() && end_input()) || did;
}

/// The next piece, to the monitor.
bool RelayChannel::show(Flow& flow, RelayStream stream) {
  // Of a channel that is over for the monitor it must hear no more.
  if (reported_ || flow.raw.empty() || flow.masked.size() > kMostMasked || flow.waits) return false;
  const std::size_t count = std::min(flow.raw.size(), kMaxOutput);
  RelayOutput frame{++questions_, number_, stream, {}};
  frame.data.assign(flow.raw.data(), flow.raw.data() + count);
  flow.raw.drop(count);
  flow.question = frame.number;
  flow.waits = true;
  if (!send_(frame)) broken_ = true;
  return true;
}

void RelayChannel::show_end(Flow& flow, RelayStream stream) {
  const RelayOutput end{++questions_, number_, stream, {}};
  flow.question = end.number;
  flow.waits = flow.ended = true;
  if (!send_(end)) broken_ = true;
}

bool RelayChannel::move_output(Flow& output, RelayStream stream) {
  bool did = false;
  const int is_err = stream == RelayStream::err ? 1 : 0;
  if (stopped_) output.raw.clear();
  if (open_ && !stopped_ && output.raw.empty()) {
    did = take_in(target_, is_err, output.raw);
    bytes_out_ += output.raw.size();
  }
  did = show(output, stream) || did;
  if (begun_ && !output.ended && !reported_ && (target_eof_ || target_closed_) &&
      output.raw.empty() && !output.waits &&
      (stopped_ || HOOP_LIBSSH(ssh_channel_poll)(target_, is_err) <= 0)) {
    show_end(output, stream);
    did = true;
  }
  if (client_closed_) {
    output.masked.clear();
  } else if (!output.masked.empty()) {
    const Bytes piece = piece_of(output.masked, HOOP_LIBSSH(ssh_channel_window_size)(client_));
    const auto count = static_cast<std::uint32_t>(piece.size());
    int wrote = 0;
    if (count > 0) {
      wrote = is_err != 0 ? HOOP_LIBSSH(ssh_channel_write_stderr)(client_, piece.data(), count)
                          : HOOP_LIBSSH(ssh_channel_write)(client_, piece.data(), count);
    }
    if (wrote > 0) {
      output.masked.drop(static_cast<std::size_t>(wrote));
      did = true;
    }
  }
  return did;
}

bool RelayChannel::is_drained() const {
  for (const Flow* output : {&out_, &err_}) {
    if (output->waits || !output->raw.empty() || !output->masked.empty()) return false;
    if (begun_ && !output->ended) return false;
  }
  return !open_ || stopped_ ||
         (HOOP_LIBSSH(ssh_channel_poll)(target_, 0) <= 0 &&
          HOOP_LIBSSH(ssh_channel_poll)(target_, 1) <= 0);
}

/// What ends goes through as it comes: the end of output, the status, the close.
bool RelayChannel::finish() {
  bool did = false;
  // A client whose input has ended closes at the end of the output, and still waits for the status.
  if (client_closed_ && !target_eof_ && !target_closed_) {
    // Nobody reads any more, nor sees what it does.
    if (open_ && !close_to_target_) end_program();
    if (open_ && !close_to_target_ && HOOP_LIBSSH(ssh_channel_close)(target_) != SSH_AGAIN)
      close_to_target_ = did = true;
    if (!close_to_client_ && HOOP_LIBSSH(ssh_channel_close)(client_) != SSH_AGAIN)
      close_to_client_ = did = true;
    report();
    return did;
  }
  if (!is_drained()) return did;
  const bool over = target_closed_;
  if ((target_eof_ || over) && !eof_to_client_ && !client_closed_ &&
      HOOP_LIBSSH(ssh_channel_send_eof)(client_) != SSH_AGAIN)
    eof_to_client_ = did = true;
  if (!status_sent_ && (has_status_ || !signal_.empty()) && (target_eof_ || over)) {
    if (has_status_) {
      HOOP_LIBSSH(ssh_channel_request_send_exit_status)(client_, static_cast<int>(status_));
    } else {
      HOOP_LIBSSH(ssh_channel_request_send_exit_signal)
      (client_, signal_.c_str(), core_dumped_ ? 1 : 0, "", "");
    }
    status_sent_ = did = true;
  }
  if (over && !close_to_client_ && HOOP_LIBSSH(ssh_channel_close)(client_) != SSH_AGAIN) {
    close_to_client_ = did = true;
    report();
  }
  if (over && open_ && !close_to_target_ && HOOP_LIBSSH(ssh_channel_close)(target_) != SSH_AGAIN)
    close_to_target_ = did = true;
  return did;
}

void RelayChannel::report() {
  if (reported_) return;
  reported_ = true;
  if (!send_(RelayEnded{number_, has_status_, status_, signal_, bytes_in_, bytes_out_}))
    broken_ = true;
}

}  // namespace hoop::ssh
