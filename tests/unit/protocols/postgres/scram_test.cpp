// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/scram.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "core/base/encoding.h"
#include "tests/support/catch.h"

namespace hoop::postgres {
namespace {

using Vector = std::map<std::string, std::string>;

std::vector<std::pair<std::string, Vector>> vectors() {
  std::vector<std::pair<std::string, Vector>> out;
  for (const auto& entry :
       std::filesystem::directory_iterator(HOOP_SOURCE_DIR "/tests/conformance/scram")) {
    if (entry.path().extension() != ".txt") continue;
    std::ifstream in(entry.path());
    Vector vector;
    for (std::string line; std::getline(in, line);) {
      const auto colon = line.find(": ");
      if (!line.starts_with("#") && colon != std::string::npos)
        vector[line.substr(0, colon)] = line.substr(colon + 2);
    }
    out.emplace_back(entry.path().filename().string(), std::move(vector));
  }
  return out;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

ScramClient client_of(Vector& vector) {
  const auto offered = words(vector["offered"]);
  const std::vector<std::string_view> views(offered.begin(), offered.end());
  auto client =
      ScramClient::start(views, SecretText(vector["password"]),
                         {*from_hex(vector["end-point"]), vector["client-nonce"], vector["user"]});
  REQUIRE(client);
  return std::move(*client);
}

ScramVerifier verifier_of(Vector& vector) {
  return make_scram_verifier(SecretText(vector["password"]), *from_base64(vector["salt"]),
                             static_cast<std::uint32_t>(std::stoul(vector["iterations"])));
}

/// A client in the middle of the RFC's example, for the tables of what a server must not get away
/// with.
ScramClient rfc_client() {
  constexpr std::array<std::string_view, 1> kOffered = {kScramSha256};
  auto client =
      ScramClient::start(kOffered, SecretText("pencil"), {{}, "rOprNGfwEbeRWgbNEkqO", "user"});
  REQUIRE(client);
  return std::move(*client);
}

constexpr std::string_view kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view kClientFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
    "Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr std::string_view kServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

}  // namespace

TEST_CASE("scram client sends the messages of every vector and believes its server") {
  const auto all = vectors();
  REQUIRE(all.size() >= 6);
  for (auto [name, vector] : all) {
    INFO(name);
    ScramClient client = client_of(vector);
    CHECK(client.mechanism() == vector["mechanism"]);
    CHECK(client.first_message() == vector["client-first"]);
    const auto client_final = client.answer(vector["server-first"]);
    REQUIRE(client_final);
    CHECK(*client_final == vector["client-final"]);
    CHECK_FALSE(client.verified());
    CHECK(client.verify(vector["server-final"]));
    CHECK(client.verified());
  }
}

TEST_CASE("scram server sends the messages of every vector without channel binding") {
  int replayed = 0;
  for (auto [name, vector] : vectors()) {
    if (vector["mechanism"] != kScramSha256) continue;
    INFO(name);
    const ScramVerifier verifier = verifier_of(vector);
    ScramServer server(verifier, vector["server-nonce"]);
    const auto first = server.first(vector["client-first"]);
    REQUIRE(first);
    CHECK(*first == vector["server-first"]);
    const auto final = server.finish(vector["client-final"]);
    REQUIRE(final);
    CHECK(*final == vector["server-final"]);
    ++replayed;
  }
  CHECK(replayed >= 4);
}

TEST_CASE("scram verifier is written as PostgreSQL keeps it") {
  for (auto [name, vector] : vectors()) {
    INFO(name);
    const auto iterations = static_cast<std::uint32_t>(std::stoul(vector["iterations"]));
    CHECK(scram_verifier(SecretText(vector["password"]), *from_base64(vector["salt"]),
                         iterations) == vector["verifier"]);
  }
}

TEST_CASE("scram client chooses its mechanism by what is offered and what the connection has") {
  struct Case {
    const char* name;
    std::vector<std::string_view> offered;
    Bytes end_point;
    std::string_view mechanism;  // empty: refused
    std::string_view header;
  };
  const Case cases[] = {
      {"plain without TLS", {kScramSha256}, {}, kScramSha256, "n,,"},
      {"no binding without TLS, whatever is offered",
       {kScramSha256Plus, kScramSha256},
       {},
       kScramSha256,
       "n,,"},
      {"binding with TLS",
       {kScramSha256Plus, kScramSha256},
       Bytes(32),
       kScramSha256Plus,
       "p=tls-server-end-point,,"},
      {"TLS without the offer is said", {kScramSha256}, Bytes(32), kScramSha256, "y,,"},
      {"only binding, no TLS", {kScramSha256Plus}, {}, "", ""},
      {"something else", {"SCRAM-SHA-1", "PLAIN"}, {}, "", ""},
      {"nothing", {}, Bytes(32), "", ""},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    const auto client =
        ScramClient::start(each.offered, SecretText("x"), {each.end_point, "nonce", {}});
    REQUIRE(client.has_value() == !each.mechanism.empty());
    if (!client) {
      CHECK(client.error().code == ErrorCode::unsupported);
      continue;
    }
    CHECK(client->mechanism() == each.mechanism);
    CHECK(client->first_message() == std::string(each.header) + "n=,r=nonce");
  }
}

TEST_CASE("scram client refuses a password that would need SASLprep") {
  constexpr std::array<std::string_view, 1> kOffered = {kScramSha256};
  CHECK(test::code_of(ScramClient::start(kOffered, SecretText("pass\xc3\xa4"), {{}, "n", {}})) ==
        ErrorCode::unsupported);
}

TEST_CASE("scram client refuses a hostile server-first") {
  struct Case {
    const char* name;
    std::string message;
    ErrorCode code;
  };
  const std::string nonce = "r=rOprNGfwEbeRWgbNEkqO%hvY";
  const Case cases[] = {
      {"empty", "", ErrorCode::malformed},
      {"our nonce alone", "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
       ErrorCode::integrity},
      {"another nonce", "r=rOprNGfwEbeRWgbNEkqo%hvY,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
       ErrorCode::integrity},
      {"a nonce with a blank", nonce + " ,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", ErrorCode::malformed},
      {"a nonce above the cap", nonce + std::string(kMaxScramNonceBytes, 'a') + ",s=QQ==,i=4096",
       ErrorCode::malformed},
      {"no salt", nonce + ",i=4096", ErrorCode::malformed},
      {"empty salt", nonce + ",s=,i=4096", ErrorCode::malformed},
      {"salt is not base64", nonce + ",s=W22!,i=4096", ErrorCode::malformed},
      {"salt above the cap", nonce + ",s=" + to_base64(Bytes(kMaxScramSaltBytes + 1)) + ",i=4096",
       ErrorCode::malformed},
      {"no iterations", nonce + ",s=QQ==", ErrorCode::malformed},
      {"zero iterations", nonce + ",s=QQ==,i=0", ErrorCode::malformed},
      {"negative iterations", nonce + ",s=QQ==,i=-1", ErrorCode::malformed},
      {"leading zero", nonce + ",s=QQ==,i=04096", ErrorCode::malformed},
      {"iterations with a tail", nonce + ",s=QQ==,i=4096x", ErrorCode::malformed},
      {"iterations above the cap", nonce + ",s=QQ==,i=100001", ErrorCode::too_large},
      {"iterations past 32 bits", nonce + ",s=QQ==,i=4294967297", ErrorCode::malformed},
      {"a mandatory extension", "m=x," + nonce + ",s=QQ==,i=4096", ErrorCode::malformed},
      {"a mandatory extension behind", nonce + ",s=QQ==,i=4096,m=x", ErrorCode::malformed},
      {"a trailing comma", nonce + ",s=QQ==,i=4096,", ErrorCode::malformed},
      {"an extension without a value", nonce + ",s=QQ==,i=4096,x", ErrorCode::malformed},
      {"wrong order", "s=QQ==," + nonce + ",i=4096", ErrorCode::malformed},
      {"above the message cap",
       nonce + ",s=QQ==,i=4096,x=" + std::string(kMaxScramMessageBytes, 'a'), ErrorCode::too_large},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    ScramClient client = rfc_client();
    CHECK(test::code_of(client.answer(each.message)) == each.code);
    // One failure ends the exchange: there is no second try with the same password.
    CHECK(test::code_of(client.answer(kServerFirst)) == ErrorCode::malformed);
    CHECK(test::code_of(client.verify(kServerFinal)) == ErrorCode::malformed);
  }
}

TEST_CASE("scram client passes over an extension that is not mandatory") {
  ScramClient client = rfc_client();
  std::string extended(kServerFirst);
  extended += ",x=later";
  CHECK(client.answer(extended));
}

TEST_CASE("scram client does not believe a server that cannot prove the password") {
  struct Case {
    const char* name;
    std::string message;
    ErrorCode code;
  };
  const Case cases[] = {
      {"another signature", "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", ErrorCode::integrity},
      {"all zero", "v=" + to_base64(Bytes(32)), ErrorCode::integrity},
      {"too short", "v=" + to_base64(Bytes(31)), ErrorCode::malformed},
      {"not canonical base64",
       "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", ErrorCode::malformed},
      {"empty", "", ErrorCode::malformed},
      {"error", "e=invalid-proof", ErrorCode::unauthenticated},
      {"above the cap", std::string(kMaxScramMessageBytes + 1, 'v'), ErrorCode::too_large},
      {"right, with junk", std::string(kServerFinal) + ",", ErrorCode::malformed},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    ScramClient client = rfc_client();
    REQUIRE(client.answer(kServerFirst));
    CHECK(test::code_of(client.verify(each.message)) == each.code);
    CHECK_FALSE(client.verified());
    CHECK_FALSE(client.verify(kServerFinal));
  }
  ScramClient early = rfc_client();
  CHECK(test::code_of(early.verify(kServerFinal)) == ErrorCode::malformed);
}

TEST_CASE("scram server refuses a hostile client-first") {
  struct Case {
    const char* name;
    std::string message;
    ErrorCode code;
  };
  const Case cases[] = {
      {"empty", "", ErrorCode::malformed},
      {"binding was not offered", "p=tls-server-end-point,,n=,r=abc", ErrorCode::unsupported},
      {"authorization identity", "n,a=admin,n=,r=abc", ErrorCode::unsupported},
      {"unknown flag", "x,,n=,r=abc", ErrorCode::malformed},
      {"half a header", "n,n=,r=abc", ErrorCode::malformed},
      {"mandatory extension", "n,,m=1,n=,r=abc", ErrorCode::unsupported},
      {"no user", "n,,r=abc", ErrorCode::malformed},
      {"no nonce", "n,,n=", ErrorCode::malformed},
      {"empty nonce", "n,,n=,r=", ErrorCode::malformed},
      {"control in the nonce", std::string("n,,n=,r=a\0c", 11), ErrorCode::malformed},
      {"nonce above the cap", "n,,n=,r=" + std::string(kMaxScramNonceBytes, 'a'),
       ErrorCode::malformed},
      {"above the message cap", "n,,n=,r=" + std::string(kMaxScramMessageBytes, 'a'),
       ErrorCode::too_large},
  };
  const ScramVerifier verifier = make_scram_verifier(SecretText("pencil"), Bytes(16), 1);
  for (const Case& each : cases) {
    INFO(each.name);
    ScramServer server(verifier, "servernonce");
    CHECK(test::code_of(server.first(each.message)) == each.code);
    CHECK(test::code_of(server.first("n,,n=,r=abc")) == ErrorCode::malformed);
  }
}

TEST_CASE("scram server refuses a hostile client-final") {
  const ScramVerifier verifier =
      make_scram_verifier(SecretText("pencil"), *from_base64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
  const std::string good(kClientFinal);
  const auto replaced = [&](std::string_view from, std::string_view to) {
    std::string out = good;
    return out.replace(out.find(from), from.size(), to);
  };
  struct Case {
    const char* name;
    std::string message;
    ErrorCode code;
  };
  const Case cases[] = {
      {"empty", "", ErrorCode::malformed},
      {"another proof", replaced("p=dH", "p=eH"), ErrorCode::unauthenticated},
      {"zero proof", good.substr(0, good.find(",p=")) + ",p=" + to_base64(Bytes(32)),
       ErrorCode::unauthenticated},
      {"no proof", good.substr(0, good.find(",p=")), ErrorCode::malformed},
      {"short proof", good.substr(0, good.find(",p=")) + ",p=" + to_base64(Bytes(16)),
       ErrorCode::malformed},
      {"another header", replaced("c=biws", "c=eSws"), ErrorCode::malformed},
      {"another nonce", replaced("hNlF$k0", "hNlF$k1"), ErrorCode::malformed},
      {"client's nonce alone", replaced("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""),
       ErrorCode::malformed},
      {"mandatory extension", replaced(",p=", ",m=1,p="), ErrorCode::malformed},
      {"an extension that was not signed", replaced(",p=", ",x=1,p="), ErrorCode::unauthenticated},
      {"something behind the proof", good + ",x=1", ErrorCode::malformed},
      {"above the cap", good + std::string(kMaxScramMessageBytes, 'a'), ErrorCode::too_large},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    ScramServer server(verifier, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    REQUIRE(server.first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
    CHECK(test::code_of(server.finish(each.message)) == each.code);
    CHECK(test::code_of(server.finish(good)) == ErrorCode::malformed);
  }
  ScramServer early(verifier, "x");
  CHECK(test::code_of(early.finish(good)) == ErrorCode::malformed);
}

TEST_CASE("scram nonces differ and are as long as PostgreSQL's") {
  crypto::SystemRandom random;
  const std::string one = make_scram_nonce(random);
  CHECK(one.size() == 24);
  CHECK(one != make_scram_nonce(random));
}

}  // namespace hoop::postgres
