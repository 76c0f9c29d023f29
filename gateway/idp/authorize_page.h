// SPDX-License-Identifier: Apache-2.0
// The page at /oauth/authorize, where a person signs in for a program on the same computer
// (RFC 6749 §4.1 with RFC 7636, 8252, 9207).
//
//   GET  /oauth/authorize?response_type=code&client_id&redirect_uri&state&code_challenge&…
//        → the form
//   POST /oauth/authorize  csrf, username, password and the request's own fields
//        → 303 to redirect_uri with code, state and iss
//
// redirect_uri is http://127.0.0.1:PORT/callback, with any port: a code reaches no other computer.
#pragma once

#include "gateway/idp/page_forms.h"
#include "gateway/idp/parts.h"
#include "gateway/idp/sign_in.h"

namespace hoop::gateway::idp {

class AuthorizePage {
 public:
  AuthorizePage(Shared& shared, SignIn& sign_in);

  http::Response show(const http::Request& request);
  Task<http::Response> submit(http::Request request, http::ConnectionInfo connection);

 private:
  struct Asked {
    std::string redirect_uri, state, challenge;
    std::string error;  // of RFC 6749 §4.1.2.1; empty: none
  };
  /// What the fields ask for; nullopt where the answer could reach a stranger.
  std::optional<Asked> read(const http::Form& fields) const;
  /// What a form of ours is tied to.
  static std::string about(const Asked& asked);
  http::Response form(int status, const Asked& asked, const std::string& cookie,
                      std::string_view complaint) const;
  http::Response send_back(const Asked& asked, std::string_view name, std::string_view value) const;

  Shared& shared_;
  SignIn& sign_in_;
  PageForms forms_;
};

}  // namespace hoop::gateway::idp
