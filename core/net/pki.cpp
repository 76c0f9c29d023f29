// SPDX-License-Identifier: Apache-2.0
// generate_pki and certificate_sha256: the certificates that `gateway init` and the tests make.
#include <array>

#include <openssl/rand.h>

#include "core/base/encoding.h"
#include "core/net/certificate_check.h"
#include "core/net/tls.h"

namespace hoop::net {
namespace {

using std::chrono::days;

constexpr days kAuthorityLife{3650};
// The longest that common clients accept for a leaf.
constexpr days kLeafLife{825};
// Clients whose clock is a little behind must not be turned away on the first day.
constexpr std::chrono::minutes kBackdate{60};

PrivateKeyPtr make_key() {
  PrivateKeyPtr key(EVP_EC_gen("P-256"));
  HOOP_ASSERT(key != nullptr);
  return key;
}

CertificatePtr blank(const std::string& common_name, EVP_PKEY* key, SystemTime now, days life) {
  CertificatePtr certificate(X509_new());
  HOOP_ASSERT(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  std::array<unsigned char, 16> serial{};
  HOOP_ASSERT(RAND_bytes(serial.data(), static_cast<int>(serial.size())) == 1);
  serial[0] =
      static_cast<unsigned char>((serial[0] & 0x7f) | 0x40);  // positive, and always 16 bytes
  BIGNUM* number = BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
  HOOP_ASSERT(number != nullptr &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get())) != nullptr);
  BN_free(number);
  const auto seconds = [](SystemTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  };
  HOOP_ASSERT(ASN1_TIME_set(X509_getm_notBefore(certificate.get()), seconds(now - kBackdate)) !=
              nullptr);
  HOOP_ASSERT(ASN1_TIME_set(X509_getm_notAfter(certificate.get()), seconds(now + life)) != nullptr);
  HOOP_ASSERT(X509_set_pubkey(certificate.get(), key) == 1);
  // RFC 5280: at most 64 characters in a common name.
  const auto name = common_name.substr(0, 64);
  HOOP_ASSERT(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN",
                                         MBSTRING_UTF8,
                                         reinterpret_cast<const unsigned char*>(name.data()),
                                         static_cast<int>(name.size()), -1, 0) == 1);
  return certificate;
}

void extend(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  HOOP_ASSERT(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

// Built as objects and not as OpenSSL's configuration text, in which a comma in a name would begin
// another name.
void add_names(X509* certificate, const std::vector<std::string>& names) {
  const NamesPtr list(GENERAL_NAMES_new());
  for (const auto& name : names) {
    GENERAL_NAME* entry = GENERAL_NAME_new();
    HOOP_ASSERT(entry != nullptr);
    if (ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str())) {
      GENERAL_NAME_set0_value(entry, GEN_IPADD, address);
    } else {
      ASN1_IA5STRING* text = ASN1_IA5STRING_new();
      HOOP_ASSERT(text != nullptr &&
                  ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) == 1);
      GENERAL_NAME_set0_value(entry, GEN_DNS, text);
    }
    HOOP_ASSERT(sk_GENERAL_NAME_push(list.get(), entry) > 0);
  }
  HOOP_ASSERT(
      X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) == 1);
}

std::string taken_from(BIO* bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(length));
  wipe(data, static_cast<std::size_t>(length));
  return out;
}

std::string to_pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  HOOP_ASSERT(bio != nullptr && PEM_write_bio_X509(bio.get(), certificate) == 1);
  return taken_from(bio.get());
}

SecretText to_pem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  HOOP_ASSERT(bio != nullptr && PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0,
                                                              nullptr, nullptr) == 1);
  return SecretText(taken_from(bio.get()));
}

}  // namespace

GeneratedPki generate_pki(const std::string& common_name, const std::vector<std::string>& names,
                          SystemTime now) {
  HOOP_ASSERT(!names.empty());
  const auto ca_key = make_key();
  const auto ca = blank(common_name, ca_key.get(), now, kAuthorityLife);
  HOOP_ASSERT(X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get())) == 1);
  extend(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
  HOOP_ASSERT(X509_sign(ca.get(), ca_key.get(), EVP_sha256()) != 0);

  const auto key = make_key();
  const auto leaf = blank(names.front(), key.get(), now, kLeafLife);
  HOOP_ASSERT(X509_set_issuer_name(leaf.get(), X509_get_subject_name(ca.get())) == 1);
  extend(leaf.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  extend(leaf.get(), ca.get(), NID_key_usage, "critical,digitalSignature");
  extend(leaf.get(), ca.get(), NID_ext_key_usage, "serverAuth");
  extend(leaf.get(), ca.get(), NID_subject_key_identifier, "hash");
  extend(leaf.get(), ca.get(), NID_authority_key_identifier, "keyid:always");
  add_names(leaf.get(), names);
  HOOP_ASSERT(X509_sign(leaf.get(), ca_key.get(), EVP_sha256()) != 0);

  auto ca_pem = to_pem(ca.get());
  auto chain_pem = to_pem(leaf.get()) + ca_pem;
  return {std::move(ca_pem), to_pem(ca_key.get()), std::move(chain_pem), to_pem(key.get()),
          to_hex(sha256_of(ca.get()))};
}

Result<std::string> certificate_sha256(std::string_view pem) {
  ERR_clear_error();
  const auto bio = bio_over(pem);
  const CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (!certificate) return fail(ErrorCode::malformed, "this is not a certificate in PEM form");
  return to_hex(sha256_of(certificate.get()));
}

}  // namespace hoop::net
