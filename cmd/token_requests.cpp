// SPDX-License-Identifier: Apache-2.0
#include "cmd/token_requests.h"

#include "core/identity/dpop.h"

namespace hoop::cmd {
namespace {

constexpr auto kAnswerTime = std::chrono::seconds(20);

}  // namespace

void TokenRequests::make_key() {
  if (!key_) key_ = crypto::P256Key::generate();
}

Result<void> TokenRequests::use_key(const SecretText& pem) {
  HOOP_TRY(crypto::P256Key read, crypto::P256Key::from_pem(pem.reveal()));
  key_ = std::move(read);
  return {};
}

Task<http::Response> TokenRequests::ask(Web& web, std::string url, SecretText form,
                                        SecretText authorization) {
  for (int attempt = 0;; ++attempt) {
    http::Headers headers{{"Content-Type", "application/x-www-form-urlencoded"},
                          {"Accept", "application/json"}};
    if (!authorization.reveal().empty()) headers.set("Authorization", authorization.reveal());
    if (key_) {
      headers.set("DPoP", identity::make_proof(*key_, {"POST", url, {}}, nonce_,
                                               clock_.system_now(), random_));
    }
    auto answer = co_await web.send("POST", url, std::move(headers), form.reveal(), kAnswerTime);
    if (!answer || !key_) co_return answer;
    const auto nonce = answer->headers.only("DPoP-Nonce");
    if (nonce) nonce_ = *nonce;
    const bool wanted = nonce && (answer->status == 400 || answer->status == 401) &&
                        identity::oauth_error(answer->body) == "use_dpop_nonce";
    if (!wanted || attempt > 0) co_return answer;
  }
}

Result<identity::TokenSet> TokenRequests::with_key(Result<identity::TokenSet> tokens) const {
  if (!tokens || !tokens->bound) return tokens;
  if (!key_)
    return fail(ErrorCode::malformed, "the tokens that came are bound to a key that is not ours",
                "hoopctl logout, then hoopctl login");
  tokens->key = key_->to_pem();
  return tokens;
}

}  // namespace hoop::cmd
