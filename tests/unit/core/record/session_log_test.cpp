// SPDX-License-Identifier: Apache-2.0
#include "core/record/session_log.h"

#include "core/base/encoding.h"
#include "core/record/log_format.h"
#include "core/record/session_log_reader.h"
#include "tests/support/catch.h"
#include "tests/support/memory_log.h"

using namespace hoop;
using namespace hoop::record;

namespace {

SessionStart start() {
  SessionStart start;
  start.session = "s_test";
  start.gateway = "gw_1";
  start.target = "pg-demo";
  start.protocol = "postgres";
  start.subject = "alice";
  start.program.command = {"psql", "-c", "select 1"};
  return start;
}

struct Written {
  std::shared_ptr<test::MemoryLog> log = std::make_shared<test::MemoryLog>();
  crypto::Digest256 digest{};
};

Written sealed_log(int records) {
  Written out;
  auto log = SessionLog::create(std::make_unique<test::MemorySink>(out.log),
                                crypto::Ed25519Key::generate(), start())
                 .value();
  for (int i = 0; i < records; ++i) {
    REQUIRE(log.append(RecordType::note, R"({"event":"n"})"));
    REQUIRE(log.commit());
  }
  REQUIRE(log.seal(SessionEnd{}));
  out.digest = log.head();
  return out;
}

Result<LogSummary> read_all(ByteSpan bytes, std::size_t piece,
                            std::vector<RecordType>* types = nullptr) {
  LogReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.feed(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    for (;;) {
      HOOP_TRY(auto record, reader.next());
      if (!record) break;
      if (types != nullptr) types->push_back(record->type);
    }
  }
  return reader.finish();
}

}  // namespace

TEST_CASE("what was written is read back, whatever the pieces") {
  const Written written = sealed_log(3);
  for (std::size_t piece = 1; piece < 200; ++piece) {
    std::vector<RecordType> types;
    const auto summary = read_all(written.log->bytes, piece, &types);
    REQUIRE(summary);
    CHECK(summary->sealed);
    CHECK(summary->records == 5);
    CHECK(summary->length == written.log->bytes.size());
    CHECK(summary->trailing == 0);
    CHECK(summary->digest == written.digest);
    CHECK(summary->header.session == "s_test");
    CHECK(types == std::vector<RecordType>{RecordType::note, RecordType::note, RecordType::note,
                                           RecordType::session_end, RecordType::seal});
  }
}

TEST_CASE("every changed bit is found") {
  const Written written = sealed_log(1);
  for (std::size_t at = 0; at < written.log->bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes changed = written.log->bytes;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1 << bit));
      const auto summary = read_all(changed, changed.size());
      INFO("byte " << at << " bit " << bit);
      // A length that grew makes the rest look cut; such a log is never sealed.
      CHECK((!summary || !summary->sealed));
    }
  }
}

TEST_CASE("a log that was cut anywhere is unsealed, and its whole segments still stand") {
  const Written written = sealed_log(2);
  for (std::size_t length = 0; length < written.log->bytes.size(); ++length) {
    const auto summary = read_all(ByteSpan(written.log->bytes).first(length), 64);
    INFO(length);
    if (!summary) {
      CHECK(summary.error().code == ErrorCode::malformed);  // cut inside the header
      continue;
    }
    CHECK_FALSE(summary->sealed);
    CHECK(summary->length + summary->trailing == length);
  }
}

TEST_CASE("segments cannot be dropped, repeated or swapped") {
  const auto log = std::make_shared<test::MemoryLog>();
  auto writer = SessionLog::create(std::make_unique<test::MemorySink>(log),
                                   crypto::Ed25519Key::generate(), start())
                    .value();
  const std::size_t first = log->bytes.size();
  REQUIRE(writer.append(RecordType::note, R"({"event":"a"})"));
  REQUIRE(writer.commit());
  const std::size_t second = log->bytes.size();
  REQUIRE(writer.append(RecordType::note, R"({"event":"b"})"));
  REQUIRE(writer.commit());
  const Bytes head(log->bytes.begin(), log->bytes.begin() + static_cast<std::ptrdiff_t>(first));
  const Bytes a(log->bytes.begin() + static_cast<std::ptrdiff_t>(first),
                log->bytes.begin() + static_cast<std::ptrdiff_t>(second));
  const Bytes b(log->bytes.begin() + static_cast<std::ptrdiff_t>(second), log->bytes.end());
  const auto joined = [&](std::initializer_list<const Bytes*> parts) {
    Bytes out = head;
    for (const Bytes* part : parts) out.insert(out.end(), part->begin(), part->end());
    return out;
  };
  CHECK(read_all(joined({&a, &b}), 4096));
  for (const auto& wrong : {joined({&b}), joined({&b, &a}), joined({&a, &a})}) {
    const auto summary = read_all(wrong, 4096);
    REQUIRE_FALSE(summary);
    CHECK(summary.error().code == ErrorCode::integrity);
  }
}

