// SPDX-License-Identifier: Apache-2.0
// The harness's own code; it is a test file because the build takes a folder's tests together.
#include "tests/unit/protocols/postgres/session_harness.h"

#include <fmt/format.h>

#include "protocols/postgres/scram.h"

namespace hoop::test {

using namespace hoop::postgres;

std::string tags(const std::vector<Said>& said) {
  std::string out;
  for (const Said& one : said) {
    out.push_back(one.tag);
  }
  return out;
}

std::string field(const Said& said, char code) {
  ByteReader in(as_bytes(said.body));
  for (auto at = in.u8(); at && *at != 0; at = in.u8()) {
    const auto value = in.c_string();
    if (!value) break;
    if (static_cast<char>(*at) == code) return std::string(*value);
  }
  return {};
}

std::vector<std::string> values(const Said& row) {
  std::vector<std::string> out;
  const auto decoded = decode_data_row(as_bytes(row.body));
  REQUIRE(decoded);
  for (const Value& value : decoded->values) {
    out.push_back(value ? to_text(*value) : "∅");
  }
  return out;
}

const Said& first(const std::vector<Said>& said, char tag) {
  for (const Said& one : said) {
    if (one.tag == tag) return one;
  }
  FAIL("no message " << tag << " in " << tags(said));
  return said.front();
}

Task<net::StreamPtr> ScriptDialer::dial(std::string, std::uint16_t, Deadline) {
  auto [ours, theirs] = net::stream_pair(context_.get_executor());
  asio::co_spawn(context_, script_(std::move(theirs)), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  co_return std::move(ours);
}

access::PolicyDocument allow_all(std::vector<access::Mask> masks) {
  access::PolicyDocument document;
  access::Rule rule;
  rule.name = "all";
  rule.effect = access::Effect::allow;
  rule.when = {{"protocol", {"postgres"}}};
  document.rules = {rule};
  document.masks = std::move(masks);
  return document;
}

access::Mask column_mask(std::string column, access::MaskStrategy with) {
  access::Mask mask;
  mask.name = "column";
  mask.columns = {std::move(column)};
  mask.with = with;
  return mask;
}

access::Mask detector_mask(std::string detector) {
  access::Mask mask;
  mask.name = "detector";
  mask.detectors = {std::move(detector)};
  return mask;
}

SessionSettings scripted_settings(access::PolicyDocument policy) {
  SessionSettings settings;
  settings.policy = std::move(policy);
  settings.target.name = "pg-test";
  settings.target.protocol = "postgres";
  settings.target.host = "127.0.0.1";
  settings.target.port = 5432;
  settings.target.databases = {"demo"};
  settings.target.tls = access::TlsMode::disable;
  return settings;
}

SessionUnderTest::SessionUnderTest(asio::io_context& context, SessionSettings settings,
                                   std::unique_ptr<net::Dialer> dialer)
    : context_(context) {
  session::SessionParts parts{{},
                              std::make_unique<MemorySink>(log_),
                              crypto::Ed25519Key::generate(),
                              std::move(dialer),
                              make_handler,
                              {{"psql"}},
                              "test"};
  parts.grant.session = "s_test";
  parts.grant.target = settings.target;
  parts.grant.policy = settings.policy;
  parts.grant.mask_key = SecretBytes(Bytes(32, 7));
  parts.grant.database_role = "demo_role";
  access::PostgresCredential credential;
  credential.username = settings.user;
  credential.password = SecretText(settings.password);
  parts.grant.credential = std::move(credential);
  auto engine = session::SessionEngine::create(std::move(parts), clock_, random_, operator_log_);
  if (!engine) FAIL(engine.error().message);
  engine_ = std::move(*engine);
}

net::StreamPtr SessionUnderTest::open(session::Opening opening) {
  auto [program, ours] = net::stream_pair(context_.get_executor());
  asio::co_spawn(context_, engine_->serve(std::move(ours), std::move(opening)),
                 [this](const std::exception_ptr& thrown, const Result<void>& outcome) {
                   if (thrown) std::rethrow_exception(thrown);
                   outcomes_.push_back(outcome);
                 });
  return std::move(program);
}

std::vector<std::string> SessionUnderTest::records() const {
  record::LogReader reader;
  reader.feed(log_->bytes);
  std::vector<std::string> out;
  for (;;) {
    auto next = reader.next();
    REQUIRE(next);
    if (!*next) return out;
    out.push_back(fmt::format("{} {}", static_cast<int>((*next)->type), to_text((*next)->payload)));
  }
}

std::size_t SessionUnderTest::count_records(std::string_view containing) const {
  const auto all = records();
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(),
      [&](const std::string& record) { return record.find(containing) != std::string::npos; }));
}

asio::awaitable<void> Program::send(Bytes bytes) {
  const auto sent = co_await stream_->write_all(bytes);
  static_cast<void>(sent);  // a connection that was ended shows by what is read
}

asio::awaitable<Said> Program::read_one() {
  for (;;) {
    auto frame = reader_.next(Direction::from_backend);
    if (!frame) FAIL(frame.error().message);
    if (*frame) co_return Said{(*frame)->tag, to_text((*frame)->body)};
    const auto count = co_await stream_->read_some(reader_.prepare());
    if (!count || *count == 0) co_return Said{};
    reader_.commit(*count);
  }
}

asio::awaitable<std::vector<Said>> Program::read(int ready) {
  std::vector<Said> said;
  while (ready > 0) {
    Said one = co_await read_one();
    if (one.tag == 0) break;
    if (one.tag == 'Z') --ready;
    said.push_back(std::move(one));
  }
  co_return said;
}

