// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/process/call_filter.h"
#include "protocols/ssh/libssh.h"
#include "protocols/ssh/private_key.h"
#include "protocols/ssh/relay_channel.h"
#include "protocols/ssh/relay_control.h"
#include "protocols/ssh/relay_forward.h"
#include "protocols/ssh/relay_listens.h"
#include "protocols/ssh/relay_login.h"
#include "protocols/ssh/upstream_session.h"

namespace hoop::ssh {
namespace {

constexpr std::size_t kMostClientChannels = 64;
constexpr std::size_t kMostForwards = 128;
constexpr int kLoopPause = 1000;  // milliseconds, at most
constexpr int kPasses = 16;       // over what there is to do, before new requests are looked for
constexpr int kLastPasses = 1024;
struct EventDeleter {
  void operator()(ssh_event_struct* event) const { HOOP_LIBSSH(ssh_event_free)(event); }
};
std::string words_of(const Error& error) {
  return error.hint.empty() ? error.message : error.message + " (" + error.hint + ")";
}

class Relay {
 public:
  Relay(RelayControl& control, ssh_session_struct* client, ssh_session_struct* target)
      : control_(control),
        client_(client),
        target_(target),
        event_(HOOP_LIBSSH(ssh_event_new)()),
        listens_(target, questions_,
                 [this](const FromRelay& frame) { return control_.send(frame); }) {}
  ~Relay() {
    // Before the sessions that they are of.
    channels_.clear();
    forwards_.clear();
    HOOP_LIBSSH(ssh_event_remove_fd)(event_.get(), control_.descriptor());
    HOOP_LIBSSH(ssh_event_remove_session)(event_.get(), client_);
    HOOP_LIBSSH(ssh_event_remove_session)(event_.get(), target_);
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  void run();

 private:
  static int on_control(socket_t, int, void* self) {
    static_cast<Relay*>(self)->hear();
    return 0;
  }
  void hear();
  void take(ToRelay frame);
  void take_messages();
  void take_message(ssh_message_struct* message);
  void take_targets_messages();
  void forward(RelayAct act, ssh_message_struct* request, ssh_session_struct* to);
  void serve();
  bool work();
  void end(const std::string& reason);

  RelayControl& control_;
  ssh_session_struct* client_;
  ssh_session_struct* target_;
  std::unique_ptr<ssh_event_struct, EventDeleter> event_;
  std::vector<std::unique_ptr<RelayChannel>> channels_;
  std::vector<std::unique_ptr<RelayForward>> forwards_;
  std::uint32_t questions_ = 0;
  RelayListens listens_;
  std::uint32_t numbers_ = 0;
  bool is_openssh_ = false;  // the client
  bool over_ = false;
  bool heard_ = false;  // the monitor, since work() began
};

void Relay::hear() {
  while (!over_) {
    auto frame = control_.poll();
    if (!frame) return end({});  // without a monitor nothing passes
    if (!*frame) return;
    heard_ = true;
    take(std::move(**frame));
  }
}

void Relay::take(ToRelay frame) {
  if (const auto* ends = std::get_if<RelayEnd>(&frame)) return end(ends->reason);
  if (const auto* verdict = std::get_if<RelayVerdict>(&frame)) {
    if (listens_.take(*verdict)) return;
    for (const auto& one : forwards_)
      if (one->take(*verdict)) return;
  }
  for (const auto& channel : channels_) {
    if (const auto* verdict = std::get_if<RelayVerdict>(&frame)) {
      if (channel->take(*verdict)) return;
    } else if (auto* masked = std::get_if<RelayMasked>(&frame)) {
      if (channel->take(*masked)) return;
    } else if (const auto* more = std::get_if<RelayMore>(&frame)) {
      if (channel->take(*more)) return;
    } else if (const auto* stop = std::get_if<RelayStop>(&frame)) {
      if (channel->take(*stop)) return;
    }
  }
  // Of a channel that has gone.
}

void Relay::end(const std::string& reason) {
  // Where the user looks; what a disconnect says is shown by some clients alone.
  for (const auto& channel : channels_) {
    if (!reason.empty()) channel->say(reason);
    channel->end_program();
  }
  over_ = true;
}

void Relay::take_messages() {
  for (;;) {
    ssh_message_struct* const message = HOOP_LIBSSH(ssh_message_get)(client_);
    if (message == nullptr) return;
    take_message(message);
  }
}

void Relay::take_message(ssh_message_struct* taken) {
  OwnedMessage message(taken);
  const int type = HOOP_LIBSSH(ssh_message_type)(taken);
  if (type == SSH_REQUEST_CHANNEL) {
    ssh_channel_struct* const of = HOOP_LIBSSH(ssh_message_channel_request_channel)(taken);
    const auto found = std::ranges::find_if(
        channels_, [of](const auto& channel) { return channel->client() == of; });
    if (found != channels_.end()) {
      (*found)->take(message.release(), is_openssh_);
      return;
    }
  }
  const int kind = HOOP_LIBSSH(ssh_message_subtype)(taken);
  if (type == SSH_REQUEST_GLOBAL &&
      (kind == SSH_GLOBAL_REQUEST_TCPIP_FORWARD || kind == SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD))
    return listens_.take(message.release());
  if (type == SSH_REQUEST_CHANNEL_OPEN && kind == SSH_CHANNEL_DIRECT_TCPIP &&
      forwards_.size() < kMostForwards)
    return forward(RelayAct::forward, message.release(), target_);
  if (type == SSH_REQUEST_CHANNEL_OPEN && kind == SSH_CHANNEL_SESSION &&
      channels_.size() < kMostClientChannels) {
    ssh_channel_struct* const opened =
        HOOP_LIBSSH(ssh_message_channel_request_open_reply_accept)(taken);
    if (opened != nullptr)
      channels_.push_back(std::make_unique<RelayChannel>(
          ++numbers_, opened, target_, questions_,
          [this](const FromRelay& frame) { return control_.send(frame); }));
    return;
  }
  HOOP_LIBSSH(ssh_message_reply_default)(taken);
}

void Relay::forward(RelayAct act, ssh_message_struct* request, ssh_session_struct* to) {
  forwards_.push_back(std::make_unique<RelayForward>(
      ++numbers_, act, request, to, questions_,
      [this](const FromRelay& frame) { return control_.send(frame); }));
}

/// A server that opens channels which nobody has asked for is refused.
void Relay::take_targets_messages() {
  for (;;) {
    OwnedMessage message(HOOP_LIBSSH(ssh_message_get)(target_));
    if (!message) return;
    if (HOOP_LIBSSH(ssh_message_type)(message.get()) == SSH_REQUEST_CHANNEL_OPEN &&
        HOOP_LIBSSH(ssh_message_subtype)(message.get()) == SSH_CHANNEL_FORWARDED_TCPIP &&
        forwards_.size() < kMostForwards) {
      const char* const address =
          HOOP_LIBSSH(ssh_message_channel_request_open_destination)(message.get());
      const int port =
          HOOP_LIBSSH(ssh_message_channel_request_open_destination_port)(message.get());
      if (listens_.has(text_of(address), static_cast<std::uint32_t>(port))) {
        forward(RelayAct::accepted, message.release(), client_);
        continue;
      }
    }
    HOOP_LIBSSH(ssh_message_reply_default)(message.get());
  }
}

bool Relay::work() {
  heard_ = false;
  if (control_.holds_frame()) hear();
  // Asked for before the programs that use it.
  bool did = listens_.work();
  if (listens_.is_broken()) over_ = true;
  for (const auto& channel : channels_) {
    did = channel->work() || did;
    if (channel->is_broken()) over_ = true;
  }
  for (const auto& one : forwards_) {
    did = one->work() || did;
    if (one->is_broken()) over_ = true;
  }
  std::erase_if(channels_, [](const auto& channel) { return channel->is_over(); });
  std::erase_if(forwards_, [](const auto& one) { return one->is_over(); });
  return did || heard_;
}

void Relay::run() {
  HOOP_LIBSSH(ssh_set_blocking)(client_, 0);
  HOOP_LIBSSH(ssh_set_blocking)(target_, 0);
  if (HOOP_LIBSSH(ssh_event_add_session)(event_.get(), client_) != SSH_OK ||
      HOOP_LIBSSH(ssh_event_add_session)(event_.get(), target_) != SSH_OK ||
      HOOP_LIBSSH(ssh_event_add_fd)(event_.get(), control_.descriptor(), POLLIN, &Relay::on_control,
                                    this) != SSH_OK)
    return;
  const char* const banner = HOOP_LIBSSH(ssh_get_clientbanner)(client_);
  is_openssh_ =
      banner != nullptr && std::string_view(banner).find("OpenSSH") != std::string_view::npos;
  serve();
  for (const auto& one : forwards_) one->leave();
}

void Relay::serve() {
  int pause = 0;
  while (!over_) {
    take_messages();
    // Before what comes to where the target listens by now.
    listens_.work();
    take_targets_messages();
    bool busy = true;
    for (int pass = 0; pass < kPasses && busy && !over_; ++pass) busy = work();
    if (over_) break;
    if (HOOP_LIBSSH(ssh_is_connected)(client_) == 0) {
      end({});  // nobody sees any more what its programs do
      break;
    }
    if (HOOP_LIBSSH(ssh_is_connected)(target_) == 0) {
      end("the target ended the connection");
      break;
    }
    // A message that some call of libssh's has taken in after its turn wakes nobody: it is looked
    // for again, the sooner the less has been quiet.
    pause = busy ? 0 : std::min(pause * 4 + 1, kLoopPause);
    if (HOOP_LIBSSH(ssh_event_dopoll)(event_.get(), pause) == SSH_ERROR) {
      // One of the sessions has gone: what it left is still moved.
      for (int pass = 0; pass < kLastPasses && work(); ++pass) {
      }
      end({});
      break;
    }
  }
}

Result<UpstreamSession> open_target(Descriptor socket, const RelaySetup& setup,
                                    const std::string& user, Random& random) {
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  if (setup.static_key.reveal().empty()) {
    HOOP_TRY(key, crypto::Ed25519Key::from_seed(setup.key));
  }
  const UpstreamLogin login{user, setup.host_keys, setup.certificate, setup.static_key.clone()};
  return UpstreamSession::open(std::move(socket), login, key, random,
                               std::chrono::seconds(setup.patience));
}

}  // namespace

int run_relay(Descriptor control_socket, Descriptor client_socket, Descriptor target_socket) {
  RelayControl control(std::move(control_socket));
  auto first = control.receive();
  auto* const setup = first ? std::get_if<RelaySetup>(&*first) : nullptr;
  if (setup == nullptr) return 70;
  // Whatever hangs before both stand, this process does not outlive it.
  ::alarm(2 * setup->patience + 5);
  // Before a byte of either peer is read. The library is there by then; a key's making has loaded
  // what the cryptography wants.
  if (auto loaded = load_libssh(); !loaded) {
    control.send(RelayFailed{loaded.error()});
    return 70;
  }
  static_cast<void>(crypto::Ed25519Key::generate());
  if (!process::confine_to_open_descriptors()) return 70;
  crypto::SystemRandom random;
  const auto failed = [&](const Error& error) {
    control.send(RelayFailed{error});
    return 69;
  };
  auto client = accept_client(std::move(client_socket), *setup, random);
  if (!client) return failed(client.error());
  auto visitor = receive_visitor(client->get(), *setup);
  if (!visitor) return failed(visitor.error());
  if (!setup->obstacle.empty()) {
    turn_away(client->get(), setup->obstacle);
    return 69;
  }
  auto target = open_target(std::move(target_socket), *setup, visitor->user, random);
  setup->key = {};
  setup->static_key = {};
  if (!target) {
    turn_away(client->get(), words_of(target.error()));
    return failed(target.error());
  }
  const RelayReady ready{visitor->user, fingerprint(target->host_key()), target->banner()};
  if (!control.send(ready)) return 70;
  HOOP_LIBSSH(ssh_message_auth_reply_success)(visitor->message.get(), 0);
  visitor->message.reset();
  ::alarm(0);
  Relay(control, client->get(), target->handle()).run();
  return 0;
}

}  // namespace hoop::ssh