TEST_CASE("another key cannot seal, and nothing follows a seal") {
  const Written written = sealed_log(1);
  LogReader reader;
  Bytes longer = written.log->bytes;
  longer.push_back(0);
  const auto summary = read_all(longer, longer.size());
  REQUIRE_FALSE(summary);
  CHECK(summary.error().code == ErrorCode::integrity);
}

TEST_CASE("hostile lengths are refused before anything is allocated for them") {
  const Written written = sealed_log(0);
  Bytes header = written.log->bytes;
  header[10] = 0xff;  // header length
  auto summary = read_all(header, header.size());
  REQUIRE_FALSE(summary);
  CHECK(summary.error().code == ErrorCode::too_large);
  Bytes other_version = written.log->bytes;
  other_version[9] = 2;
  summary = read_all(other_version, other_version.size());
  REQUIRE_FALSE(summary);
  CHECK(summary.error().code == ErrorCode::unsupported);
}

TEST_CASE("a sink that fails stops every later record, and the log still closes") {
  const auto log = std::make_shared<test::MemoryLog>();
  auto writer = SessionLog::create(std::make_unique<test::MemorySink>(log),
                                   crypto::Ed25519Key::generate(), start())
                    .value();
  REQUIRE(writer.append(RecordType::note, R"({"event":"kept"})"));
  REQUIRE(writer.commit());
  log->fails = true;
  REQUIRE(writer.append(RecordType::note, R"({"event":"lost"})"));
  CHECK(writer.commit().error().code == ErrorCode::storage);
  CHECK(writer.append(RecordType::note, "{}").error().code == ErrorCode::storage);
  CHECK(writer.has_uncommitted());  // so that a gate cannot take silence for success
  CHECK(writer.commit().error().code == ErrorCode::storage);
  REQUIRE(writer.seal(SessionEnd{}));
  CHECK(log->reserve_released);
  const auto summary = read_all(log->bytes, 64);
  REQUIRE(summary);
  CHECK(summary->sealed);
  CHECK(summary->records == 3);
  CHECK(as_text(log->bytes).find("record_failed") != std::string_view::npos);
  CHECK(as_text(log->bytes).find("lost") == std::string_view::npos);
}

TEST_CASE("a commit is one write, however many records it holds") {
  const auto log = std::make_shared<test::MemoryLog>();
  auto writer = SessionLog::create(std::make_unique<test::MemorySink>(log),
                                   crypto::Ed25519Key::generate(), start())
                    .value();
  for (int i = 0; i < 100; ++i) REQUIRE(writer.append(RecordType::note, R"({"event":"n"})"));
  REQUIRE(writer.commit());
  CHECK(log->writes == 2);  // header, segment
  REQUIRE(writer.commit());
  CHECK(log->writes == 2);
}

