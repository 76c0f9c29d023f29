// SPDX-License-Identifier: Apache-2.0
#include "core/net/tls.h"

#include <mutex>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/net/certificate_check.h"
#include "core/net/tls_stream.h"

namespace hoop::net {
namespace {

ContextPtr make_context(const SSL_METHOD* method, int least_version) {
  ContextPtr context(SSL_CTX_new(method));
  HOOP_ASSERT(context != nullptr);
  HOOP_ASSERT(SSL_CTX_set_min_proto_version(context.get(), least_version) == 1);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // Buffers of an idle connection are given back: a gateway holds thousands.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

/// One for all clients: making one looks every algorithm up, which takes OpenSSL 3 over a
/// millisecond. What a client trusts is set on each of its connections.
SSL_CTX* client_context() {
  static const ContextPtr context = [] {
    ContextPtr made = make_context(TLS_client_method(), TLS1_2_VERSION);
    SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(made.get(), check_certificate, nullptr);
    // PostgreSQL before 18 takes P-256 alone unless told otherwise: another first group costs a
    // round trip (RFC 8446 §4.1.4).
    HOOP_ASSERT(SSL_CTX_set1_groups_list(made.get(), "P-256:X25519:P-384:P-521") == 1);
    return made;
  }();
  return context.get();
}

/// A connection that trusts store, or nothing at all without one.
SslPtr client_connection(X509_STORE* store) {
  SslPtr ssl(SSL_new(client_context()));
  HOOP_ASSERT(ssl != nullptr);
  SSL_set_connect_state(ssl.get());
  if (store != nullptr) HOOP_ASSERT(SSL_set1_verify_cert_store(ssl.get(), store) == 1);
  return ssl;
}

bool is_address(const std::string& name) {
  std::error_code error;
  asio::ip::make_address(name, error);
  return !error;
}

}  // namespace

struct TlsClient::Impl {
  StorePtr store;
  Trust::Names names = Trust::Names::check;
  std::optional<Bytes> pin;
  bool pin_is_anchor = false;
  bool wants_system_store = false;
  std::once_flag loaded;
  std::optional<Error> load_failure;

  void load_system_store() {
    std::call_once(loaded, [this] {
      auto loaded_store = system_store();
      if (loaded_store) {
        store = std::move(*loaded_store);
      } else {
        load_failure = std::move(loaded_store).error();
      }
    });
  }
};

TlsClient::TlsClient(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClient::~TlsClient() = default;
TlsClient::TlsClient(TlsClient&&) noexcept = default;
TlsClient& TlsClient::operator=(TlsClient&&) noexcept = default;

Result<TlsClient> TlsClient::create(Trust trust) {
  auto impl = std::make_shared<Impl>();
  impl->names = trust.names;
  if (trust.ca_sha256) {
    auto pin = from_hex(*trust.ca_sha256);
    if (!pin || pin->size() != 32)
      return fail(ErrorCode::config, "the pinned digest is not 64 hexadecimal digits");
    impl->pin = std::move(*pin);
    impl->pin_is_anchor = trust.ca_pem.empty();
  }
  if (!trust.ca_pem.empty()) {
    HOOP_TRY(impl->store, store_from_pem(trust.ca_pem));
  }
  impl->wants_system_store = trust.ca_pem.empty() && !trust.ca_sha256;
  return TlsClient(std::move(impl));
}

Task<StreamPtr> TlsClient::handshake(StreamPtr stream, std::string server_name, std::string alpn,
                                     Deadline deadline) const {
  const auto impl = impl_;
  if (impl->wants_system_store) {
    impl->load_system_store();
    if (impl->load_failure) co_return std::unexpected(*impl->load_failure);
  }
  SslPtr ssl = client_connection(impl->store.get());
  if (!server_name.empty() && !is_address(server_name))
    SSL_set_tlsext_host_name(ssl.get(), server_name.c_str());
  if (!alpn.empty()) {
    HOOP_ASSERT(alpn.size() < 256);
    const auto list = static_cast<char>(alpn.size()) + alpn;
    SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
  auto check = std::make_shared<CertificateCheck>(CertificateCheck{
      std::move(server_name), impl->names, impl->pin, impl->pin_is_anchor, {}, {}});
  co_return co_await shake_hands(std::make_shared<TlsState>(std::move(stream), std::move(ssl)),
                                 std::move(check), deadline);
}

Task<std::string> TlsClient::presented_authority(StreamPtr stream, std::string server_name,
                                                 Deadline deadline) {
  // A pin that nothing fits: the handshake fails after the chain has been seen, and before anything
  // is said.
  HOOP_CO_TRY(const TlsClient client,
              create(Trust{{}, std::string(64, '0'), Trust::Names::ignore}));
  SslPtr ssl = client_connection(nullptr);
  if (!is_address(server_name)) SSL_set_tlsext_host_name(ssl.get(), server_name.c_str());
  auto check = std::make_shared<CertificateCheck>(CertificateCheck{
      std::move(server_name), client.impl_->names, client.impl_->pin, true, {}, {}});
  auto shaken = co_await shake_hands(std::make_shared<TlsState>(std::move(stream), std::move(ssl)),
                                     check, deadline);
  if (check->presented_authority.empty()) {
    co_return shaken ? fail(ErrorCode::io, "the server presents no certificate")
                     : std::unexpected(std::move(shaken).error());
  }
  co_return to_hex(check->presented_authority);
}

struct TlsServer::Impl {
  ContextPtr context;
};

TlsServer::TlsServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServer::~TlsServer() = default;
TlsServer::TlsServer(TlsServer&&) noexcept = default;
TlsServer& TlsServer::operator=(TlsServer&&) noexcept = default;

Result<TlsServer> TlsServer::create(const ServerCertificate& certificate) {
  auto impl = std::make_shared<Impl>();
  impl->context = make_context(TLS_server_method(), TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(impl->context.get(), 0);
  ERR_clear_error();
  const auto chain = bio_over(certificate.chain_pem);
  const CertificatePtr leaf(PEM_read_bio_X509(chain.get(), nullptr, no_password, nullptr));
  if (!leaf || SSL_CTX_use_certificate(impl->context.get(), leaf.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::config, "the server certificate cannot be read",
                "it must be in PEM form");
  }
  while (CertificatePtr issuer{PEM_read_bio_X509(chain.get(), nullptr, no_password, nullptr)}) {
    if (SSL_CTX_add0_chain_cert(impl->context.get(), issuer.get()) == 1)
      static_cast<void>(issuer.release());
  }
  const auto key_text = bio_over(certificate.key_pem.reveal());
  const PrivateKeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_password, nullptr));
  if (!key) {
    ERR_clear_error();
    return fail(ErrorCode::config, "the server's private key cannot be read",
                "it must be in PEM form, without a passphrase");
  }
  if (SSL_CTX_use_PrivateKey(impl->context.get(), key.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::config, "the server's private key does not belong to its certificate");
  }
  ERR_clear_error();
  return TlsServer(std::move(impl));
}

Task<StreamPtr> TlsServer::handshake(StreamPtr stream, Deadline deadline) const {
  SslPtr ssl(SSL_new(impl_->context.get()));
  HOOP_ASSERT(ssl != nullptr);
  SSL_set_accept_state(ssl.get());
  return shake_hands(std::make_shared<TlsState>(std::move(stream), std::move(ssl)), nullptr,
                     deadline);
}

}  // namespace hoop::net
