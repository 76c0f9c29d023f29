// SPDX-License-Identifier: Apache-2.0
#include "core/net/certificate_check.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/net/asio.h"

namespace hoop::net {
namespace {

constexpr std::size_t kMaxShownName = 100;
constexpr int kMaxShownNames = 3;

// Names in a certificate are the peer's words.
std::string quoted(std::string_view name) {
  return fmt::format("'{}'", neutralise(name, kMaxShownName, Lines::escape));
}

std::string common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int length =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (length < 0) return {};
  std::string out(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length));
  OPENSSL_free(text);
  return out;
}

std::string text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

std::string address_text(const ASN1_OCTET_STRING* value) {
  const auto* bytes = ASN1_STRING_get0_data(value);
  if (ASN1_STRING_length(value) == 4) {
    asio::ip::address_v4::bytes_type raw;
    std::copy_n(bytes, raw.size(), raw.begin());
    return asio::ip::address_v4(raw).to_string();
  }
  if (ASN1_STRING_length(value) == 16) {
    asio::ip::address_v6::bytes_type raw;
    std::copy_n(bytes, raw.size(), raw.begin());
    return asio::ip::address_v6(raw).to_string();
  }
  return "?";
}

// "'a', 'b' and 3 more".
std::string names_of(X509* certificate) {
  std::string out;
  int shown = 0;
  int more = 0;
  const auto add = [&](const std::string& name) {
    if (shown == kMaxShownNames) {
      ++more;
      return;
    }
    out += (shown++ == 0 ? "" : ", ") + quoted(name);
  };
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) add(text_of(name->d.dNSName));
    if (name->type == GEN_IPADD) add(address_text(name->d.iPAddress));
  }
  if (shown == 0) add(common_name(X509_get_subject_name(certificate)));
  return more == 0 ? out : fmt::format("{} and {} more", out, more);
}

std::string date_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "?";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

Error refusal(X509_STORE_CTX* chain, const CertificateCheck& check) {
  const int reason = X509_STORE_CTX_get_error(chain);
  X509* bad = X509_STORE_CTX_get_current_cert(chain);
  X509* leaf = X509_STORE_CTX_get0_cert(chain);
  if (bad == nullptr) bad = leaf;
  const auto whose =
      bad == leaf || X509_STORE_CTX_get_error_depth(chain) == 0
          ? fmt::format("the certificate of {}", quoted(check.server_name))
          : fmt::format("the authority {} of {}", quoted(common_name(X509_get_subject_name(bad))),
                        quoted(check.server_name));
  const auto refuse = [](std::string message, std::string hint = {}) {
    return Error{ErrorCode::integrity, std::move(message), std::move(hint), {}};
  };
  switch (reason) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return refuse(fmt::format("{} has expired (on {})", whose, date_of(X509_get0_notAfter(bad))),
                    "it must be renewed on the server; check this machine's clock too");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return refuse(
          fmt::format("{} is not valid yet (from {})", whose, date_of(X509_get0_notBefore(bad))),
          "check this machine's clock");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return refuse(
          fmt::format("the certificate is for {}, not {}", names_of(leaf),
                      quoted(check.server_name)),
          "use a name that the certificate holds, or check that this is the right server");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      return refuse(fmt::format("{} is not accepted: its issuer is not trusted ({})", whose,
                                quoted(common_name(X509_get_issuer_name(bad)))),
                    "if it is the right server, give the certificate of its authority");
    default:
      return refuse(
          fmt::format("{} is not accepted: {}", whose, X509_verify_cert_error_string(reason)));
  }
}

X509* find_pinned(const STACK_OF(X509) * certificates, const Bytes& pin) {
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    X509* certificate = sk_X509_value(certificates, i);
    if (sha256_of(certificate) == pin) return certificate;
  }
  return nullptr;
}

Error not_pinned(X509_STORE_CTX* chain, const CertificateCheck& check) {
  const auto* presented = X509_STORE_CTX_get0_untrusted(chain);
  const int count = sk_X509_num(presented);
  auto hint = std::string("compare with the digest that its operator gives");
  if (count > 0)
    hint = fmt::format("its last certificate has SHA-256 {}; {}",
                       to_hex(sha256_of(sk_X509_value(presented, count - 1))), hint);
  return {ErrorCode::integrity,
          fmt::format("the certificate of {} is not the pinned one, nor issued by it",
                      quoted(check.server_name)),
          std::move(hint),
          {}};
}

