// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/login_exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "protocols/postgres/startup.h"
#include "protocols/postgres/upstream_login.h"

namespace hoop::postgres {
namespace {

constexpr std::size_t kMaxParameterStatuses = 128;  // PostgreSQL 18 sends 15

struct RequiredSetting {
  std::string_view name;
  std::string_view value;
  std::string_view why;
};
// What classification and masking take for granted. The first two are asked for in the startup
// message.
constexpr std::array<RequiredSetting, 3> kRequiredSettings = {{
    {"client_encoding", "UTF8", "statements and values are read as UTF-8"},
    {"standard_conforming_strings", "on", "it decides where a literal ends"},
    {"integer_datetimes", "on", "binary dates are read as integers"},
}};

struct SqlstateHint {
  std::string_view sqlstate;
  std::string_view hint;
};
constexpr std::array<SqlstateHint, 7> kHints = {{
    {"28P01",
     "the session's credential was not accepted: it may have expired or been revoked; connect "
     "again"},
    {"28000", "the target's pg_hba.conf has no line that lets this login in over this connection"},
    {"3D000", "this database does not exist on the target"},
    {"42501", "the session's role may not connect to this database"},
    {"53300", "the target has no connection left; try again later"},
    {"57P03", "the target is starting up or shutting down; try again later"},
    {"55000", "this database does not take connections"},
}};

bool is_sqlstate(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

template <class... Arms>
struct Overloaded : Arms... {
  using Arms::operator()...;
};

std::unexpected<Error> unsupported(std::string_view what, std::string_view hint) {
  return fail(ErrorCode::unsupported,
              fmt::format("the target asks for {}, which is not done here", what),
              std::string(hint));
}

constexpr std::string_view kUseScram =
    "give the session's login a scram-sha-256 line in the target's pg_hba.conf";

}  // namespace

Error to_error(const ErrorResponse& response) {
  const std::string_view code = find_field(response.fields, 'C');
  Error error{ErrorCode::upstream_refused, "the target refused the login", {}, {}};
  error.remote =
      fmt::format("{}: {}", is_sqlstate(code) ? code : "XXXXX", find_field(response.fields, 'M'));
  const std::string_view detail = find_field(response.fields, 'D');
  const std::string_view hint = find_field(response.fields, 'H');
  if (!detail.empty() || !hint.empty()) {
    error.remote +=
        fmt::format(" ({}{}{})", detail, detail.empty() || hint.empty() ? "" : "; ", hint);
  }
  for (const SqlstateHint& known : kHints) {
    if (known.sqlstate == code) error.hint = known.hint;
  }
  return error;
}

void LoginExchange::start(Bytes& out) const {
  ParameterPairs parameters = {{"user", terms_.user}, {"database", terms_.database}};
  for (const RequiredSetting& required : kRequiredSettings) {
    // integer_datetimes cannot be set.
    if (required.name != "integer_datetimes")
      parameters.emplace_back(required.name, required.value);
  }
  for (const auto& [name, value] : terms_.parameters) {
    // They may have crossed a tunnel since the door judged them.
    const bool fits = is_session_setting(name) && value.find('\0') == std::string::npos;
    if (fits && name != "client_encoding") parameters.emplace_back(name, value);
  }
  // The session's default, to which RESET and DISCARD return.
  if (!terms_.enter_role.empty()) parameters.emplace_back("role", terms_.enter_role);
  append_startup_message(out, kProtocol30, parameters);
}

Result<LoginExchange::Progress> LoginExchange::take(const Frame& frame, Bytes& out) {
  const bool authenticated = step_ == Step::authenticated;
  if (frame.tag == 'E') {
    HOOP_TRY(const auto response, decode_error_response(frame.body));
    return std::unexpected(to_error(response));
  }
  if (frame.tag == 'N') {
    HOOP_TRY(const auto notice, decode_notice_response(frame.body));
    static_cast<void>(notice);
    if (result_.notices.size() + frame.whole.size() <= kMaxLoginNoticeBytes) {
      result_.notices.insert(result_.notices.end(), frame.whole.begin(), frame.whole.end());
    }
    return Progress::going_on;
  }
  if (frame.tag == 'R' && !authenticated) {
    HOOP_CHECK(authenticate(frame.body, out));
    return Progress::going_on;
  }
  if (frame.tag == 'S' && authenticated) {
    HOOP_CHECK(keep_status(frame.body));
    return Progress::going_on;
  }
  if (frame.tag == 'K' && authenticated && result_.cancel_key.empty()) {
    HOOP_TRY(const auto key, decode_backend_key_data(frame.body));
    static_cast<void>(key);
    result_.cancel_key.assign(frame.body.begin(), frame.body.end());
    return Progress::going_on;
  }
  if (frame.tag == 'Z' && authenticated) {
    HOOP_TRY(const auto ready, decode_ready_for_query(frame.body));
    if (ready.status != TransactionStatus::idle)
      return fail(ErrorCode::malformed, "the target begins inside a transaction");
    HOOP_CHECK(check_settings());
    return Progress::ready;
  }
  return fail(ErrorCode::malformed,
              fmt::format("the target sent message '{}' in the middle of the login", frame.tag),
              "is the target's address really a PostgreSQL server's");
}

Result<void> LoginExchange::authenticate(ByteSpan body, Bytes& out) {
  HOOP_TRY(const auto request, decode_authentication(body));
  const auto out_of_turn = [] {
    return Result<void>(fail(ErrorCode::malformed, "authentication message out of turn"));
  };
  return std::visit(
      Overloaded{
          [&](const AuthenticationOk&) -> Result<void> {
            HOOP_CHECK(accept());
            step_ = Step::authenticated;
            terms_.password = SecretText();
            return {};
          },
          [&](const AuthenticationSASL& offer) -> Result<void> {
            return step_ == Step::started ? begin_scram(offer, out) : out_of_turn();
          },
          [&](const AuthenticationSASLContinue& message) -> Result<void> {
            if (step_ != Step::scram_first) return out_of_turn();
            HOOP_TRY(const auto response, scram_->answer(as_text(message.data)));
            append_sasl_response(out, response);
            step_ = Step::scram_final;
            return {};
          },
          [&](const AuthenticationSASLFinal& message) -> Result<void> {
            if (step_ != Step::scram_final || scram_->verified()) return out_of_turn();
            return scram_->verify(as_text(message.data));
          },
          [&](const AuthenticationCleartextPassword&) -> Result<void> {
            return step_ == Step::started ? send_clear_text(out) : out_of_turn();
          },
          // Not even over TLS: our roles have SCRAM verifiers, for which a server with "md5" in
          // pg_hba.conf asks for SCRAM.
          [](const AuthenticationMD5Password&) -> Result<void> {
            return unsupported("an MD5 password", kUseScram);
          },
          [](const AuthenticationKerberosV5&) -> Result<void> {
            return unsupported("Kerberos", kUseScram);
          },
          [](const AuthenticationGSS&) -> Result<void> { return unsupported("GSSAPI", kUseScram); },
          [](const AuthenticationGSSContinue&) -> Result<void> {
            return unsupported("GSSAPI", kUseScram);
          },
          [](const AuthenticationSSPI&) -> Result<void> { return unsupported("SSPI", kUseScram); },
      },
      request);
}

Result<void> LoginExchange::begin_scram(const AuthenticationSASL& offer, Bytes& out) {
  if (terms_.password.empty())
    return unsupported("a password, but the credential has none", "set the target's password");
  std::vector<std::string_view> mechanisms;
  for (const std::string_view mechanism : offer.mechanisms) mechanisms.push_back(mechanism);
  HOOP_TRY(auto scram, ScramClient::start(mechanisms, terms_.password.clone(),
                                          {terms_.server_end_point, terms_.scram_nonce, {}}));
  append_sasl_initial_response(out, scram.mechanism(), scram.first_message());
  scram_ = std::move(scram);
  step_ = Step::scram_first;
  return {};
}

Result<void> LoginExchange::send_clear_text(Bytes& out) {
  if (terms_.tls == access::TlsMode::disable) {
    return fail(ErrorCode::unsupported,
                "the target asks for the password in clear text over a connection without TLS",
                "turn TLS on for this target, or use scram-sha-256 in its pg_hba.conf");
  }
  if (terms_.password.empty() || terms_.password.reveal().find('\0') != std::string::npos) {
    return unsupported("a password, but the credential has none that can be sent",
                       "set the target's password");
  }
  append_password_message(out, terms_.password.reveal());
  step_ = Step::password_sent;
  return {};
}

// Whether AuthenticationOk may be believed. A server that lets us in without asking for the
// password we have is one that lets everybody in ("trust"), or is not the one the credential is
// for. With TLS the operator has to hear of it: the short-lived role protects nothing there.
// Without TLS nothing about the peer is proven anyway (who sits between can relay SCRAM and take
// the connection over after it), and local servers with "trust" are what that mode is for.
Result<void> LoginExchange::accept() const {
  if (scram_) {
    if (scram_->verified()) return {};
    return fail(ErrorCode::integrity,
                "the target let us in before it proved that it knows the password",
                "this may not be the server that the credential is for");
  }
  if (step_ == Step::password_sent || terms_.password.empty() ||
      terms_.tls == access::TlsMode::disable)
    return {};
  return fail(ErrorCode::integrity, "the target let us in without asking for the password",
              "its pg_hba.conf trusts everybody who connects: replace 'trust' by 'scram-sha-256'");
}

Result<void> LoginExchange::keep_status(ByteSpan body) {
  HOOP_TRY(const auto status, decode_parameter_status(body));
  for (auto& [name, value] : result_.parameters) {
    if (name == status.name) {
      value = status.value;
      return {};
    }
  }
  if (result_.parameters.size() >= kMaxParameterStatuses) {
    return fail(ErrorCode::too_large,
                fmt::format("the target reports more than {} parameters", kMaxParameterStatuses));
  }
  result_.parameters.emplace_back(status.name, status.value);
  return {};
}

Result<void> LoginExchange::check_settings() const {
  for (const RequiredSetting& required : kRequiredSettings) {
    const auto found =
        std::find_if(result_.parameters.begin(), result_.parameters.end(),
                     [&](const auto& parameter) { return parameter.first == required.name; });
    if (found == result_.parameters.end() || found->second != required.value) {
      return fail(ErrorCode::unsupported,
                  fmt::format("the target does not report {} = {}", required.name, required.value),
                  fmt::format("hoopctl relies on it: {}", required.why));
    }
  }
  return {};
}

}  // namespace hoop::postgres
