// SPDX-License-Identifier: Apache-2.0
#include "cmd/token_presenter.h"

#include "core/crypto/keys.h"
#include "core/identity/dpop.h"

namespace hoop::cmd {

Result<void> TokenPresenter::present(const Presented& who, std::string_view method,
                                     std::string_view url, http::Headers& headers) const {
  if (who.key.empty()) {
    headers.set("Authorization", "Bearer " + who.token.reveal());
    return {};
  }
  HOOP_TRY(const crypto::P256Key key, crypto::P256Key::from_pem(who.key.reveal()));
  headers.set("Authorization", "DPoP " + who.token.reveal());
  headers.set("DPoP", identity::make_proof(key, {method, url, who.token.reveal()}, nonce_,
                                           clock_.system_now(), random_));
  return {};
}

bool TokenPresenter::learn_nonce(const http::Response& response) {
  const auto nonce = response.headers.only("DPoP-Nonce");
  if (response.status != 401 || !nonce) return false;
  nonce_ = *nonce;
  return true;
}

Task<http::Response> TokenPresenter::send(Web& web, Presented who, std::string method,
                                          std::string url, http::Headers headers, std::string body,
                                          std::chrono::milliseconds patience) {
  for (bool again = false;; again = true) {
    HOOP_CO_CHECK(present(who, method, url, headers));
    // Only a request that may be made again needs its body twice.
    std::string sent;
    if (who.key.empty() || again) {
      sent = std::move(body);
    } else {
      sent = body;
    }
    auto response = co_await web.send(method, url, headers, std::move(sent), patience);
    if (!response || again || !learn_nonce(*response)) co_return response;
  }
}

}  // namespace hoop::cmd
