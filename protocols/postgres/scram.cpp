// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/scram.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/encoding.h"
#include "protocols/postgres/scram_text.h"

namespace hoop::postgres {

using detail::ScramAttributes;

namespace {

std::unexpected<Error> malformed(std::string_view message, std::string_view what) {
  return fail(ErrorCode::malformed,
              fmt::format("SCRAM {} message: {} is not valid", message, what));
}

std::unexpected<Error> too_long(std::string_view message) {
  return fail(ErrorCode::too_large, fmt::format("SCRAM {} message is above the limit of {} bytes",
                                                message, kMaxScramMessageBytes));
}

std::unexpected<Error> out_of_turn() {
  return fail(ErrorCode::malformed, "SCRAM message out of turn");
}

std::string auth_message(std::string_view first_bare, std::string_view server_first,
                         std::string_view final_without_proof) {
  return fmt::format("{},{},{}", first_bare, server_first, final_without_proof);
}

/// What both sides derive from the password: RFC 5802 §3.
struct ClientKeys {
  SecretBytes client_key;
  crypto::Digest256 stored_key{};
  crypto::Digest256 server_key{};
};

ClientKeys derive_keys(std::string_view password, ByteSpan salt, std::uint32_t iterations) {
  crypto::Digest256 salted = crypto::pbkdf2_sha256(as_bytes(password), salt, iterations);
  crypto::Digest256 client_key = crypto::hmac_sha256(salted, as_bytes("Client Key"));
  ClientKeys keys;
  keys.stored_key = crypto::sha256(client_key);
  keys.server_key = crypto::hmac_sha256(salted, as_bytes("Server Key"));
  keys.client_key = SecretBytes(Bytes(client_key.begin(), client_key.end()));
  wipe(salted.data(), salted.size());
  wipe(client_key.data(), client_key.size());
  return keys;
}

crypto::Digest256 to_digest(ByteSpan bytes) {
  crypto::Digest256 out{};
  HOOP_ASSERT(bytes.size() == out.size());
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

}  // namespace

std::string make_scram_nonce(Random& random) { return to_base64(random.bytes(18)); }

ScramVerifier make_scram_verifier(const SecretText& password, ByteSpan salt,
                                  std::uint32_t iterations) {
  HOOP_ASSERT(detail::is_ascii(password.reveal()) && !password.empty());
  HOOP_ASSERT(iterations >= 1 && iterations <= kMaxScramIterations && !salt.empty() &&
              salt.size() <= kMaxScramSaltBytes);
  const ClientKeys keys = derive_keys(password.reveal(), salt, iterations);
  return {iterations, Bytes(salt.begin(), salt.end()), keys.stored_key, keys.server_key};
}

std::string scram_verifier(const SecretText& password, ByteSpan salt, std::uint32_t iterations) {
  const ScramVerifier verifier = make_scram_verifier(password, salt, iterations);
  return fmt::format("{}${}:{}${}:{}", kScramSha256, iterations, to_base64(salt),
                     to_base64(verifier.stored_key), to_base64(verifier.server_key));
}

// ---- The client ----

ScramClient::ScramClient(SecretText password, Terms terms, bool plus)
    : password_(std::move(password)), terms_(std::move(terms)), plus_(plus) {
  if (plus_) {
    gs2_header_ = "p=tls-server-end-point,,";
  } else {
    // 'y' says: I could bind, you do not seem to. A server that did offer it then knows that
    // somebody took the offer out.
    gs2_header_ = terms_.server_end_point.empty() ? "n,," : "y,,";
  }
}

Result<ScramClient> ScramClient::start(std::span<const std::string_view> offered,
                                       SecretText password, Terms terms) {
  HOOP_ASSERT(detail::is_scram_nonce(terms.nonce));
  const auto offers = [&](std::string_view name) {
    return std::find(offered.begin(), offered.end(), name) != offered.end();
  };
  const bool plus = !terms.server_end_point.empty() && offers(kScramSha256Plus);
  if (!plus && !offers(kScramSha256)) {
    return fail(
        ErrorCode::unsupported, "the server offers no SCRAM mechanism that fits this connection",
        "set password_encryption = 'scram-sha-256' and a scram-sha-256 line in pg_hba.conf");
  }
  if (!detail::is_ascii(password.reveal())) {
    return fail(ErrorCode::unsupported,
                "a password with characters outside ASCII needs SASLprep, which is not done here",
                "give this role a password of ASCII characters");
  }
  return ScramClient(std::move(password), std::move(terms), plus);
}

std::string ScramClient::first_bare() const {
  return fmt::format("n={},r={}", detail::escape_scram_name(terms_.user), terms_.nonce);
}

std::string ScramClient::first_message() const { return gs2_header_ + first_bare(); }

Result<std::string> ScramClient::answer(std::string_view server_first) {
  if (step_ != Step::start) return out_of_turn();
  step_ = Step::failed;
  if (server_first.size() > kMaxScramMessageBytes) return too_long("server-first");
  ScramAttributes in(server_first);
  const auto nonce = in.take('r');
  if (!nonce || !detail::is_scram_nonce(*nonce)) return malformed("server-first", "nonce");
  if (!nonce->starts_with(terms_.nonce) || nonce->size() == terms_.nonce.size()) {
    return fail(ErrorCode::integrity,
                "SCRAM server-first message: the nonce is not an extension of ours");
  }
  const auto salt_text = in.take('s');
  const auto salt = salt_text ? from_base64(*salt_text) : std::nullopt;
  if (!salt || salt->empty() || salt->size() > kMaxScramSaltBytes)
    return malformed("server-first", "salt");
  const auto count_text = in.take('i');
  const auto iterations = count_text ? detail::parse_scram_number(*count_text) : std::nullopt;
  if (!iterations) return malformed("server-first", "iteration count");
  if (*iterations > kMaxScramIterations) {
    return fail(
        ErrorCode::too_large,
        fmt::format("SCRAM with {} iterations, {} at most", *iterations, kMaxScramIterations),
        "lower scram_iterations on the server and set the password again");
  }
  if (!in.skip_extensions()) return malformed("server-first", "extension");

  Bytes bound = to_bytes(gs2_header_);
  if (plus_)
    bound.insert(bound.end(), terms_.server_end_point.begin(), terms_.server_end_point.end());
  const std::string without_proof = fmt::format("c={},r={}", to_base64(bound), *nonce);
  const std::string signed_text = auth_message(first_bare(), server_first, without_proof);
  const ClientKeys keys = derive_keys(password_.reveal(), *salt, *iterations);
  password_ = SecretText();
  const auto client_signature = crypto::hmac_sha256(keys.stored_key, as_bytes(signed_text));
  server_signature_ = crypto::hmac_sha256(keys.server_key, as_bytes(signed_text));
  step_ = Step::answered;
  const auto proof = detail::exclusive_or(to_digest(keys.client_key.reveal()), client_signature);
  return fmt::format("{},p={}", without_proof, to_base64(proof));
}

Result<void> ScramClient::verify(std::string_view server_final) {
  if (step_ != Step::answered) return out_of_turn();
  step_ = Step::failed;
  if (server_final.size() > kMaxScramMessageBytes) return too_long("server-final");
  ScramAttributes in(server_final);
  if (const auto error = in.take('e')) {
    auto refused = Error{
        ErrorCode::unauthenticated, "the server refused the SCRAM proof", {}, std::string(*error)};
    return std::unexpected(std::move(refused));
  }
  const auto text = in.take('v');
  const auto signature = text ? detail::parse_scram_digest(*text) : std::nullopt;
  if (!signature || !in.skip_extensions()) return malformed("server-final", "signature");
  if (!equal_constant_time(*signature, server_signature_)) {
    return fail(ErrorCode::integrity, "the server could not prove that it knows the password",
                "this may not be the server that the credential is for");
  }
  step_ = Step::verified;
  return {};
}

// ---- The server ----

Result<std::string> ScramServer::first(std::string_view client_first) {
  if (step_ != Step::start) return out_of_turn();
  step_ = Step::done;
  if (client_first.size() > kMaxScramMessageBytes) return too_long("client-first");
  if (client_first.starts_with("p=")) {
    return fail(ErrorCode::unsupported, "SCRAM with channel binding was not offered",
                "set channel_binding=disable");
  }
  if (client_first.starts_with("n,a=") || client_first.starts_with("y,a=")) {
    return fail(ErrorCode::unsupported, "SCRAM authorization identities are not supported");
  }
  // 'y' is right here: the client could bind, and we do not.
  if (!client_first.starts_with("n,,") && !client_first.starts_with("y,,"))
    return malformed("client-first", "gs2 header");
  gs2_header_ = client_first.substr(0, 3);
  client_first_bare_ = client_first.substr(3);
  if (client_first_bare_.starts_with("m="))
    return fail(ErrorCode::unsupported, "SCRAM mandatory extensions are not supported");
  ScramAttributes in(client_first_bare_);
  if (!in.take('n')) return malformed("client-first", "user name");
  const auto nonce = in.take('r');
  if (!nonce || !detail::is_scram_nonce(*nonce) ||
      nonce->size() + nonce_.size() > kMaxScramNonceBytes) {
    return malformed("client-first", "nonce");
  }
  if (!in.skip_extensions()) return malformed("client-first", "extension");
  nonce_ = std::string(*nonce) + nonce_;
  server_first_ =
      fmt::format("r={},s={},i={}", nonce_, to_base64(verifier_->salt), verifier_->iterations);
  step_ = Step::challenged;
  return server_first_;
}

Result<std::string> ScramServer::finish(std::string_view client_final) {
  if (step_ != Step::challenged) return out_of_turn();
  step_ = Step::done;
  if (client_final.size() > kMaxScramMessageBytes) return too_long("client-final");
  // The proof is the last attribute (RFC 5802 §7); what stands before it is signed.
  const std::size_t proof_at = client_final.rfind(",p=");
  if (proof_at == std::string_view::npos) return malformed("client-final", "proof");
  const std::string_view without_proof = client_final.substr(0, proof_at);
  const auto proof = detail::parse_scram_digest(client_final.substr(proof_at + 3));
  if (!proof) return malformed("client-final", "proof");
  ScramAttributes in(without_proof);
  const auto binding = in.take('c');
  if (!binding || *binding != to_base64(as_bytes(gs2_header_)))
    return malformed("client-final", "channel binding");
  const auto nonce = in.take('r');
  if (!nonce || *nonce != nonce_) return malformed("client-final", "nonce");
  if (!in.skip_extensions()) return malformed("client-final", "extension");

  const std::string signed_text = auth_message(client_first_bare_, server_first_, without_proof);
  const auto client_signature = crypto::hmac_sha256(verifier_->stored_key, as_bytes(signed_text));
  crypto::Digest256 client_key = detail::exclusive_or(*proof, client_signature);
  const bool right = equal_constant_time(crypto::sha256(client_key), verifier_->stored_key);
  wipe(client_key.data(), client_key.size());
  if (!right) return fail(ErrorCode::unauthenticated, "the password is wrong");
  const auto server_signature = crypto::hmac_sha256(verifier_->server_key, as_bytes(signed_text));
  return fmt::format("v={}", to_base64(server_signature));
}

}  // namespace hoop::postgres
