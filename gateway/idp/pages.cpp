// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/pages.h"

#include "core/base/encoding.h"
#include "core/crypto/digest.h"

namespace hoop::gateway::idp {
namespace {

constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--ink:#17202a;--dim:#5c6773;--paper:#fff;--ground:#eef1f4;--line:#d5dbe1;--accent:#0b5fff;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e8edf2;--dim:#9aa7b4;--paper:#1b222b;--ground:#10151b;--line:#323c48;--accent:#6ea2ff;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{width:100%;max-width:27rem;background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:2rem}
h1{font-size:1.3rem;line-height:1.3;margin:0 0 .75rem}
p{margin:0 0 1rem}
.brand{color:var(--dim);font-size:.85rem;letter-spacing:.06em;margin:0 0 1.5rem}
.complaint{color:var(--bad);font-weight:600}
.code{font:600 1.7rem/1.2 ui-monospace,monospace;letter-spacing:.12em;text-align:center;border:1px dashed var(--line);border-radius:8px;padding:.8rem;margin:0 0 1rem}
label{display:block;font-weight:600;margin:0 0 .25rem}
input{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:8px;padding:.6rem .7rem;margin:0 0 1rem}
dl{display:grid;grid-template-columns:auto 1fr;gap:.35rem 1rem;margin:0 0 1rem}
dt{color:var(--dim)}
dd{margin:0;overflow-wrap:anywhere}
.row{display:flex;gap:.75rem}
button{flex:1;width:100%;font:inherit;font-weight:600;border-radius:8px;border:1px solid var(--accent);background:var(--accent);color:var(--paper);padding:.65rem;cursor:pointer}
button.quiet{background:transparent;color:var(--bad);border-color:var(--line)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
)css";

std::string page(std::string_view title, std::string_view body) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
  out += escape_html(title);
  out += " - hoopctl</title>\n<style>";
  out += kStyle;
  out += "</style>\n</head>\n<body>\n<main>\n<p class=\"brand\">hoopctl gateway</p>\n<h1>";
  out += escape_html(title);
  out += "</h1>\n";
  out += body;
  out += "</main>\n</body>\n</html>\n";
  return out;
}

std::string complaint_line(std::string_view complaint) {
  if (complaint.empty()) return {};
  return "<p class=\"complaint\" role=\"alert\">" + escape_html(complaint) + "</p>\n";
}

std::string hidden(std::string_view name, std::string_view value) {
  return "<input type=\"hidden\" name=\"" + std::string(name) + "\" value=\"" + escape_html(value) +
         "\">\n";
}

std::string described(std::string_view term, std::string_view text) {
  return "<dt>" + escape_html(term) + "</dt><dd>" + escape_html(text) + "</dd>\n";
}

std::string code_box(std::string_view code) {
  return "<p class=\"code\">" + escape_html(code) + "</p>\n";
}

std::string sign_in_fields() {
  return "<label for=\"username\">User</label>\n"
         "<input id=\"username\" name=\"username\" maxlength=\"128\" required autofocus "
         "autocomplete=\"username\" "
         "autocapitalize=\"none\" spellcheck=\"false\">\n"
         "<label for=\"password\">Password</label>\n"
         "<input id=\"password\" name=\"password\" type=\"password\" maxlength=\"1024\" required "
         "autocomplete=\"current-password\">\n";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : neutralise(text, 2048, Lines::escape)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string code_page(std::string_view complaint) {
  return page("Connect a device",
              complaint_line(complaint) +
                  "<p>Enter the code that <b>hoopctl</b> shows in your terminal.</p>\n"
                  "<form method=\"get\" action=\"/device\">\n"
                  "<label for=\"user_code\">Code</label>\n"
                  "<input id=\"user_code\" name=\"user_code\" placeholder=\"XXXX-XXXX\" "
                  "maxlength=\"16\" required autofocus "
                  "autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\">\n"
                  "<button>Go on</button>\n</form>\n");
}

std::string authorize_page(const AuthorizeView& request, std::string_view complaint) {
  return page(
      "Sign in",
      complaint_line(complaint) +
          "<p>A program on this computer wants to act as you. Go on only if you have just run "
          "<b>hoopctl login --browser</b> in a terminal here.</p>\n"
          "<form method=\"post\" action=\"/oauth/authorize\">\n" +
          hidden("csrf", request.csrf) + hidden("response_type", "code") +
          hidden("client_id", request.client_id) + hidden("redirect_uri", request.redirect_uri) +
          hidden("state", request.state) + hidden("code_challenge", request.challenge) +
          hidden("code_challenge_method", "S256") + sign_in_fields() +
          "<div class=\"row\">\n<button class=\"quiet\" name=\"decision\" value=\"deny\" "
          "formnovalidate>Deny</button>\n"
          "<button name=\"decision\" value=\"approve\">Sign in</button>\n</div>\n</form>\n");
}

std::string sign_in_page(std::string_view user_code, std::string_view csrf,
                         std::string_view complaint) {
  return page("Sign in", complaint_line(complaint) +
                             "<p>to look at the request with this code:</p>\n" +
                             code_box(user_code) + "<form method=\"post\" action=\"/device\">\n" +
                             hidden("step", "sign_in") + hidden("csrf", csrf) +
                             hidden("user_code", user_code) + sign_in_fields() +
                             "<button>Sign in</button>\n</form>\n");
}

std::string decision_page(const RequestView& request, std::string_view subject,
                          std::string_view csrf) {
  std::string facts = described("Asks", request.client_name) + described("From", request.address);
  if (!request.client_host.empty()) facts += described("Calls itself", request.client_host);
  facts += described("At", request.requested_at) + described("As", subject);
  const bool approving = request.is_for_approving;
  return page(
      approving ? "Decide requests of others as you?" : "Let this device act as you?",
      std::string(approving
                      ? "<p>This sign-in lets whoever asked for it approve or reject requests of "
                        "others as you, for five minutes. It is for nothing else.</p>\n"
                        "<p>Go on only if you started it yourself"
                      : "<p>Approve only if you started this login yourself") +
          " and your terminal shows exactly this code:</p>\n" + code_box(request.user_code) +
          "<dl>\n" + facts +
          "</dl>\n<p>If somebody sent you the code or a link to this page, deny it.</p>\n"
          "<form method=\"post\" action=\"/device\">\n" +
          hidden("step", "decide") + hidden("csrf", csrf) + hidden("user_code", request.user_code) +
          "<div class=\"row\">\n<button class=\"quiet\" name=\"decision\" "
          "value=\"deny\">Deny</button>\n"
          // Not "approve": no request is approved by it.
          "<button name=\"decision\" value=\"approve\">" +
          (approving ? "Sign in" : "Approve") + "</button>\n</div>\n</form>\n");
}

std::string message_page(std::string_view title, std::string_view text) {
  return page(title, "<p>" + escape_html(text) + "</p>\n");
}

std::string page_security_policy(std::string_view form_action) {
  static const std::string style = to_base64(crypto::sha256(as_bytes(kStyle)));
  std::string out = "default-src 'none'; style-src 'sha256-" + style + "'; form-action 'self'";
  if (!form_action.empty()) out.append(" ").append(form_action);
  out += "; frame-ancestors 'none'; base-uri 'none'";
  return out;
}

}  // namespace hoop::gateway::idp
