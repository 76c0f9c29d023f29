// SPDX-License-Identifier: Apache-2.0
#include "core/record/spool.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/record/uploader.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::record;

namespace {

SessionLog begin(Spool& spool, const std::string& session) {
  SessionStart start;
  start.session = session;
  auto sink = spool.create(session, "https://gw.example", "pg-demo");
  REQUIRE(sink);
  return SessionLog::create(std::move(*sink), crypto::Ed25519Key::generate(), start).value();
}

}  // namespace

TEST_CASE("a log that is being written is not listed; once its writer is gone it is") {
  const test::TempDir dir;
  Spool spool = Spool::open(dir / "a/b/spool").value();
  {
    const SessionLog log = begin(spool, "s_1");
    CHECK(spool.list().value().empty());
  }
  const auto entries = spool.list().value();
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].session == "s_1");
  CHECK(entries[0].gateway_url == "https://gw.example");
  CHECK(entries[0].target == "pg-demo");
}

TEST_CASE("a log is its run's own until that has gone, and one run at a time delivers it") {
  const test::TempDir dir;
  Spool other = Spool::open(dir / "spool").value();
  {
    Spool own = Spool::open(dir / "spool").value();
    {
      const SessionLog log = begin(own, "s_1");
    }
    CHECK(own.list().value().size() == 1);
    CHECK(own.claim("s_1"));
    CHECK(other.list().value().empty());
    CHECK_FALSE(other.claim("s_1"));
  }
  CHECK(other.list().value().size() == 1);
  CHECK(other.claim("s_1"));
  Spool third = Spool::open(dir / "spool").value();
  CHECK_FALSE(third.claim("s_1"));
  REQUIRE(other.remove("s_1"));
  CHECK_FALSE(third.claim("s_1"));
  CHECK(std::filesystem::is_empty(dir / "spool"));
}

TEST_CASE("a session that failed before its log began leaves nothing") {
  const test::TempDir dir;
  Spool spool = Spool::open(dir / "spool").value();
  REQUIRE(spool.create("s_1", "https://gw.example", "pg-demo"));
  CHECK(std::filesystem::is_empty(dir / "spool"));
  CHECK(spool.list().value().empty());
}

TEST_CASE("runs that look for logs do not stand in the way of one that begins") {
  const test::TempDir dir;
  Spool spool = Spool::open(dir / "spool").value();
  std::vector<pid_t> lookers;
  for (int i = 0; i < 3; ++i) {
    const pid_t looker = ::fork();
    if (looker == 0) {
      for (;;) {
        const auto seen = Spool::open(dir / "spool").value().list();
        if (!seen || !seen->empty()) ::_exit(1);
      }
    }
    lookers.push_back(looker);
  }
  for (int i = 0; i < 500; ++i) {
    const std::string session = "s_" + std::to_string(i);
    auto sink = spool.create(session, "https://gw.example", "pg-demo");
    INFO((sink ? "" : sink.error().message));
    CHECK(sink);
    REQUIRE(spool.remove(session));
  }
  for (const pid_t looker : lookers) {
    ::kill(looker, SIGKILL);
    int status = -1;
    REQUIRE(::waitpid(looker, &status, 0) == looker);
    CHECK(WIFSIGNALED(status));
  }
}

