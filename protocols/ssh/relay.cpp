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
#include "protocols/ssh/upstream_session.h"

namespace hoop::ssh {
namespace {

constexpr std::size_t kMostClientChannels = 64;
constexpr int kLoopPause = 1000;  // milliseconds, at most
constexpr int kPasses = 16;       // over what there is to do, before new requests are looked for
constexpr int kLastPasses = 1024;
constexpr int kMostLoginTries = 16;        // keys that a client's agent offers first
constexpr std::size_t kMaxParting = 1024;  // of ours to a user, names of theirs in it
// OpenSSH's client tells only servers of this name that nobody reads a channel any more.
constexpr const char* kBanner = "OpenSSH_9.2p1 hoopctl";

struct SessionDeleter {
  void operator()(ssh_session_struct* session) const {
    HOOP_LIBSSH(ssh_disconnect)(session);
    HOOP_LIBSSH(ssh_free)(session);
  }
};
using OwnedSession = std::unique_ptr<ssh_session_struct, SessionDeleter>;
struct BindDeleter {
  void operator()(ssh_bind_struct* bind) const { HOOP_LIBSSH(ssh_bind_free)(bind); }
};
struct EventDeleter {
  void operator()(ssh_event_struct* event) const { HOOP_LIBSSH(ssh_event_free)(event); }
};
struct MessageDeleter {
  void operator()(ssh_message_struct* message) const { HOOP_LIBSSH(ssh_message_free)(message); }
};
using OwnedMessage = std::unique_ptr<ssh_message_struct, MessageDeleter>;

Result<OwnedSession> accept_client(Descriptor socket, const RelaySetup& setup, Random& random) {
  HOOP_TRY(const crypto::Ed25519Key key, crypto::Ed25519Key::from_seed(setup.host_key));
  const SecretText pem = openssh_private_key(key, random);
  ssh_key_struct* host_key = nullptr;
  if (HOOP_LIBSSH(ssh_pki_import_privkey_base64)(pem.reveal().c_str(), nullptr, nullptr, nullptr,
                                                 &host_key) != SSH_OK)
    return fail(ErrorCode::internal, "libssh does not read the host key");
  const std::unique_ptr<ssh_bind_struct, BindDeleter> bind(HOOP_LIBSSH(ssh_bind_new)());
  const bool no = false;
  // The key is bind's from here on.
  if (HOOP_LIBSSH(ssh_bind_options_set)(bind.get(), SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) != 0 ||
      HOOP_LIBSSH(ssh_bind_options_set)(bind.get(), SSH_BIND_OPTIONS_BANNER, kBanner) != 0 ||
      HOOP_LIBSSH(ssh_bind_options_set)(bind.get(), SSH_BIND_OPTIONS_IMPORT_KEY, host_key) != 0)
    return fail(ErrorCode::internal, "libssh does not take the host key");
  OwnedSession session(HOOP_LIBSSH(ssh_new)());
  if (HOOP_LIBSSH(ssh_bind_accept_fd)(bind.get(), session.get(), socket.get()) != SSH_OK)
    return fail(ErrorCode::internal, "libssh does not take the client's socket");
  socket.release();
  HOOP_LIBSSH(ssh_set_auth_methods)
  (session.get(),
   SSH_AUTH_METHOD_PUBLICKEY | (setup.client_key.empty() ? SSH_AUTH_METHOD_NONE : 0));
  if (HOOP_LIBSSH(ssh_handle_key_exchange)(session.get()) != SSH_OK)
    return fail(ErrorCode::malformed, "the client made no SSH session");
  return session;
}

/// Whether the key that the client offers, or has proven, is the one.
bool is_key(ssh_message_struct* message, const Bytes& wanted) {
  char* text = nullptr;
  ssh_key_struct* const offered = HOOP_LIBSSH(ssh_message_auth_pubkey)(message);
  // A certificate would be exported as the key in it.
  if (offered == nullptr || HOOP_LIBSSH(ssh_key_type)(offered) != SSH_KEYTYPE_ED25519 ||
      HOOP_LIBSSH(ssh_pki_export_pubkey_base64)(offered, &text) != SSH_OK)
    return false;
  const std::string base64 = text;
  HOOP_LIBSSH(ssh_string_free_char)(text);
  return equal_constant_time(as_bytes(base64), as_bytes(to_base64(wanted)));
}

std::string parting(std::string_view text) { return neutralise(text, kMaxParting, Lines::escape); }

/// What the client's user reads before the login.
void say_before_login(ssh_session_struct* session, std::string_view words) {
  ssh_string_struct* const banner =
      HOOP_LIBSSH(ssh_string_from_char)(("hoopctl: " + parting(words) + "\r\n").c_str());
  if (banner == nullptr) return;
  HOOP_LIBSSH(ssh_send_issue_banner)(session, banner);
  HOOP_LIBSSH(ssh_string_free)(banner);
}

/// A client that has shown who it is, and is not let in yet.
struct Visitor {
  OwnedMessage message;
  std::string user;
};

bool proves_itself(ssh_message_struct* message, const RelaySetup& setup) {
  const int method = HOOP_LIBSSH(ssh_message_subtype)(message);
  if (setup.client_key.empty()) return method == SSH_AUTH_METHOD_NONE;
  return method == SSH_AUTH_METHOD_PUBLICKEY && is_key(message, setup.client_key) &&
         HOOP_LIBSSH(ssh_message_auth_publickey_state)(message) == SSH_PUBLICKEY_STATE_VALID;
}

bool offers_key(ssh_message_struct* message, const RelaySetup& setup) {
  return !setup.client_key.empty() &&
         HOOP_LIBSSH(ssh_message_subtype)(message) == SSH_AUTH_METHOD_PUBLICKEY &&
         HOOP_LIBSSH(ssh_message_auth_publickey_state)(message) == SSH_PUBLICKEY_STATE_NONE &&
         is_key(message, setup.client_key);
}

/// One message of the time before the login. A user: it may log in as that.
std::optional<std::string> take_login(ssh_session_struct* session, ssh_message_struct* message,
                                      const RelaySetup& setup) {
  const int type = HOOP_LIBSSH(ssh_message_type)(message);
  if (type == SSH_REQUEST_SERVICE) {
    HOOP_LIBSSH(ssh_message_service_reply_success)(message);
    return std::nullopt;
  }
  if (type == SSH_REQUEST_AUTH) {
    const char* const name = HOOP_LIBSSH(ssh_message_auth_user)(message);
    std::string user = name == nullptr ? std::string() : std::string(name);
    const bool is_theirs = std::ranges::find(setup.users, user) != setup.users.end();
    if (offers_key(message, setup)) {
      HOOP_LIBSSH(ssh_message_auth_reply_pk_ok_simple)(message);
      return std::nullopt;
    }
    if (proves_itself(message, setup)) {
      if (is_theirs) return user;
      say_before_login(session, fmt::format("you may not log in here as '{}', but as: {}", user,
                                            fmt::join(setup.users, ", ")));
    }
    // Of a refusal that names no method libssh would send nothing.
    HOOP_LIBSSH(ssh_message_auth_set_methods)(message, SSH_AUTH_METHOD_PUBLICKEY);
  }
  HOOP_LIBSSH(ssh_message_reply_default)(message);
  return std::nullopt;
}

Result<Visitor> receive_visitor(ssh_session_struct* session, const RelaySetup& setup) {
  for (int tries = 0; tries < kMostLoginTries; ++tries) {
    OwnedMessage message(HOOP_LIBSSH(ssh_message_get)(session));
    if (!message) break;
    if (auto user = take_login(session, message.get(), setup))
      return Visitor{std::move(message), std::move(*user)};
  }
  return fail(ErrorCode::unauthenticated, "the client did not log in");
}

/// Ends a client that is not let in, and tells its user why.
void turn_away(ssh_session_struct* session, std::string_view words) {
  HOOP_LIBSSH(ssh_session_set_disconnect_message)
  (session, ("hoopctl: " + parting(words)).c_str());
}

std::string words_of(const Error& error) {
  return error.hint.empty() ? error.message : error.message + " (" + error.hint + ")";
}

class Relay {
 public:
  Relay(RelayControl& control, ssh_session_struct* client, ssh_session_struct* target)
      : control_(control), client_(client), target_(target), event_(HOOP_LIBSSH(ssh_event_new)()) {}
  ~Relay() {
    // Before the sessions that they are of.
    channels_.clear();
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
  void refuse_targets_wishes();
  bool work();
  void end(const std::string& reason);

  RelayControl& control_;
  ssh_session_struct* client_;
  ssh_session_struct* target_;
  std::unique_ptr<ssh_event_struct, EventDeleter> event_;
  std::vector<std::unique_ptr<RelayChannel>> channels_;
  std::uint32_t questions_ = 0;
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
  if (type == SSH_REQUEST_CHANNEL_OPEN &&
      HOOP_LIBSSH(ssh_message_subtype)(taken) == SSH_CHANNEL_SESSION &&
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

/// A server that opens channels by itself wants what nobody has asked for.
void Relay::refuse_targets_wishes() {
  for (;;) {
    const OwnedMessage message(HOOP_LIBSSH(ssh_message_get)(target_));
    if (!message) return;
    HOOP_LIBSSH(ssh_message_reply_default)(message.get());
  }
}

bool Relay::work() {
  heard_ = false;
  bool did = false;
  for (const auto& channel : channels_) {
    did = channel->work() || did;
    if (channel->is_broken()) over_ = true;
  }
  std::erase_if(channels_, [](const auto& channel) { return channel->is_over(); });
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
  int pause = 0;
  while (!over_) {
    take_messages();
    refuse_targets_wishes();
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
