// SPDX-License-Identifier: Apache-2.0
// The stock ssh, through a relay, to a real sshd.
#include "protocols/ssh/relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "core/crypto/digest.h"
#include "protocols/ssh/certificate.h"
#include "protocols/ssh/relay_frames.h"
#include "tests/support/catch.h"
#include "tests/support/ssh_client.h"
#include "tests/support/ssh_server.h"
#include "tests/support/temp_dir.h"

namespace hoop::ssh {
namespace {

using std::chrono::seconds;
using Words = std::vector<std::string>;

std::string whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeepsFreedMemory = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kKeepsFreedMemory = true;
#else
constexpr bool kKeepsFreedMemory = false;
#endif
#else
constexpr bool kKeepsFreedMemory = false;
#endif

/// The most that it has had so far, in KiB.
long resident_of(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/status");
  for (std::string word; in >> word;) {
    long most = 0;
    if (word == "VmHWM:" && in >> most) return most;
  }
  return 0;
}

struct Ran : test::SshRan {
  int relay_status = -1;
};

/// One client after the other, each with a relay of its own whose monitor is the test.
struct RelayWorld {
  crypto::SystemRandom random;
  crypto::Ed25519Key authority = crypto::Ed25519Key::generate();
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  crypto::Ed25519Key host = crypto::Ed25519Key::generate();
  test::TempDir keys;
  test::SshServer server{to_line(public_key(authority.public_key())),
                         {"Subsystem sftp internal-sftp", "AcceptEnv GREETING",
                          "AuthorizedKeysFile " + (keys / "authorized")}};
  test::TempDir folder;
  Words options;  // of ssh
  std::string input;
  Bytes client_key;
  std::string obstacle;
  std::string static_key;
  std::vector<std::string> host_keys{server.host_key("ed25519")};

  // What the monitor does, and what it heard.
  std::function<RelayVerdict(const RelayAsk&)> judge = [](const RelayAsk& ask) {
    return RelayVerdict{ask.number, true, {}};
  };
  std::function<Bytes(const RelayOutput&)> mask = [](const RelayOutput& output) {
    return output.data;
  };
  std::vector<RelayAsk> asked;
  std::vector<RelayEnded> ended;
  std::vector<RelayResized> resized;
  std::optional<RelayReady> ready;
  std::optional<RelayFailed> failed;
  std::size_t outputs = 0;
  bool looks_at_memory = false;
  long most_memory = 0;  // KiB that the relay had
  pid_t relay = -1;
  int leaves_at = -1;  // 0: at the first question, 1: at the first output

  RelaySetup setup() {
    CertificateTerms terms;
    terms.key_id = "relay test";
    terms.principals = {test::SshServer::user()};
    terms.valid_after = SystemClock().system_now() - seconds(60);
    terms.valid_before = SystemClock().system_now() + seconds(600);
    terms.extensions = {{"permit-pty", ""}};
    RelaySetup out;
    out.users = {"nobody-else", test::SshServer::user()};
    out.obstacle = obstacle;
    out.static_key = SecretBytes(to_bytes(static_key));
    out.host_keys = host_keys;
    out.certificate = sign_certificate(key.public_key(), terms, authority, random).value();
    out.key = key.seed();
    out.host_key = host.seed();
    out.client_key = client_key;
    out.patience = 15;
    return out;
  }