bool expect_name(X509_VERIFY_PARAM* parameters, const std::string& name) {
  // An empty name would switch OpenSSL's check off, and a NUL at its end would be dropped.
  if (name.empty() || name.find('\0') != std::string::npos) return false;
  std::error_code not_address;
  asio::ip::make_address(name, not_address);
  if (!not_address) return X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(parameters, name.data(), name.size()) == 1;
}

bool verify(X509_STORE_CTX* chain, CertificateCheck& check) {
  const auto* presented = X509_STORE_CTX_get0_untrusted(chain);
  if (const int count = sk_X509_num(presented); count > 0)
    check.presented_authority = sha256_of(sk_X509_value(presented, count - 1));
  auto* parameters = X509_STORE_CTX_get0_param(chain);
  if (check.names == Trust::Names::check && !expect_name(parameters, check.server_name)) {
    check.refusal =
        Error{ErrorCode::integrity,
              fmt::format("{} is no name that a certificate could hold", quoted(check.server_name)),
              {},
              {}};
    return false;
  }
  // An authority that was named is trusted as it stands, also when it is an intermediate or the
  // leaf.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  std::unique_ptr<STACK_OF(X509),
                  crypto::FreeWith<[](STACK_OF(X509) * stack) { sk_X509_free(stack); }>>
      anchors(sk_X509_new_null());
  if (check.pin_is_anchor) {
    X509* pinned = find_pinned(X509_STORE_CTX_get0_untrusted(chain), *check.pin);
    if (pinned == nullptr) {
      check.refusal = not_pinned(chain, check);
      return false;
    }
    sk_X509_push(anchors.get(), pinned);
    X509_STORE_CTX_set0_trusted_stack(chain, anchors.get());
  }
  const int verdict = X509_verify_cert(chain);
  if (verdict != 1) {
    check.refusal = refusal(chain, check);
    return false;
  }
  if (check.pin && find_pinned(X509_STORE_CTX_get0_chain(chain), *check.pin) == nullptr) {
    check.refusal = not_pinned(chain, check);
    return false;
  }
  return true;
}

}  // namespace

int check_certificate(X509_STORE_CTX* chain, void*) {
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* check = static_cast<CertificateCheck*>(SSL_get_app_data(ssl));
  HOOP_ASSERT(check != nullptr);
  if (verify(chain, *check)) return 1;
  // The alert that the server gets follows from this code.
  if (X509_STORE_CTX_get_error(chain) == X509_V_OK)
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_UNTRUSTED);
  return 0;
}

Result<StorePtr> store_from_pem(std::string_view pem) {
  StorePtr store(X509_STORE_new());
  HOOP_ASSERT(store != nullptr);
  const auto bio = bio_over(pem);
  int count = 0;
  ERR_clear_error();
  while (const CertificatePtr certificate{
      PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)}) {
    X509_STORE_add_cert(store.get(), certificate.get());
    ++count;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (count == 0) return fail(ErrorCode::config, "the CA file holds no certificate in PEM form");
  if (!at_end)
    return fail(ErrorCode::config,
                fmt::format("certificate {} of the CA file cannot be read", count + 1));
  return store;
}

Result<StorePtr> system_store() {
  constexpr std::array kBundles{
      "/etc/ssl/certs/ca-certificates.crt",  // Debian, Alpine, Arch
      "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, RHEL
      "/etc/ssl/ca-bundle.pem",              // SUSE
      "/etc/ssl/cert.pem",                   // BSD, macOS
  };
  for (const char* path : kBundles) {
    StorePtr store(X509_STORE_new());
    HOOP_ASSERT(store != nullptr);
    const int loaded = X509_STORE_load_file(store.get(), path);
    ERR_clear_error();
    if (loaded == 1) return store;
  }
  return fail(ErrorCode::config, "this machine has no bundle of trusted authorities",
              "install the package ca-certificates, or give the server's authority");
}

Bytes sha256_of(X509* certificate) {
  Bytes out(32);
  unsigned length = 0;
  HOOP_ASSERT(X509_digest(certificate, EVP_sha256(), out.data(), &length) == 1 &&
              length == out.size());
  return out;
}

}  // namespace hoop::net