TEST_CASE("more than a segment's bytes are split, and oversized records refused") {
  const auto log = std::make_shared<test::MemoryLog>();
  auto writer = SessionLog::create(std::make_unique<test::MemorySink>(log),
                                   crypto::Ed25519Key::generate(), start())
                    .value();
  const Bytes payload(200'000, 'x');
  for (int i = 0; i < 30; ++i) REQUIRE(writer.append_reply_data(1, payload));
  const Bytes large(kMaxRecordBytes + 1, 'x');
  CHECK(writer.append_reply_data(1, large).error().code == ErrorCode::too_large);
  REQUIRE(writer.seal(SessionEnd{}));
  const auto summary = read_all(log->bytes, 100'000);
  REQUIRE(summary);
  CHECK(summary->records == 32);
}

TEST_CASE("reply data says whose reply it is") {
  const auto log = std::make_shared<test::MemoryLog>();
  auto writer = SessionLog::create(std::make_unique<test::MemorySink>(log),
                                   crypto::Ed25519Key::generate(), start())
                    .value();
  const std::uint64_t action = 0x0102030405060708;
  REQUIRE(writer.append_reply_data(action, as_bytes("a row")));
  REQUIRE(writer.append_reply_data(2, {}));
  REQUIRE(writer.commit());
  LogReader reader;
  reader.feed(log->bytes);
  const std::size_t reader_at = log->bytes.size();
  const auto first = reader.next();
  REQUIRE((first && first->has_value()));
  CHECK((*first)->type == RecordType::reply_data);
  CHECK(reply_data_of(**first).action == action);
  CHECK(as_text(reply_data_of(**first).data) == "a row");
  const auto second = reader.next();
  REQUIRE((second && second->has_value()));
  CHECK(reply_data_of(**second).action == 2);
  CHECK(reply_data_of(**second).data.empty());

  REQUIRE(writer.append(RecordType::reply_data, "7 bytes"));
  REQUIRE(writer.commit());
  reader.feed(ByteSpan(log->bytes).last(log->bytes.size() - reader_at));
  const auto third = reader.next();
  REQUIRE_FALSE(third);
  CHECK(third.error().code == ErrorCode::malformed);
}

TEST_CASE("output says whose it is, and when") {
  const auto log = std::make_shared<test::MemoryLog>();
  auto writer = SessionLog::create(std::make_unique<test::MemorySink>(log),
                                   crypto::Ed25519Key::generate(), start())
                    .value();
  REQUIRE(writer.append_output({7, std::chrono::milliseconds(1234), true}, as_bytes("words")));
  REQUIRE(writer.append_output({8, std::chrono::hours(24 * 60), false}, {}));
  REQUIRE(writer.append_output({8, std::chrono::milliseconds(-5), false}, {}));
  REQUIRE(writer.commit());
  LogReader reader;
  reader.feed(log->bytes);
  const auto first = reader.next();
  REQUIRE((first && first->has_value()));
  const RecordedOutput said = output_of(**first);
  CHECK(said.mark.action == 7);
  CHECK(said.mark.after == std::chrono::milliseconds(1234));
  CHECK(said.mark.is_error);
  CHECK(as_text(said.data) == "words");
  const auto second = reader.next();
  REQUIRE((second && second->has_value()));
  CHECK(output_of(**second).mark.after == std::chrono::milliseconds(0xffffffff));
  CHECK_FALSE(output_of(**second).mark.is_error);
  const auto third = reader.next();
  REQUIRE((third && third->has_value()));
  CHECK(output_of(**third).mark.after.count() == 0);

  for (const std::string_view bad :
       {std::string_view("12 bytes ..."), std::string_view("\0\0\0\0\0\0\0\1\0\0\0\0\3", 13)}) {
    const auto other_log = std::make_shared<test::MemoryLog>();
    auto other = SessionLog::create(std::make_unique<test::MemorySink>(other_log),
                                    crypto::Ed25519Key::generate(), start())
                     .value();
    REQUIRE(other.append(RecordType::output, bad));
    REQUIRE(other.commit());
    LogReader reads;
    reads.feed(other_log->bytes);
    const auto refused = reads.next();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::malformed);
  }
}

TEST_CASE("records are JSON whatever the text") {
  access::Action action;
  action.verb = "select";
  action.text = "select '\xff\"\n'";
  action.resources = {{"table", "public.t", access::Access::read}};
  action.attributes = {{"where", "absent"}};
  const access::Decision decision{access::Effect::allow, "reads", "", ""};
  const std::string json = to_json(ActionRecord{7, 1, SystemTime{}, &action, &decision});
  CHECK(
      json ==
      R"({"id":7,"connection":1,"at":"1970-01-01T00:00:00.000Z","verb":"select","resources":[{"kind":"table","name":"public.t","access":"read"}],)"
      R"("attributes":{"where":"absent"},"text":"select ')"
      "\xef\xbf\xbd"
      R"(\"\n'","digest":")" +
          std::string(64, '0') + R"(","effect":"allow","rule":"reads"})");
}

TEST_CASE(
    "the worked example of hoopctl-session-log(5) is a sealed log with the digest that the page "
    "gives") {
  const auto summary =
      verify_log_file(HOOP_SOURCE_DIR "/tests/conformance/session_log/example.hslog");
  REQUIRE(summary);
  CHECK(summary->sealed);
  CHECK(summary->length == 352);
  CHECK(to_hex(summary->digest) ==
        "c83547eebe955104beff469cc90fda8a620863be98f40aef4a05ca601a13dd76");
}

TEST_CASE("a log that was given up takes its end and nothing else") {
  const auto log = std::make_shared<test::MemoryLog>();
  auto writer = SessionLog::create(std::make_unique<test::MemorySink>(log),
                                   crypto::Ed25519Key::generate(), start())
                    .value();
  REQUIRE(writer.append(RecordType::note, R"({"event":"n"})"));
  REQUIRE(writer.commit());
  REQUIRE(writer.append(RecordType::note, R"({"event":"lost"})"));
  writer.give_up({ErrorCode::storage, "the disk is gone", {}, {}});
  const auto appended = writer.append(RecordType::note, R"({"event":"m"})");
  REQUIRE_FALSE(appended);
  CHECK(appended.error().code == ErrorCode::storage);
  CHECK_FALSE(writer.commit());
  CHECK(writer.has_uncommitted());
  REQUIRE(writer.seal(SessionEnd{}));
  CHECK_THAT(to_text(log->bytes), Catch::Matchers::ContainsSubstring("record_failed"));
  CHECK_THAT(to_text(log->bytes), !Catch::Matchers::ContainsSubstring("lost"));
}
