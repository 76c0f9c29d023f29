// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/login_exchange.h"

#include "core/base/encoding.h"
#include "tests/support/catch.h"

namespace hoop::postgres {
namespace {

using access::TlsMode;
using Progress = LoginExchange::Progress;

LoginTerms terms(TlsMode tls = TlsMode::verify_full) {
  LoginTerms out;
  out.tls = tls;
  if (tls != TlsMode::disable) out.server_end_point = Bytes(32, 7);
  out.user = "hoop_1";
  out.password = SecretText("session-secret");
  out.database = "demo";
  out.scram_nonce = "clientnonce";
  return out;
}

/// A server that is fed to a LoginExchange message by message.
class Script {
 public:
  explicit Script(LoginTerms login) : exchange_(std::move(login)) {}

  /// What the exchange makes of the message that append writes.
  template <class Append>
  Result<Progress> say(Append append) {
    whole_.clear();
    append(whole_);
    out_.clear();
    return exchange_.take({static_cast<char>(whole_[0]), ByteSpan(whole_).subspan(5), whole_},
                          out_);
  }
  const Bytes& answer() const { return out_; }
  LoginExchange& exchange() { return exchange_; }

  Result<Progress> offer(std::vector<std::string_view> mechanisms = {kScramSha256}) {
    return say([&](Bytes& out) { append_authentication_sasl(out, mechanisms); });
  }
  Result<Progress> ok() { return say(append_authentication_ok); }
  Result<Progress> status(std::string_view name, std::string_view value) {
    return say([&](Bytes& out) { append_parameter_status(out, name, value); });
  }
  Result<Progress> ready(TransactionStatus status = TransactionStatus::idle) {
    return say([&](Bytes& out) { append_ready_for_query(out, status); });
  }

  /// SCRAM up to before SASLFinal; gives what that must say.
  std::string prove(const ScramVerifier& verifier) {
    ScramServer server(verifier, "servernonce");
    REQUIRE(offer());
    const auto initial = decode_sasl_initial_response(ByteSpan(out_).subspan(5));
    REQUIRE(initial);
    // The server's side here has no binding and does not mind the flag.
    const auto first = server.first(as_text(initial->response.value()));
    REQUIRE(first);
    REQUIRE(say([&](Bytes& out) { append_authentication_sasl_continue(out, *first); }));
    const auto last = server.finish(as_text(ByteSpan(out_).subspan(5)));
    return last.value_or("e=invalid-proof");
  }
  Result<Progress> finish_sasl(const std::string& text) {
    return say([&](Bytes& out) { append_authentication_sasl_final(out, text); });
  }
  void log_in() {
    REQUIRE(finish_sasl(prove(make_scram_verifier(SecretText("session-secret"), Bytes(16), 1))));
    REQUIRE(ok());
  }
  void report_settings() {
    REQUIRE(status("client_encoding", "UTF8"));
    REQUIRE(status("standard_conforming_strings", "on"));
    REQUIRE(status("integer_datetimes", "on"));
  }

