// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/upstream_session.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libssh/libssh.h>

#include "core/base/encoding.h"
#include "protocols/ssh/certificate.h"
#include "protocols/ssh/libssh.h"
#include "protocols/ssh/private_key.h"

namespace hoop::ssh {
namespace {

constexpr const char* kHostKeys =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
    "rsa-sha2-256";
// AES-GCM first: on a processor that has AES it costs half of what AES-CTR with a MAC does.
constexpr const char* kCiphers =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,"
    "aes128-ctr";
constexpr std::size_t kMaxWords = 300;  // of what a server says

struct KeyDeleter {
  void operator()(ssh_key_struct* key) const { HOOP_LIBSSH(ssh_key_free)(key); }
};
using OwnedKey = std::unique_ptr<ssh_key_struct, KeyDeleter>;

struct TextDeleter {
  void operator()(char* text) const { HOOP_LIBSSH(ssh_string_free_char)(text); }
};

std::string printable(const char* text) {
  return text == nullptr ? std::string() : neutralise(text, kMaxWords, Lines::escape);
}

/// A libssh session from its making to the host key; its own end of the socket closes with it.
class Connection {
 public:
  static Result<Connection> open(Descriptor socket, const std::string& host_keys,
                                 std::chrono::seconds patience);
  ~Connection() {
    if (session_ == nullptr) return;
    HOOP_LIBSSH(ssh_disconnect)(session_);
    HOOP_LIBSSH(ssh_free)(session_);
  }
  Connection(Connection&& other) noexcept
      : session_(std::exchange(other.session_, nullptr)),
        host_key_(std::move(other.host_key_)),
        banner_(std::move(other.banner_)) {}
  Connection& operator=(Connection&&) = delete;

  ssh_session_struct* get() const { return session_; }
  const PublicKey& host_key() const { return host_key_; }
  const std::string& banner() const { return banner_; }

 private:
  explicit Connection(ssh_session_struct* session) : session_(session) {}
  Result<void> set(ssh_options_e option, const void* value) {
    if (HOOP_LIBSSH(ssh_options_set)(session_, option, value) == 0) return {};
    return fail(ErrorCode::internal,
                fmt::format("libssh does not take option {}", static_cast<int>(option)));
  }
  Result<void> prepare(int socket, const std::string& host_keys, std::chrono::seconds patience);
  Result<void> shake_hands();