  Ran run(Words command, const std::string& program = "/usr/bin/ssh");
  void monitor(int control);
};

void RelayWorld::monitor(int control) {
  const auto send = [&](const ToRelay& frame) {
    Bytes bytes;
    append_framed(bytes, encode(frame));
    static_cast<void>(::send(control, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  };
  send(setup());
  Bytes buffer, chunk(kMaxFrame);
  for (;;) {
    const auto bytes = next_frame(buffer);
    REQUIRE(bytes);
    if (!*bytes) {
      pollfd ready_to_read{control, POLLIN, 0};
      if (::poll(&ready_to_read, 1, 60'000) <= 0) return;
      const ssize_t count = ::recv(control, chunk.data(), chunk.size(), 0);
      if (count <= 0) return;
      buffer.insert(buffer.end(), chunk.begin(), chunk.begin() + count);
      continue;
    }
    const auto frame = decode_from_relay(**bytes);
    REQUIRE(frame);
    buffer.erase(buffer.begin(),
                 buffer.begin() + static_cast<std::ptrdiff_t>(kFramePrefix + (*bytes)->size()));
    if (looks_at_memory && outputs % 50 == 0)
      most_memory = std::max(most_memory, resident_of(relay));
    if (const auto* ask = std::get_if<RelayAsk>(&*frame)) {
      asked.push_back(*ask);
      if (leaves_at == 0) return;
      send(judge(*ask));
    } else if (const auto* output = std::get_if<RelayOutput>(&*frame)) {
      ++outputs;
      if (output->data.empty()) {
        send(RelayMasked{output->number, {}});
        continue;
      }
      if (leaves_at == 1) {
        ::usleep(300'000);  // the program has done its work by then
        return;
      }
      RelayMasked masked{output->number, mask(*output)};
      send(masked);
    } else if (const auto* end = std::get_if<RelayEnded>(&*frame)) {
      ended.push_back(*end);
    } else if (const auto* size = std::get_if<RelayResized>(&*frame)) {
      resized.push_back(*size);
    } else if (const auto* is_ready = std::get_if<RelayReady>(&*frame)) {
      ready = *is_ready;
    } else if (const auto* has_failed = std::get_if<RelayFailed>(&*frame)) {
      failed = *has_failed;
    }
  }
}

Ran RelayWorld::run(Words command, const std::string& program) {
  Words words = options;
  words.insert(words.end(), command.begin(), command.end());
  test::SshClient client({to_line(public_key(host.public_key())), words, input, program});
  Descriptor accepted = client.accept();
  Descriptor upstream = server.connect();
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  relay = test::start_process([&] {
    ours.reset();
    ::_exit(run_relay(std::move(theirs), std::move(accepted), std::move(upstream)));
  });
  accepted.reset();
  upstream.reset();
  theirs.reset();
  monitor(ours.get());
  ours.reset();
  Ran out;
  out.relay_status = test::status_of(relay);
  static_cast<test::SshRan&>(out) = client.wait();
  return out;
}

std::string target() { return test::SshServer::user() + "@127.0.0.1"; }

std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 31 + i / 251) & 0xff);
  return out;
}

}  // namespace

TEST_CASE("relay: a command, its output, its errors and its status") {
  RelayWorld world;
  const Ran ran = world.run({target(), "echo out; echo err >&2; exit 7"});
  CHECK(ran.status == 7);
  CHECK(ran.out == "out\n");
  CHECK(ran.err == "err\n");
  CHECK(ran.relay_status == 0);
  REQUIRE(world.ready);
  CHECK(world.ready->host_key == world.server.host_key("ed25519"));
  REQUIRE(world.asked.size() == 1);
  CHECK(world.asked[0].act == RelayAct::exec);
  CHECK(world.asked[0].text == "echo out; echo err >&2; exit 7");
  REQUIRE(world.ended.size() == 1);
  CHECK(world.ended[0].has_status);
  CHECK(world.ended[0].status == 7);
  CHECK(world.ended[0].out == 8);
}

TEST_CASE("relay: what the monitor denies does not run") {
  RelayWorld world;
  world.judge = [](const RelayAsk& ask) {
    return RelayVerdict{ask.number, false, "rule 'no-shell': \x1b[31mnot here"};
  };
  const auto witness = world.folder / "witness";
  const Ran ran = world.run({target(), "touch " + witness});
  CHECK(ran.status == 77);
  CHECK(ran.out.empty());
  CHECK(ran.err.find("hoopctl: rule 'no-shell': ") != std::string::npos);
  CHECK(ran.err.find('\x1b') == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(witness));
}

TEST_CASE("relay: nothing runs before the verdict") {
  RelayWorld world;
  const auto witness = world.folder / "witness";
  bool was_there = true;
  world.judge = [&](const RelayAsk& ask) {
    ::usleep(300'000);
    was_there = std::filesystem::exists(witness);
    return RelayVerdict{ask.number, true, {}};
  };
  CHECK(world.run({target(), "touch " + witness}).status == 0);
  CHECK_FALSE(was_there);
  CHECK(std::filesystem::exists(witness));
}

TEST_CASE("relay: a monitor that goes takes the session along") {
  RelayWorld world;
  const auto witness = world.folder / "witness";
  world.leaves_at = GENERATE(0, 1);  // before the verdict; before the output
  const Ran ran = world.run({target(), "echo out; touch " + witness});
  CHECK(ran.status == 255);
  CHECK(ran.out.empty());
  CHECK(std::filesystem::exists(witness) == (world.leaves_at == 1));
}

TEST_CASE("relay: the client is given what the monitor makes of the output") {
  RelayWorld world;
  world.mask = [](const RelayOutput& output) {
    std::string text = to_text(output.data);
    if (const auto at = text.find("secret"); at != std::string::npos) text.replace(at, 6, "[...]");
    return to_bytes(text);
  };
  const Ran ran = world.run({target(), "echo a secret; echo another secret >&2"});
  CHECK(ran.out == "a [...]\n");
  CHECK(ran.err == "another [...]\n");
}

TEST_CASE("relay: bytes both ways, unchanged, and the end of input") {
  RelayWorld world;
  world.input = pattern(3'000'000);
  const Ran ran = world.run({target(), "cat; exit 3"});
  CHECK(ran.status == 3);
  CHECK((ran.out == world.input));
  REQUIRE(world.ended.size() == 1);
  CHECK(world.ended[0].in == world.input.size());
  CHECK(world.ended[0].out == world.input.size());
  CHECK(world.outputs >= world.input.size() / kMaxOutput);
}

TEST_CASE("relay: a program that closes its output first, and a signal that ends one") {
  RelayWorld world;
  CHECK(world.run({target(), "exec 1>&- 2>&-; sleep 1; exit 5"}).status == 5);
  const Ran killed = world.run({target(), "kill -TERM $$"});
  CHECK(killed.status == 255);
  REQUIRE(world.ended.size() == 2);
  CHECK(world.ended[1].signal == "TERM");
}

/// A program that does something with ssh's output.
std::string script(const RelayWorld& world, const std::string& text) {
  const std::string path = world.folder / "script";
  std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

TEST_CASE("relay: nobody reads on") {
  RelayWorld world;
  const auto begun = std::chrono::steady_clock::now();
  const Ran first =
      world.run({target(), "yes"}, script(world, R"(exec /usr/bin/ssh "$@" | head -n 1)"));
  CHECK(first.out == "y\n");
  CHECK(std::chrono::steady_clock::now() - begun < seconds(10));
  const Ran ran =
      world.run({target(), "yes | head -c 100000; yes 2>/dev/null | head -n 1 >/dev/null"});
  CHECK(ran.out.size() == 100'000);
}

TEST_CASE("relay: a reader that is slow costs no memory") {
  RelayWorld world;
  world.looks_at_memory = true;
  // 60 MB that are read after two seconds.
  const Ran ran = world.run({target(), "head -c 60000000 /dev/zero"},
                            script(world, R"(exec /usr/bin/ssh "$@" | (sleep 2; wc -c))"));
  CHECK(ran.out == "60000000\n");
  CHECK(world.most_memory > 0);
  if (!kKeepsFreedMemory)
    CHECK(world.most_memory < 40'000);  // what AddressSanitizer keeps of freed memory is more
}

TEST_CASE("relay: a program that reads late costs no memory") {
  RelayWorld world;
  world.looks_at_memory = true;
  // Not by the test's own memory, of which the relay is a copy.
  const Ran ran = world.run({target(), "sleep 2; wc -c"},
                            script(world, R"(head -c 60000000 /dev/zero | /usr/bin/ssh "$@")"));
  CHECK(ran.out == "60000000\n");
  CHECK(world.most_memory > 0);
  // What AddressSanitizer keeps of freed memory is more.
  if (!kKeepsFreedMemory) CHECK(world.most_memory < 40'000);
}

TEST_CASE("relay: a terminal, its size and its name") {
  RelayWorld world;
  world.options = {"-tt"};
  const Ran ran = world.run({target(), "tty >/dev/null && echo $TERM $(stty size)"});
  CHECK(ran.status == 0);
  REQUIRE(world.asked.size() == 2);
  CHECK(world.asked[0].act == RelayAct::pty);
  CHECK(world.asked[1].act == RelayAct::exec);
  CHECK(ran.out.find(world.asked[0].text) != std::string::npos);
}

TEST_CASE("relay: variables, and a shell that reads its commands") {
  RelayWorld world;
  world.options = {"-o", "SetEnv=GREETING=hello"};
  world.input = "echo $GREETING there\nexit 4\n";
  const Ran ran = world.run({target()});
  CHECK(ran.status == 4);
  CHECK(ran.out.find("hello there") != std::string::npos);
  const auto has = [&](RelayAct act) {
    return std::ranges::any_of(world.asked, [act](const auto& ask) { return ask.act == act; });
  };
  CHECK(has(RelayAct::env));
  CHECK(has(RelayAct::shell));
}

TEST_CASE("relay: sftp and scp") {
  RelayWorld world;
  const auto from = world.folder / "from", to = world.folder / "to";
  std::ofstream(from, std::ios::binary) << pattern(1'500'000);
  const Ran up = world.run({from, target() + ":" + to}, "/usr/bin/scp");
  INFO(up.err);
  CHECK(up.status == 0);
  CHECK((whole(to) == pattern(1'500'000)));
  REQUIRE(world.asked.size() == 1);
  CHECK(world.asked[0].act == RelayAct::subsystem);
  CHECK(world.asked[0].text == "sftp");
  std::filesystem::remove(from);
  const Ran down = world.run({"-O", target() + ":" + to, from}, "/usr/bin/scp");
  INFO(down.err);
  CHECK(down.status == 0);
  CHECK((whole(from) == pattern(1'500'000)));
  CHECK(world.asked.back().act == RelayAct::exec);
  CHECK(world.asked.back().text.starts_with("scp -f "));
}

TEST_CASE("relay: agents, X11 and sockets by their path are refused, and nobody is asked") {
  RelayWorld world;
  world.options = {"-A", "-X"};
  CHECK(world.run({target(), "echo x$SSH_AUTH_SOCK$DISPLAY"}).out == "x\n");
  CHECK(world.asked.size() == 1);
  world.asked.clear();
  world.options = {"-o", "ExitOnForwardFailure=yes", "-R", (world.folder / "s") + ":127.0.0.1:9"};
  CHECK(world.run({target(), "true"}).status == 255);
  CHECK(world.asked.empty());
}

TEST_CASE("relay: a forward that is refused is none, and the host hears of none") {
  RelayWorld world;
  world.judge = [](const RelayAsk& ask) { return RelayVerdict{ask.number, false, "no"}; };
  world.options = {"-W", "127.0.0.1:9"};
  CHECK(world.run({target()}).status == 255);
  REQUIRE(world.asked.size() == 1);
  CHECK(world.asked[0].act == RelayAct::forward);
  CHECK(world.asked[0].text == "127.0.0.1");
  CHECK(world.asked[0].columns == 9);
  CHECK(world.ended.empty());
  world.asked.clear();
  world.options = {"-o", "ExitOnForwardFailure=yes", "-R", "localhost:0:127.0.0.1:9"};
  CHECK(world.run({target(), "true"}).status == 255);
  REQUIRE(!world.asked.empty());
  CHECK(world.asked[0].act == RelayAct::listen);
  CHECK(world.asked[0].text == "localhost");
  CHECK(world.server.log().find("refused local port forward") == std::string::npos);
}

TEST_CASE("relay: what the monitor allows and the host does not is no forward either") {
  RelayWorld world;
  // The certificate permits a terminal and nothing else.
  world.options = {"-W", "127.0.0.1:9"};
  CHECK(world.run({target()}).status == 255);
  REQUIRE(world.ended.size() == 1);
  CHECK(world.ended[0].has_status);
  CHECK(world.ended[0].channel == world.asked[0].channel);
  CHECK(world.server.log().find("refused local port forward") != std::string::npos);
  world.options = {"-o", "ExitOnForwardFailure=yes", "-R", "localhost:0:127.0.0.1:9"};
  CHECK(world.run({target(), "true"}).status == 255);
}

TEST_CASE("relay: a client must prove its key where one is asked for") {
  RelayWorld world;
  const auto file = (world.folder / "id");
  REQUIRE(test::status_of(test::start_process([&] {
            ::execl("/usr/bin/ssh-keygen", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                    file.c_str(), nullptr);
          })) == 0);
  world.client_key = parse_public_key(whole(file + ".pub"))->blob;
  world.options = {"-o", "IdentityAgent=none", "-i", file};
  CHECK(world.run({target(), "echo in"}).out == "in\n");
  world.client_key = public_key(world.key.public_key()).blob;
  const Ran stranger = world.run({target(), "echo in"});
  CHECK(stranger.status == 255);
  CHECK(stranger.out.empty());
  CHECK(stranger.err.find("Permission denied") != std::string::npos);
}

TEST_CASE("relay: a key that the host knows already, in the place of a certificate") {
  for (const char* kind : {"ed25519", "rsa", "ecdsa"}) {
    INFO(kind);
    RelayWorld world;
    const std::string file = world.keys / kind;
    REQUIRE(test::status_of(test::start_process([&] {
              ::execl("/usr/bin/ssh-keygen", "ssh-keygen", "-q", "-t", kind, "-N", "", "-f",
                      file.c_str(), nullptr);
            })) == 0);
    world.static_key = whole(file);
    const Ran stranger = world.run({target(), "echo in"});
    CHECK(stranger.status == 255);
    CHECK(stranger.err.find("by a key of ours") != std::string::npos);
    std::filesystem::copy_file(file + ".pub", world.keys / "authorized");
    CHECK(world.run({target(), "echo in"}).out == "in\n");
  }
  RelayWorld world;
  world.static_key = "no key";
  const Ran broken = world.run({target(), "echo in"});
  CHECK(broken.status == 255);
  CHECK(broken.err.find("hoopctl: the login's key cannot be read") != std::string::npos);
}

TEST_CASE("relay: a target that is another than the pinned one") {
  RelayWorld world;
  world.host_keys = {fingerprint(public_key(world.key.public_key()))};
  const Ran ran = world.run({target(), "echo in"});
  CHECK(ran.status == 255);
  REQUIRE(world.failed);
  CHECK(world.failed->error.code == ErrorCode::integrity);
  CHECK(world.asked.empty());
  CHECK(ran.relay_status == 69);
  CHECK(ran.err.find("hoopctl: the target shows the host key") != std::string::npos);
}

TEST_CASE("relay: a login that the session does not have, and a target that is not there") {
  RelayWorld world;
  const Ran other = world.run({"somebody@127.0.0.1", "echo in"});
  CHECK(other.status == 255);
  CHECK(other.out.empty());
  CHECK(other.err.find("hoopctl: you may not log in here as 'somebody', but as: nobody-else, " +
                       test::SshServer::user()) != std::string::npos);
  // One that the session has, and the target does not let in.
  const Ran refused = world.run({"nobody-else@127.0.0.1", "echo in"});
  CHECK(refused.status == 255);
  CHECK(refused.err.find("hoopctl: the target lets nobody in as 'nobody-else'") !=
        std::string::npos);
  REQUIRE(world.failed);
  CHECK(world.failed->error.code == ErrorCode::upstream_refused);
  world.obstacle = "cannot reach '\x1b[1mweb-1'";
  const Ran none = world.run({target(), "echo in"});
  CHECK(none.status == 255);
  CHECK(none.err.find("hoopctl: cannot reach '") != std::string::npos);
  CHECK(none.err.find('\x1b') == std::string::npos);
  CHECK(world.asked.empty());
}

}  // namespace hoop::ssh