 private:
  LoginExchange exchange_;
  Bytes whole_;
  Bytes out_;
};

}  // namespace

TEST_CASE("login asks for what classification relies on, and passes only session settings on") {
  LoginTerms login = terms();
  login.parameters = {
      {"user", "postgres"},          {"database", "other"},   {"application_name", "psql"},
      {"client_encoding", "LATIN1"}, {"search_path", "evil"}, {"options", "-c x=y"},
      {"replication", "true"},       {"role", "postgres"},    {"timezone", std::string("U\0C", 3)}};
  Bytes out;
  LoginExchange(std::move(login)).start(out);
  const auto packet = decode_startup_packet(ByteSpan(out).subspan(4));
  REQUIRE(packet);
  ParameterPairs sent;
  for (const auto& parameter : std::get<StartupMessage>(*packet).parameters)
    sent.emplace_back(parameter.name, parameter.value);
  CHECK(sent == ParameterPairs{{"user", "hoop_1"},
                               {"database", "demo"},
                               {"client_encoding", "UTF8"},
                               {"standard_conforming_strings", "on"},
                               {"application_name", "psql"}});
}

TEST_CASE("login by SCRAM ends at ReadyForQuery with parameters, key and notices") {
  Script script(terms());
  script.log_in();
  script.report_settings();
  REQUIRE(script.status("TimeZone", "UTC"));
  REQUIRE(script.status("TimeZone", "Europe/Berlin"));
  const Bytes key = {1, 2, 3, 4};
  REQUIRE(script.say([&](Bytes& out) { append_backend_key_data(out, 42, key); }));
  REQUIRE(script.say([](Bytes& out) {
    append_notice_response(out, {Severity::warning, "01000", "collation", "", ""});
  }));
  const auto end = script.ready();
  REQUIRE(end);
  CHECK(*end == Progress::ready);
  const LoginResult result = std::move(script.exchange()).result();
  CHECK(result.parameters.size() == 4);
  CHECK(result.parameters.back() ==
        std::pair<std::string, std::string>("TimeZone", "Europe/Berlin"));
  CHECK(result.cancel_key == Bytes{0, 0, 0, 42, 1, 2, 3, 4});
  CHECK(result.notices.front() == 'N');
}

TEST_CASE("login binds to the certificate when the server offers it, and says when it does not") {
  const auto first_message = [](TlsMode tls, std::vector<std::string_view> offered) {
    Script script(terms(tls));
    REQUIRE(script.offer(std::move(offered)));
    const auto initial = decode_sasl_initial_response(ByteSpan(script.answer()).subspan(5));
    return std::string(initial->mechanism) + " " + to_text(initial->response.value()).substr(0, 3);
  };
  CHECK(first_message(TlsMode::verify_full, {kScramSha256Plus, kScramSha256}) ==
        "SCRAM-SHA-256-PLUS p=t");
  CHECK(first_message(TlsMode::verify_full, {kScramSha256}) == "SCRAM-SHA-256 y,,");
  CHECK(first_message(TlsMode::disable, {kScramSha256}) == "SCRAM-SHA-256 n,,");
}

TEST_CASE("login does not believe a server that has proved nothing") {
  SECTION("AuthenticationOk instead of an offer") {
    Script script(terms());
    CHECK(test::code_of(script.ok()) == ErrorCode::integrity);
  }
  SECTION("the same without TLS is a local trust server") {
    Script script(terms(TlsMode::disable));
    CHECK(script.ok());
  }
  SECTION("a login without a password is not asked for one") {
    LoginTerms login = terms();
    login.password = SecretText();
    Script script(std::move(login));
    CHECK(script.ok());
  }
  for (const TlsMode tls : {TlsMode::verify_full, TlsMode::disable}) {
    SECTION(tls == TlsMode::disable ? "Ok after the offer, no TLS" : "Ok after the offer, TLS") {
      Script script(terms(tls));
      REQUIRE(script.offer());
      CHECK(test::code_of(script.ok()) == ErrorCode::integrity);
    }
    SECTION(tls == TlsMode::disable ? "Ok before SASLFinal, no TLS" : "Ok before SASLFinal, TLS") {
      Script script(terms(tls));
      static_cast<void>(
          script.prove(make_scram_verifier(SecretText("session-secret"), Bytes(16), 1)));
      CHECK(test::code_of(script.ok()) == ErrorCode::integrity);
    }
  }
  SECTION("a server that keeps another password") {
    Script script(terms());
    CHECK(script.prove(make_scram_verifier(SecretText("other"), Bytes(16), 1)) ==
          "e=invalid-proof");
    CHECK(test::code_of(script.finish_sasl("v=" + to_base64(Bytes(32)))) == ErrorCode::integrity);
    CHECK(test::code_of(script.ok()) == ErrorCode::integrity);
  }
}

TEST_CASE("login sends the password in clear text over TLS only, and MD5 nowhere") {
  const auto ask = [](Bytes& out) { append_authentication_cleartext_password(out); };
  Script with(terms());
  REQUIRE(with.say(ask));
  CHECK(decode_password_message(ByteSpan(with.answer()).subspan(5))->password == "session-secret");
  CHECK(with.ok());

  Script without(terms(TlsMode::disable));
  CHECK(test::code_of(without.say(ask)) == ErrorCode::unsupported);
  CHECK(without.answer().empty());

  for (const char type : {'\2', '\5', '\7', '\11'}) {
    Script script(terms());
    const auto refused = script.say([type](Bytes& out) {
      MessageFrame frame(out, 'R');
      frame.writer().u32(static_cast<std::uint32_t>(type));
      if (type == '\5') frame.writer().text("salt");
      frame.finish();
    });
    CHECK(test::code_of(refused) == ErrorCode::unsupported);
    CHECK(script.answer().empty());
  }
}

TEST_CASE("login keeps clear text and SCRAM apart") {
  Script script(terms());
  REQUIRE(script.offer());
  CHECK(test::code_of(script.say(append_authentication_cleartext_password)) ==
        ErrorCode::malformed);
  CHECK(script.answer().empty());
}

TEST_CASE("login gives the server's words apart from ours") {
  Script script(terms());
  const auto refused = script.say([](Bytes& out) {
    append_error_response(
        out, {Severity::fatal, "28P01", "password authentication failed for user \"hoop_1\"",
              "line 4", ""});
  });
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::upstream_refused);
  CHECK(refused.error().message == "the target refused the login");
  CHECK(refused.error().remote ==
        "28P01: password authentication failed for user \"hoop_1\" (line 4)");
  CHECK_FALSE(refused.error().hint.empty());
}

