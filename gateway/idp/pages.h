// SPDX-License-Identifier: Apache-2.0
// The HTML that people see when they approve a login: plain forms, no script, one style sheet named
// by its digest in the CSP.
//
// The names of form fields are stable: scripts fill them in. See device_page.h.
#pragma once

#include <string>
#include <string_view>

namespace hoop::gateway::idp {

struct RequestView {
  std::string user_code;
  std::string client_name;
  std::string client_host;  // may be empty
  std::string address;
  std::string requested_at;
  bool is_for_approving = false;
};

/// complaint: shown above the form; empty for none.
std::string code_page(std::string_view complaint);
std::string sign_in_page(std::string_view user_code, std::string_view csrf,
                         std::string_view complaint);
std::string decision_page(const RequestView& request, std::string_view subject,
                          std::string_view csrf);
struct AuthorizeView {
  std::string client_id, redirect_uri, state, challenge, csrf;
};
/// Asks for user and password, for a program on the same computer.
std::string authorize_page(const AuthorizeView& request, std::string_view complaint);
/// An end: nothing to fill in.
std::string message_page(std::string_view title, std::string_view text);

/// Content-Security-Policy for all of them.
/// form_action: where besides ourselves a form may lead, as a source of the policy; empty: nowhere.
std::string page_security_policy(std::string_view form_action = {});
std::string escape_html(std::string_view text);

}  // namespace hoop::gateway::idp
