// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_login.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "core/base/encoding.h"
#include "protocols/ssh/private_key.h"

namespace hoop::ssh {
namespace {

constexpr int kMostLoginTries = 16;        // keys that a client's agent offers first
constexpr std::size_t kMaxParting = 1024;  // of ours to a user, names of theirs in it
// OpenSSH's client tells only servers of this name that nobody reads a channel any more.
constexpr const char* kBanner = "OpenSSH_9.2p1 hoopctl";

struct BindDeleter {
  void operator()(ssh_bind_struct* bind) const { HOOP_LIBSSH(ssh_bind_free)(bind); }
};
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

}  // namespace

void SessionDeleter::operator()(ssh_session_struct* session) const {
  HOOP_LIBSSH(ssh_disconnect)(session);
  HOOP_LIBSSH(ssh_free)(session);
}

void MessageDeleter::operator()(ssh_message_struct* message) const {
  HOOP_LIBSSH(ssh_message_free)(message);
}

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

Result<Visitor> receive_visitor(ssh_session_struct* session, const RelaySetup& setup) {
  for (int tries = 0; tries < kMostLoginTries; ++tries) {
    OwnedMessage message(HOOP_LIBSSH(ssh_message_get)(session));
    if (!message) break;
    if (auto user = take_login(session, message.get(), setup))
      return Visitor{std::move(message), std::move(*user)};
  }
  return fail(ErrorCode::unauthenticated, "the client did not log in");
}

void turn_away(ssh_session_struct* session, std::string_view words) {
  HOOP_LIBSSH(ssh_session_set_disconnect_message)
  (session, ("hoopctl: " + parting(words)).c_str());
}

}  // namespace hoop::ssh