asio::awaitable<std::vector<Said>> Program::ask(std::string sql) {
  Bytes bytes;
  append_query(bytes, sql);
  co_await send(std::move(bytes));
  co_return co_await read();
}

ScriptDialer::Script FakeServer::script() {
  return [this](net::StreamPtr stream) { return serve(std::move(stream)); };
}

asio::awaitable<Result<void>> FakeServer::write(net::Stream& stream, Bytes bytes) {
  const std::size_t size = options_.write_size == 0 ? bytes.size() : options_.write_size;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    const ByteSpan part = ByteSpan(bytes).subspan(at, std::min(size, bytes.size() - at));
    HOOP_CO_CHECK(co_await stream.write_all(part));
    // Lets the reader run between two parts.
    for (int i = 0; i < 3; ++i) {
      co_await asio::post(context_, asio::use_awaitable);
    }
  }
  co_return Result<void>{};
}

/// SCRAM as a server; false for a CancelRequest, which is counted.
asio::awaitable<bool> FakeServer::authenticate(net::Stream& stream, FrameReader& reader) {
  static const ScramVerifier verifier =
      make_scram_verifier(SecretText(std::string(kRolePassword)), to_bytes("salt"), 1);
  ScramServer scram(verifier, "server-nonce");
  int step = 0;
  for (;;) {
    auto frame = step == 0 ? reader.next_startup() : reader.next(Direction::from_frontend);
    REQUIRE(frame);
    if (!*frame) {
      const auto count = co_await stream.read_some(reader.prepare());
      if (!count || *count == 0) co_return false;
      reader.commit(*count);
      continue;
    }
    Bytes out;
    if (step == 0) {
      const auto packet = decode_startup_packet((*frame)->body);
      REQUIRE(packet);
      if (std::holds_alternative<CancelRequest>(*packet)) {
        ++cancels_;
        co_return false;
      }
      append_authentication_sasl(out, std::span(&kScramSha256, 1));
    } else if (step == 1) {
      const auto initial = decode_sasl_initial_response((*frame)->body);
      append_authentication_sasl_continue(out,
                                          scram.first(as_text(initial->response.value())).value());
    } else {
      append_authentication_sasl_final(
          out, scram.finish(as_text(decode_sasl_response((*frame)->body)->data)).value());
      append_authentication_ok(out);
    }
    if (!co_await stream.write_all(out)) co_return false;
    if (step++ == 2) co_return true;
  }
}

asio::awaitable<void> FakeServer::serve(net::StreamPtr stream) {
  FrameReader reader;
  if (!co_await authenticate(*stream, reader)) co_return;
  Bytes greeting;
  append_parameter_status(greeting, "client_encoding", "UTF8");
  append_parameter_status(greeting, "standard_conforming_strings", "on");
  append_parameter_status(greeting, "integer_datetimes", "on");
  append_parameter_status(greeting, "server_version", "15.0");
  append_backend_key_data(greeting, 42, to_bytes("key!"));
  append_ready_for_query(greeting, status);
  if (!co_await write(*stream, std::move(greeting))) co_return;
  for (;;) {
    const auto count = co_await stream->read_some(reader.prepare());
    if (!count || *count == 0) co_return;
    reader.commit(*count);
    Bytes out;
    for (;;) {
      auto frame = reader.next(Direction::from_frontend);
      REQUIRE(frame);
      if (!*frame) break;
      if ((*frame)->tag == 'X') co_return;
      answer(**frame, out);
    }
    const bool said_all = hang_up && !heard_.empty();
    if (!out.empty() && !co_await write(*stream, std::move(out))) co_return;
    if (said_all) co_return;
  }
}

void FakeServer::answer_text(const std::string& text, Bytes& out, bool describe) {
  const auto found = answers_.find(text);
  if (found == answers_.end()) {
    append_error_response(out, Report{Severity::error, "42601", "syntax error", {}, {}});
    skipping_ = !describe;
    return;
  }
  if (describe)
    out.insert(out.end(), found->second.describes.begin(), found->second.describes.end());
  out.insert(out.end(), found->second.rows.begin(), found->second.rows.end());
}

void FakeServer::answer(const Frame& frame, Bytes& out) {
  const auto text = [&] {
    return std::string(as_text(frame.body).substr(0, as_text(frame.body).find('\0')));
  };
  heard_.push_back(fmt::format(
      "{}:{}", frame.tag, frame.tag == 'P' ? std::string(decode_parse(frame.body)->text) : text()));
  if (!raw.empty()) {
    if (frame.tag == 'S') out = raw;
    return;
  }
  if (frame.tag == 'S') {
    skipping_ = false;
    append_ready_for_query(out, status);
    return;
  }
  if (skipping_) return;
  switch (frame.tag) {
    case 'Q':
      answer_text(text(), out, true);
      if (!hang_up) append_ready_for_query(out, status);
      break;
    case 'P':
      statement_ = decode_parse(frame.body)->text;
      if (answers_.contains(statement_)) {
        append_parse_complete(out);
      } else {
        answer_text(statement_, out, false);
      }
      break;
    case 'B': append_bind_complete(out); break;
    case 'D':
      if (answers_[statement_].describes.empty()) {
        append_no_data(out);
      } else {
        out.insert(out.end(), answers_[statement_].describes.begin(),
                   answers_[statement_].describes.end());
      }
      break;
    case 'E': answer_text(statement_, out, false); break;
    case 'C': append_close_complete(out); break;
    default: break;
  }
}

}  // namespace hoop::test