TEST_CASE("login refuses messages that do not belong there") {
  const Bytes key = {1, 2, 3, 4};
  SECTION("before authentication") {
    Script script(terms());
    CHECK(test::code_of(script.status("TimeZone", "UTC")) == ErrorCode::malformed);
    CHECK(test::code_of(script.ready()) == ErrorCode::malformed);
    CHECK(test::code_of(script.say([&](Bytes& out) { append_backend_key_data(out, 1, key); })) ==
          ErrorCode::malformed);
    CHECK(test::code_of(script.say([](Bytes& out) { append_data_row(out, {}); })) ==
          ErrorCode::malformed);
    CHECK(test::code_of(script.say([](Bytes& out) {
            append_negotiate_protocol_version(out, kProtocol30, {});
          })) == ErrorCode::malformed);
    CHECK(test::code_of(script.say([](Bytes& out) {
            append_authentication_sasl_final(out, "v=");
          })) == ErrorCode::malformed);
  }
  SECTION("after it") {
    Script script(terms());
    script.log_in();
    CHECK(test::code_of(script.ok()) == ErrorCode::malformed);
    REQUIRE(script.say([&](Bytes& out) { append_backend_key_data(out, 1, key); }));
    CHECK(test::code_of(script.say([&](Bytes& out) { append_backend_key_data(out, 1, key); })) ==
          ErrorCode::malformed);
    script.report_settings();
    CHECK(test::code_of(script.ready(TransactionStatus::in_transaction)) == ErrorCode::malformed);
  }
  SECTION("without end") {
    Script script(terms());
    script.log_in();
    Result<Progress> last = Progress::going_on;
    for (int i = 0; i < 200 && last; ++i) last = script.status("p" + std::to_string(i), "v");
    CHECK(test::code_of(last) == ErrorCode::too_large);
  }
}

TEST_CASE("login refuses a target whose settings would fool classification") {
  struct Case {
    const char* encoding;
    const char* strings;
    const char* datetimes;
  };
  for (const Case& each : {Case{"SQL_ASCII", "on", "on"},
                           {"UTF8", "off", "on"},
                           {"UTF8", "on", "off"},
                           {"UTF8", "on", nullptr}}) {
    Script script(terms());
    script.log_in();
    REQUIRE(script.status("client_encoding", each.encoding));
    REQUIRE(script.status("standard_conforming_strings", each.strings));
    if (each.datetimes != nullptr) REQUIRE(script.status("integer_datetimes", each.datetimes));
    CHECK(test::code_of(script.ready()) == ErrorCode::unsupported);
  }
}

}  // namespace hoop::postgres
