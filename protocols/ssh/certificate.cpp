// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/certificate.h"

#include <algorithm>
#include <limits>

#include "core/base/encoding.h"
#include "protocols/ssh/wire.h"

namespace hoop::ssh {
namespace {

constexpr std::uint32_t kUser = 1;
constexpr std::size_t kNonceBytes = 32;
constexpr std::size_t kMaxBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxEntries = 256;  // as OpenSSH: SSHKEY_CERT_MAX_PRINCIPALS
constexpr std::size_t kSignatureBytes = 64;

std::unexpected<Error> bad(std::string why) {
  return fail(ErrorCode::malformed, "SSH certificate: " + std::move(why));
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

std::int64_t seconds_of(SystemTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// name, and data that is itself a string; or, for an option that is only there or not, empty.
void write_options(ByteWriter& writer, const std::map<std::string, std::string>& options) {
  Bytes list;
  ByteWriter entries(list);
  // In the order of their names, as the format wants them: a map has them so.
  for (const auto& [name, value] : options) {
    write_string(entries, name);
    Bytes data;
    if (!value.empty()) {
      ByteWriter inner(data);
      write_string(inner, value);
    }
    write_string(entries, ByteSpan(data));
  }
  write_string(writer, ByteSpan(list));
}

std::optional<std::map<std::string, std::string>> read_options(ByteSpan list) {
  std::map<std::string, std::string> out;
  ByteReader reader(list);
  std::string before;
  while (!reader.empty()) {
    const auto name = read_string(reader), data = read_string(reader);
    if (!name || !data || out.size() == kMaxEntries) return std::nullopt;
    const std::string text = to_text(*name);
    if (text.empty() || has_nul(text) || text <= before) return std::nullopt;  // sorted, each once
    std::string value;
    if (!data->empty()) {
      ByteReader inner(*data);
      const auto inside = read_string(inner);
      // An empty value would be written as none at all.
      if (!inside || inside->empty() || !inner.empty()) return std::nullopt;
      value = to_text(*inside);
      if (has_nul(value)) return std::nullopt;
    }
    out.emplace(text, std::move(value));
    before = text;
  }
  return out;
}

std::optional<std::vector<std::string>> read_principals(ByteSpan list) {
  std::vector<std::string> out;
  ByteReader reader(list);
  while (!reader.empty()) {
    const auto name = read_string(reader);
    if (!name || name->empty() || out.size() == kMaxEntries) return std::nullopt;
    out.push_back(to_text(*name));
    if (has_nul(out.back())) return std::nullopt;
  }
  if (out.empty()) return std::nullopt;
  return out;
}

/// Of what SystemTime can hold; OpenSSH's "forever" is beyond it.
std::optional<SystemTime> read_time(ByteReader& reader) {
  constexpr std::uint64_t kLatest = 253'402'300'799;  // the end of the year 9999
  const auto seconds = reader.u64();
  if (!seconds || *seconds > kLatest) return std::nullopt;
  return SystemTime(std::chrono::seconds(static_cast<std::int64_t>(*seconds)));
}

Result<void> check(const CertificateTerms& terms) {
  if (terms.principals.empty() || terms.principals.size() > kMaxEntries)
    return bad("it must name somebody");
  for (const std::string& principal : terms.principals) {
    if (principal.empty() || has_nul(principal)) return bad("a principal has no name");
  }
  if (has_nul(terms.key_id)) return bad("its key id holds a NUL");
  if (seconds_of(terms.valid_after) < 0 ||
      seconds_of(terms.valid_before) <= seconds_of(terms.valid_after))
    return bad("it is valid at no time");
  for (const auto* options : {&terms.critical_options, &terms.extensions}) {
    if (options->size() > kMaxEntries) return bad("it has too many options");
    for (const auto& [name, value] : *options) {
      if (name.empty() || has_nul(name) || has_nul(value)) return bad("an option is no text");
    }
  }
  return {};
}

}  // namespace

Result<Bytes> sign_certificate(const crypto::Ed25519PublicKey& key, const CertificateTerms& terms,
                               const crypto::Ed25519Key& authority, Random& random) {
  HOOP_CHECK(check(terms));
  Bytes out;
  ByteWriter writer(out);
  write_string(writer, kEd25519Certificate);
  write_string(writer, ByteSpan(random.bytes(kNonceBytes)));
  write_string(writer, ByteSpan(key));
  writer.u64(terms.serial);
  writer.u32(kUser);
  write_string(writer, terms.key_id);
  Bytes principals;
  ByteWriter names(principals);
  for (const std::string& principal : terms.principals) write_string(names, principal);
  write_string(writer, ByteSpan(principals));
  writer.u64(static_cast<std::uint64_t>(seconds_of(terms.valid_after)));
  writer.u64(static_cast<std::uint64_t>(seconds_of(terms.valid_before)));
  write_options(writer, terms.critical_options);
  write_options(writer, terms.extensions);
  write_string(writer, std::string_view());  // reserved
  write_string(writer, ByteSpan(public_key(authority.public_key()).blob));
  Bytes signature;
  ByteWriter signed_by(signature);
  write_string(signed_by, kEd25519);
  write_string(signed_by, ByteSpan(authority.sign(out)));
  write_string(writer, ByteSpan(signature));
  if (out.size() > kMaxBytes) return bad("it is longer than 64 KiB");
  return out;
}

Result<Certificate> parse_certificate(ByteSpan blob) {
  if (blob.size() > kMaxBytes) return bad("it is longer than 64 KiB");
  ByteReader reader(blob);
  const auto type = read_string(reader);
  if (!type || as_text(*type) != kEd25519Certificate) return bad("it is not one of an Ed25519 key");
  const auto nonce = read_string(reader), key = read_string(reader);
  const auto serial = reader.u64();
  const auto kind = reader.u32();
  const auto key_id = read_string(reader), principals = read_string(reader);
  const auto after = read_time(reader), before = read_time(reader);
  const auto critical = read_string(reader), extensions = read_string(reader);
  const auto reserved = read_string(reader), authority = read_string(reader);
  const std::size_t signed_bytes = blob.size() - reader.size();
  const auto signature = read_string(reader);
  // Each of them: what one field has not, the next one of another type may still read.
  const bool is_whole = nonce && key && serial && kind && key_id && principals && critical &&
                        extensions && reserved && authority && signature;
  if (!is_whole || !reader.empty()) return bad("it is cut off, or goes on after its signature");
  if (nonce->empty() || key->size() != 32) return bad("its key has not 32 bytes");
  if (*kind != kUser) return bad("it is not for a user");
  if (!reserved->empty()) return bad("it holds what is not known");

  Certificate out;
  std::ranges::copy(*key, out.key.begin());
  out.terms.serial = *serial;
  out.terms.key_id = to_text(*key_id);
  auto names = read_principals(*principals);
  auto options = read_options(*critical), permits = read_options(*extensions);
  if (!names || !options || !permits || !after || !before) return bad("its terms are not valid");
  out.terms.principals = std::move(*names);
  out.terms.valid_after = *after;
  out.terms.valid_before = *before;
  out.terms.critical_options = std::move(*options);
  out.terms.extensions = std::move(*permits);
  HOOP_CHECK(check(out.terms));

  ByteReader signer(*authority);
  const auto signer_type = read_string(signer), signer_key = read_string(signer);
  if (!signer_key || as_text(*signer_type) != kEd25519 || signer_key->size() != 32 ||
      !signer.empty())
    return bad("it is not signed by an Ed25519 key");
  ByteReader signed_by(*signature);
  const auto algorithm = read_string(signed_by), bytes = read_string(signed_by);
  if (!bytes || as_text(*algorithm) != kEd25519 || bytes->size() != kSignatureBytes ||
      !signed_by.empty())
    return bad("its signature is not one by Ed25519");
  crypto::Ed25519PublicKey raw{};
  std::ranges::copy(*signer_key, raw.begin());
  if (!crypto::verify_ed25519(raw, blob.first(signed_bytes), *bytes))
    return fail(ErrorCode::integrity, "SSH certificate: its signature is wrong");
  out.authority = public_key(raw);
  return out;
}

std::string certificate_line(ByteSpan blob, std::string_view comment) {
  std::string out(kEd25519Certificate);
  out.append(" ").append(to_base64(blob));
  if (!comment.empty()) out.append(" ").append(comment);
  return out;
}

}  // namespace hoop::ssh