TEST_CASE("spooled files are the user's alone") {
  const test::TempDir dir;
  Spool spool = Spool::open(dir / "spool").value();
  const SessionLog log = begin(spool, "s_1");
  for (const char* name : {"s_1.hslog", "s_1.json", "s_1.reserve"}) {
    struct stat status{};
    REQUIRE(::stat((dir / "spool/" + name).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
  ::chmod((dir / "spool").c_str(), 0755);
  CHECK(Spool::open(dir / "spool").error().code == ErrorCode::storage);
}

TEST_CASE("the reserve goes when the log is closed, and session ids cannot leave the folder") {
  const test::TempDir dir;
  Spool spool = Spool::open(dir / "spool").value();
  {
    SessionLog log = begin(spool, "s_1");
    REQUIRE(log.seal(SessionEnd{}));
  }
  CHECK_FALSE(std::filesystem::exists(dir / "spool/s_1.reserve"));
  for (const char* bad : {"", "..", "../x", "a/b", "a.b", "a b"}) {
    INFO(bad);
    CHECK(spool.create(bad, "u", "t").error().code == ErrorCode::malformed);
    CHECK_FALSE(spool.remove(bad));
  }
  CHECK(spool.create("s_1", "u", "t").error().code == ErrorCode::storage);  // never overwrites
}

TEST_CASE("a log that the gateway refuses does not stand before the others") {
  const test::TempDir dir;
  Spool spool = Spool::open(dir / "spool").value();
  {
    const SessionLog log = begin(spool, "s_1");
  }
  CHECK(spool.list_refused()->empty());
  REQUIRE(spool.set_aside("s_1"));
  CHECK(spool.list().value().empty());
  CHECK(std::filesystem::exists(dir / "spool/refused/s_1.hslog"));
  const auto refused = spool.list_refused().value();
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].session == "s_1");
  CHECK(refused[0].path == dir / "spool/refused/s_1.hslog");
  CHECK(refused[0].gateway_url.starts_with("https://"));
  CHECK(refused[0].bytes > 0);
  CHECK(refused[0].written_at > SystemTime{});
}

TEST_CASE(
    "an upload sends each byte once, goes on where the gateway stands, and ends with the receipt") {
  const test::TempDir dir;
  Spool spool = Spool::open(dir / "spool").value();
  {
    SessionLog log = begin(spool, "s_1");
    const Bytes payload(250'000, 'x');
    for (int i = 0; i < 12; ++i) REQUIRE(log.append_reply_data(1, payload));
    REQUIRE(log.seal(SessionEnd{}));
  }
  std::ifstream in(spool.path_of("s_1"), std::ios::binary);
  const std::string file((std::istreambuf_iterator<char>(in)), {});
  auto upload = Uploader::open(spool.path_of("s_1")).value();
  CHECK(std::holds_alternative<Uploader::AskOffset>(upload.next().value()));
  std::string received = file.substr(0, 1000);  // an earlier run got this far
  REQUIRE(upload.offset_is(received.size()));
  for (;;) {
    const auto step = upload.next().value();
    if (const auto* chunk = std::get_if<Uploader::PutChunk>(&step)) {
      REQUIRE(chunk->offset == received.size());
      CHECK(chunk->bytes.size() <= kUploadChunkBytes);
      CHECK(crypto::sha256(chunk->bytes) == chunk->digest);
      received += as_text(chunk->bytes);
      REQUIRE(upload.offset_is(received.size()));
    } else if (const auto* finish = std::get_if<Uploader::Finish>(&step)) {
      CHECK(finish->length == file.size());
      CHECK(finish->sealed);
      upload.finished("receipt");
    } else {
      CHECK(std::get<Uploader::Done>(step).receipt == "receipt");
      break;
    }
  }
  CHECK(received == file);
  CHECK(upload.offset_is(file.size() + 1).error().code == ErrorCode::integrity);
}

TEST_CASE("a log that a kill cut is sent up to its last whole segment, as unsealed") {
  const test::TempDir dir;
  Spool spool = Spool::open(dir / "spool").value();
  {
    SessionLog log = begin(spool, "s_1");
    REQUIRE(log.append(RecordType::note, R"({"event":"n"})"));
    REQUIRE(log.commit());
  }
  const auto whole = std::filesystem::file_size(spool.path_of("s_1"));
  std::ofstream(spool.path_of("s_1"), std::ios::app | std::ios::binary) << "torn";
  auto upload = Uploader::open(spool.path_of("s_1")).value();
  REQUIRE(upload.offset_is(whole));
  const auto step = upload.next().value();
  const auto* finish = std::get_if<Uploader::Finish>(&step);
  REQUIRE(finish != nullptr);
  CHECK(finish->length == whole);
  CHECK_FALSE(finish->sealed);
}

TEST_CASE("a log whose bytes were changed on disk is not sent") {
  const test::TempDir dir;
  Spool spool = Spool::open(dir / "spool").value();
  {
    SessionLog log = begin(spool, "s_1");
    REQUIRE(log.seal(SessionEnd{}));
  }
  {
    std::fstream file(spool.path_of("s_1"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-40, std::ios::end);
    file.put('!');
  }
  CHECK(Uploader::open(spool.path_of("s_1")).error().code == ErrorCode::integrity);
}
