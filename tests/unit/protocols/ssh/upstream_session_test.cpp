// SPDX-License-Identifier: Apache-2.0
// Against a real sshd.
#include "protocols/ssh/upstream_session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "core/crypto/digest.h"
#include "protocols/ssh/certificate.h"
#include "tests/support/catch.h"
#include "tests/support/ssh_server.h"

namespace hoop::ssh {
namespace {

using std::chrono::seconds;

struct World {
  crypto::SystemRandom random;
  crypto::Ed25519Key authority = crypto::Ed25519Key::generate();
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  test::SshServer server;

  explicit World(const std::vector<std::string>& settings = {})
      : server(to_line(public_key(authority.public_key())), settings) {}

  CertificateTerms terms() const {
    CertificateTerms out;
    out.serial = 42;
    out.key_id = "alice s_upstream";
    out.principals = {test::SshServer::user()};
    out.valid_after = SystemClock().system_now() - seconds(60);
    out.valid_before = SystemClock().system_now() + seconds(120);
    out.extensions = {{"permit-pty", ""}};
    return out;
  }
  UpstreamLogin login(const CertificateTerms& with) {
    UpstreamLogin out;
    out.user = test::SshServer::user();
    out.host_keys = {server.host_key("ed25519")};
    out.certificate = sign_certificate(key.public_key(), with, authority, random).value();
    return out;
  }
  Result<UpstreamSession> open(const UpstreamLogin& as) {
    return UpstreamSession::open(server.connect(), as, key, random, seconds(20));
  }
  /// What a certificate with a change of its terms leads to.
  template <class Change>
  ErrorCode refused(Change change) {
    CertificateTerms with = terms();
    change(with);
    const auto session = open(login(with));
    REQUIRE_FALSE(session);
    return session.error().code;
  }
};

}  // namespace

TEST_CASE("upstream: a certificate lets in, and the server's log names the session") {
  World world;
  const auto session = world.open(world.login(world.terms()));
  REQUIRE(session);
  CHECK(fingerprint(session->host_key()) == world.server.host_key("ed25519"));
  CHECK(session->banner().find("OpenSSH") != std::string::npos);
  const std::string log = world.server.log();
  CHECK(log.find("ID alice s_upstream (serial 42)") != std::string::npos);
}

TEST_CASE("upstream: a host key that is not pinned ends it before anybody logs in") {
  World world;
  UpstreamLogin login = world.login(world.terms());
  login.host_keys = {fingerprint(public_key(world.key.public_key()))};
  const auto session = world.open(login);
  REQUIRE_FALSE(session);
  CHECK(session.error().code == ErrorCode::integrity);
  CHECK(session.error().message.find(world.server.host_key("ed25519")) != std::string::npos);
  CHECK(world.server.log().find("Accepted") == std::string::npos);
  login.host_keys.clear();
  CHECK(world.open(login).error().code == ErrorCode::integrity);
  // Several may be pinned, as while a host gets new ones.
  login.host_keys = {fingerprint(public_key(world.key.public_key())),
                     world.server.host_key("ed25519")};
  CHECK(world.open(login));
}

TEST_CASE("upstream: what a certificate says, sshd keeps") {
  World world;
  CHECK(world.refused([](auto& terms) { terms.principals = {"somebody-else"}; }) ==
        ErrorCode::upstream_refused);
  CHECK(world.refused([](auto& terms) {
    terms.valid_after -= std::chrono::hours(2);
    terms.valid_before = terms.valid_after + seconds(60);
  }) == ErrorCode::upstream_refused);
  CHECK(world.refused([](auto& terms) {
    terms.critical_options["source-address"] = "192.0.2.1";
  }) == ErrorCode::upstream_refused);
  CHECK(world.refused([](auto& terms) { terms.critical_options["not-known"] = "x"; }) ==
        ErrorCode::upstream_refused);
  CertificateTerms with = world.terms();
  with.critical_options = {{"source-address", "127.0.0.1/32"}, {"force-command", "true"}};
  with.extensions["session@hoopctl"] = "s_upstream";  // not known: passed over
  CHECK(world.open(world.login(with)));
}

TEST_CASE("upstream: a certificate of another authority, or for another key") {
  World world;
  UpstreamLogin login = world.login(world.terms());
  const auto stranger = crypto::Ed25519Key::generate();
  login.certificate =
      sign_certificate(world.key.public_key(), world.terms(), stranger, world.random).value();
  const auto session = world.open(login);
  REQUIRE_FALSE(session);
  CHECK(session.error().code == ErrorCode::upstream_refused);
  CHECK(session.error().hint.find("TrustedUserCAKeys") != std::string::npos);
  login.certificate =
      sign_certificate(stranger.public_key(), world.terms(), world.authority, world.random).value();
  CHECK_FALSE(world.open(login));
  login.certificate = {1, 2, 3};
  CHECK(world.open(login).error().code == ErrorCode::malformed);
}

TEST_CASE("upstream: a server that wants more than a certificate") {
  World world(
      {"AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes"});
  const auto session = world.open(world.login(world.terms()));
  REQUIRE_FALSE(session);
  CHECK(session.error().code == ErrorCode::upstream_refused);
}

TEST_CASE("upstream: host keys by algorithm, without a login") {
  World world;
  const auto ed25519 = read_host_key(world.server.connect(), "ssh-ed25519", seconds(20));
  const auto rsa = read_host_key(world.server.connect(), "rsa-sha2-512,rsa-sha2-256", seconds(20));
  REQUIRE(ed25519);
  REQUIRE(rsa);
  CHECK(fingerprint(*ed25519) == world.server.host_key("ed25519"));
  CHECK(fingerprint(*rsa) == world.server.host_key("rsa"));
  CHECK(rsa->type == "ssh-rsa");
  const auto none = read_host_key(world.server.connect(), "ecdsa-sha2-nistp256", seconds(20));
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::upstream_unreachable);
}

TEST_CASE("upstream: what is no SSH server, or says nothing") {
  World world;
  const UpstreamLogin login = world.login(world.terms());
  const auto open = [&](const std::string& says, bool stays) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    Descriptor other(ends[1]);
    REQUIRE(::write(other.get(), says.data(), says.size()) == static_cast<ssize_t>(says.size()));
    if (!stays) other.reset();
    const auto session =
        UpstreamSession::open(Descriptor(ends[0]), login, world.key, world.random, seconds(2));
    REQUIRE_FALSE(session);
    return session.error().code;
  };
  CHECK(open("", true) == ErrorCode::timeout);
  CHECK(open("SSH-2.0-OpenSSH_9.2\r\n", true) == ErrorCode::timeout);
  CHECK(open("SSH-2.0-OpenSSH_9.2\r\n", false) == ErrorCode::upstream_unreachable);
  CHECK(open("SSH-1.5-old\r\n", true) == ErrorCode::upstream_unreachable);
  CHECK(open("HTTP/1.1 400 Bad Request\r\n\r\n", false) == ErrorCode::upstream_unreachable);
  CHECK(open("SSH-2.0-x\r\n" + std::string("\x7f\xff\xff\xff", 4) + std::string(64, '\xff'),
             true) == ErrorCode::upstream_unreachable);
}

}  // namespace hoop::ssh