  ssh_session_struct* session_ = nullptr;
  PublicKey host_key_;
  std::string banner_;
};

Result<void> Connection::prepare(int socket, const std::string& host_keys,
                                 std::chrono::seconds patience) {
  // First: a configuration file may name a ProxyCommand.
  const bool no = false;
  HOOP_CHECK(set(SSH_OPTIONS_PROCESS_CONFIG, &no));
  HOOP_CHECK(set(SSH_OPTIONS_HOST, "target"));  // never resolved: there is a socket
  // Else it looks up who runs this, and where at home keys lie.
  HOOP_CHECK(set(SSH_OPTIONS_USER, "nobody"));
  HOOP_CHECK(set(SSH_OPTIONS_SSH_DIR, "/nonexistent"));
  const long seconds = patience.count();
  HOOP_CHECK(set(SSH_OPTIONS_TIMEOUT, &seconds));
  HOOP_CHECK(set(SSH_OPTIONS_HOSTKEYS, host_keys.c_str()));
  HOOP_CHECK(set(SSH_OPTIONS_CIPHERS_C_S, kCiphers));
  HOOP_CHECK(set(SSH_OPTIONS_CIPHERS_S_C, kCiphers));
  HOOP_CHECK(set(SSH_OPTIONS_COMPRESSION, "no"));
  HOOP_CHECK(set(SSH_OPTIONS_KNOWNHOSTS, "/dev/null"));
  HOOP_CHECK(set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null"));
  return set(SSH_OPTIONS_FD, &socket);
}

Result<void> Connection::shake_hands() {
  if (HOOP_LIBSSH(ssh_connect)(session_) != SSH_OK) {
    const std::string words = printable(HOOP_LIBSSH(ssh_get_error)(session_));
    if (words.find("imeout") != std::string::npos)
      return fail(ErrorCode::timeout, "the target has not answered as an SSH server in time",
                  "is it one, and not overloaded?");
    return std::unexpected(Error{ErrorCode::upstream_unreachable, "no SSH session with the target",
                                 "is it an SSH server? its own log says what it did not like",
                                 words});
  }
  ssh_key_struct* shown = nullptr;
  if (HOOP_LIBSSH(ssh_get_server_publickey)(session_, &shown) != SSH_OK)
    return fail(ErrorCode::upstream_unreachable, "the target has shown no host key");
  const OwnedKey key(shown);
  char* text = nullptr;
  if (HOOP_LIBSSH(ssh_pki_export_pubkey_base64)(key.get(), &text) != SSH_OK)
    return fail(ErrorCode::malformed, "the target's host key cannot be read");
  const std::unique_ptr<char, TextDeleter> base64(text);
  const char* const type = HOOP_LIBSSH(ssh_key_type_to_char)(HOOP_LIBSSH(ssh_key_type)(key.get()));
  HOOP_TRY(host_key_, parse_public_key(fmt::format("{} {}", type, base64.get())));
  banner_ = printable(HOOP_LIBSSH(ssh_get_serverbanner)(session_));
  return {};
}

Result<Connection> Connection::open(Descriptor socket, const std::string& host_keys,
                                    std::chrono::seconds patience) {
  HOOP_CHECK(load_libssh());
  Connection out(HOOP_LIBSSH(ssh_new)());
  if (out.session_ == nullptr) return fail(ErrorCode::internal, "libssh makes no session");
  HOOP_CHECK(out.prepare(socket.get(), host_keys, patience));
  socket.release();  // libssh's now: it closes it
  HOOP_CHECK(out.shake_hands());
  return out;
}

Result<OwnedKey> read_private_key(const SecretText& pem) {
  ssh_key_struct* made = nullptr;
  if (HOOP_LIBSSH(ssh_pki_import_privkey_base64)(pem.reveal().c_str(), nullptr, nullptr, nullptr,
                                                 &made) != SSH_OK)
    return fail(ErrorCode::config, "the login's key cannot be read",
                "a private key without a passphrase, as ssh-keygen writes it");
  return OwnedKey(made);
}

Result<OwnedKey> key_with_certificate(const crypto::Ed25519Key& key, ByteSpan certificate,
                                      Random& random) {
  const SecretText pem = openssh_private_key(key, random);
  ssh_key_struct* made = nullptr;
  if (HOOP_LIBSSH(ssh_pki_import_privkey_base64)(pem.reveal().c_str(), nullptr, nullptr, nullptr,
                                                 &made) != SSH_OK)
    return fail(ErrorCode::internal, "libssh does not read the session's key");
  OwnedKey own(made);
  ssh_key_struct* read = nullptr;
  if (HOOP_LIBSSH(ssh_pki_import_cert_base64)(to_base64(certificate).c_str(),
                                              SSH_KEYTYPE_ED25519_CERT01, &read) != SSH_OK)
    return fail(ErrorCode::malformed, "libssh does not read the session's certificate");
  const OwnedKey beside(read);
  if (HOOP_LIBSSH(ssh_pki_copy_cert_to_privkey)(beside.get(), own.get()) != SSH_OK)
    return fail(ErrorCode::malformed, "the certificate is for another key");
  return own;
}

}  // namespace

struct UpstreamSession::Impl {
  Connection connection;
};

UpstreamSession::UpstreamSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UpstreamSession::~UpstreamSession() = default;
UpstreamSession::UpstreamSession(UpstreamSession&&) noexcept = default;
UpstreamSession& UpstreamSession::operator=(UpstreamSession&&) noexcept = default;

const PublicKey& UpstreamSession::host_key() const { return impl_->connection.host_key(); }
const std::string& UpstreamSession::banner() const { return impl_->connection.banner(); }

ssh_session_struct* UpstreamSession::handle() const { return impl_->connection.get(); }

Result<UpstreamSession> UpstreamSession::open(Descriptor socket, const UpstreamLogin& login,
                                              const crypto::Ed25519Key& key, Random& random,
                                              std::chrono::seconds patience) {
  HOOP_TRY(Connection connection, Connection::open(std::move(socket), kHostKeys, patience));
  const std::string shown = fingerprint(connection.host_key());
  if (std::ranges::find(login.host_keys, shown) == login.host_keys.end()) {
    return fail(ErrorCode::integrity,
                fmt::format("the target shows the host key {} ({}), which is not pinned", shown,
                            connection.host_key().type),
                "compare it at the host itself: somebody may stand in between");
  }
  const bool is_static = !login.static_key.reveal().empty();
  HOOP_TRY(const OwnedKey identity,
           is_static ? read_private_key(SecretText(to_text(login.static_key.reveal())))
                     : key_with_certificate(key, login.certificate, random));
  const int answer =
      HOOP_LIBSSH(ssh_userauth_publickey)(connection.get(), login.user.c_str(), identity.get());
  if (answer == SSH_AUTH_SUCCESS)
    return UpstreamSession(std::make_unique<Impl>(Impl{std::move(connection)}));
  if (answer == SSH_AUTH_PARTIAL)
    return fail(ErrorCode::upstream_refused,
                fmt::format("the target wants more than a key of '{}'",
                            neutralise(login.user, 64, Lines::escape)),
                "AuthenticationMethods publickey in its sshd_config");
  const std::string words = printable(HOOP_LIBSSH(ssh_get_error)(connection.get()));
  if (answer == SSH_AUTH_DENIED)
    return std::unexpected(Error{
        ErrorCode::upstream_refused,
        fmt::format("the target lets nobody in as '{}' by a {} of ours",
                    neutralise(login.user, 64, Lines::escape), is_static ? "key" : "certificate"),
        is_static ? "is the user there, and the key in its authorized_keys?"
                  : "is the user there, and our authority in TrustedUserCAKeys of its sshd_config?",
        words});
  return std::unexpected(
      Error{ErrorCode::upstream_unreachable, "the target ended the login", {}, words});
}

Result<PublicKey> read_host_key(Descriptor socket, const std::string& algorithms,
                                std::chrono::seconds patience) {
  HOOP_TRY(const Connection connection, Connection::open(std::move(socket), algorithms, patience));
  return connection.host_key();
}

}  // namespace hoop::ssh
