// SPDX-License-Identifier: Apache-2.0
// A session as the engine runs it, in memory: a program that sends bytes, policy, masks, record,
// and a target that answers what a test has written for it.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <asio/local/connect_pair.hpp>

#include "core/http/message_reader.h"
#include "core/net/task_group.h"
#include "core/record/session_log_reader.h"
#include "protocols/http/handler.h"
#include "tests/support/catch.h"
#include "tests/support/memory_log.h"
#include "tests/support/run_task.h"
#include "tests/support/scripted_people.h"

namespace hoop::http_target {

/// What the target has got on one connection, byte by byte, and what it says.
struct TargetWorld {
  struct Answer {
    std::string bytes;
    bool closes = false;                 // behind them
    std::chrono::milliseconds after{0};  // before them
    std::vector<std::string> then = {};  // each in a while
  };
  static constexpr std::chrono::milliseconds kWhile{5};
  std::deque<Answer> answers;                    // to one request after another; then kDefault
  std::vector<std::string> got;                  // one a connection
  std::vector<http::Request> requests;           // as it has read them, bodies and all
  std::optional<Answer> answers_before_reading;  // as soon as it is connected
  int dials = 0;
  bool is_down = false;
  bool is_socket = false;  // on which what nobody has asked for can be seen; else in memory

  static constexpr std::string_view kDefault =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

  asio::awaitable<void> serve(std::shared_ptr<net::Stream> stream, std::size_t number) {
    http::RequestReader reader(1U << 30U);
    Bytes buffer(16384);
    if (answers_before_reading) {
      const std::string early = answers_before_reading->bytes;
      static_cast<void>(co_await stream->write_all(as_bytes(early)));
    }
    http::Request request;
    for (;;) {
      const auto count = co_await stream->read_some(buffer);
      if (!count || *count == 0) co_return;
      ByteSpan in = ByteSpan(buffer).first(*count);
      got[number].append(as_text(in));
      for (bool goes_on = true; goes_on;) {
        const auto event = reader.next(in);
        if (!event) co_return;
        if (*event == http::Event::head) request = reader.head();
        if (*event == http::Event::body) request.body.append(as_text(reader.chunk()));
        goes_on = *event != http::Event::need_more;
        if (*event != http::Event::done) continue;
        requests.push_back(request);
        reader.restart();
        Answer answer{std::string(kDefault), false, {}};
        if (!answers.empty()) {
          answer = std::move(answers.front());
          answers.pop_front();
        }
        if (answer.after.count() != 0) {
          asio::steady_timer timer(stream->executor(), answer.after);
          co_await timer.async_wait(as_result);
        }
        static_cast<void>(co_await stream->write_all(as_bytes(answer.bytes)));
        for (const std::string& more : answer.then) {
          asio::steady_timer timer(stream->executor(), kWhile);
          co_await timer.async_wait(as_result);
          static_cast<void>(co_await stream->write_all(as_bytes(more)));
        }
        if (answer.closes) {
          static_cast<void>(co_await stream->shutdown_write());
          co_return;
        }
        goes_on = !in.empty();
      }
    }
  }
};

class TargetDialer final : public net::Dialer {
 public:
  TargetDialer(TargetWorld& target, asio::any_io_executor executor)
      : target_(target), executor_(std::move(executor)) {}
  Task<net::StreamPtr> dial(std::string, std::uint16_t, Deadline) override {
    if (target_.is_down) co_return fail(ErrorCode::upstream_unreachable, "connection refused");
    ++target_.dials;
    auto [ours, theirs] = target_.is_socket ? socket_pair() : net::stream_pair(executor_);
    target_.got.emplace_back();
    asio::co_spawn(
        executor_,
        target_.serve(std::shared_ptr<net::Stream>(std::move(theirs)), target_.got.size() - 1),
        [](const std::exception_ptr&) {});
    co_return std::move(ours);
  }

 private:
  std::pair<net::StreamPtr, net::StreamPtr> socket_pair() {
    asio::local::stream_protocol::socket ours(executor_), theirs(executor_);
    asio::local::connect_pair(ours, theirs);
    return {net::make_unix_stream(std::move(ours)), net::make_unix_stream(std::move(theirs))};
  }
  TargetWorld& target_;
  asio::any_io_executor executor_;
};

/// What a program got until its connection ended, and the responses in it.
struct ProgramGot {
  std::string bytes;
  std::vector<http::Response> responses;
  bool is_whole = true;  // the last response is, and nothing stands behind it
};

struct HttpWorld {
  static access::Rule rule(std::string name, access::Effect effect,
                           std::map<std::string, std::vector<std::string>> when) {
    access::Rule out;
    out.name = std::move(name);
    out.effect = effect;
    out.when = std::move(when);
    out.message = out.name + " says so";
    return out;
  }

  asio::io_context context;
  SystemClock clock;
  /// How long a program waits for more before it says that it sends no more itself.
  std::chrono::milliseconds quiet{150};
  /// And between two pieces of what it sends.
  std::chrono::milliseconds between{0};
  crypto::SystemRandom random;
  NullLog operator_log;
  std::shared_ptr<test::MemoryLog> log = std::make_shared<test::MemoryLog>();
  TargetWorld target;
  access::PolicyDocument policy;
  access::HttpCredential credential;
  access::Target made_target;
  session::HandlerFactory maker = [](session::SessionContext given) { return make_handler(given); };
  session::Opening opening;  // of each connection
  std::unique_ptr<session::SessionEngine> engine;
  test::ScriptedPeople* people = nullptr;  // who are asked, once with_people()
  std::chrono::seconds patience{5};
  std::function<void()> meanwhile;  // called every turn while a program talks
  Result<void> served;

  HttpWorld() {
    policy.rules = {rule("no-admin", access::Effect::deny, {{"path", {"/admin/**", "/admin"}}}),
                    rule("all", access::Effect::allow, {{"protocol", {"http"}}, {"verb", {"*"}}})};
    credential.headers.push_back({"X-Api-Key", SecretText("key-0123456789abcdef")});
    made_target.name = "billing";
    made_target.protocol = "http";
    made_target.host = "billing.internal";
    made_target.port = 80;
    made_target.tls = access::TlsMode::disable;
  }

  void with_people() {
    auto made = std::make_unique<test::ScriptedPeople>(context.get_executor());
    people = made.get();
    asked_ = std::move(made);
  }

  void open() {
    session::SessionParts parts{{},
                                std::make_unique<test::MemorySink>(log),
                                crypto::Ed25519Key::generate(),
                                std::make_unique<TargetDialer>(target, context.get_executor()),
                                maker,
                                {},
                                ""};
    parts.approvals = std::move(asked_);
    parts.approval_wait = patience;
    parts.grant.session = "s_http";
    parts.grant.target = made_target;
    parts.grant.credential = access::Credential(std::move(credential));
    parts.grant.identity.subject = "ann";
    parts.grant.mask_key = SecretBytes(Bytes(32, 1));
    parts.grant.policy = policy;
    auto made = session::SessionEngine::create(std::move(parts), clock, random, operator_log);
    if (!made) FAIL(made.error().message);
    engine = std::move(*made);
  }

  /// One connection: the program writes the pieces, then no more, and reads to the end. methods: of
  /// the requests, for reading the responses; the last one goes on.
  ProgramGot send(std::vector<std::string> pieces, std::vector<std::string> methods = {"GET"}) {
    if (!engine) open();
    auto [program, downstream] = net::stream_pair(context.get_executor());
    ProgramGot out;
    auto done = std::make_shared<int>(0);
    asio::co_spawn(context, serve(std::move(downstream)),
                   [done](const std::exception_ptr& failure) {
                     if (failure) std::rethrow_exception(failure);
                     ++*done;
                   });
    asio::co_spawn(context,
                   talk(std::shared_ptr<net::Stream>(std::move(program)), std::move(pieces),
                        {between, quiet}, out.bytes),
                   [done](const std::exception_ptr& failure) {
                     if (failure) std::rethrow_exception(failure);
                     ++*done;
                   });
    context.restart();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (*done < 2 && std::chrono::steady_clock::now() < until) {
      context.run_one_for(std::chrono::milliseconds(20));
      if (meanwhile) meanwhile();
    }
    REQUIRE(*done == 2);
    read_responses(out, methods);
    return out;
  }
  ProgramGot get(const std::string& path, const std::string& fields = "") {
    return send({"GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n" + fields + "\r\n"});
  }

  /// Ends the session, and reads its log.
  std::vector<record::Record> records() {
    REQUIRE(engine->finish("program_exit", 0));
    std::vector<record::Record> out;
    record::LogReader reader;
    reader.feed(log->bytes);
    for (;;) {
      auto next = reader.next();
      REQUIRE(next);
      if (!*next) break;
      out.push_back(std::move(**next));
    }
    return out;
  }
  /// What records of that type say, one a line.
  std::string said(record::RecordType type) {
    std::string out;
    for (const record::Record& one : records()) {
      if (one.type == type) out.append(as_text(one.payload)).append("\n");
    }
    return out;
  }

 private:
  std::unique_ptr<session::Approvals> asked_;
  asio::awaitable<void> serve(net::StreamPtr downstream) {
    served = co_await engine->serve(std::move(downstream), opening);
  }
  struct Pauses {
    std::chrono::milliseconds between, quiet;
  };
  static asio::awaitable<void> talk(std::shared_ptr<net::Stream> program,
                                    std::vector<std::string> pieces, Pauses pauses,
                                    std::string& got) {
    for (const std::string& piece : pieces) {
      const auto written = co_await program->write_all(as_bytes(piece));
      if (!written) break;
      asio::steady_timer timer(program->executor(), pauses.between);
      co_await timer.async_wait(as_result);
    }
    Bytes buffer(65536);
    bool is_shut = false;
    for (;;) {
      // A program that says that it sends no more would be taken for one that has gone.
      program->set_deadline(
          Deadline::at(std::chrono::steady_clock::now() +
                       (is_shut ? std::chrono::milliseconds(5000) : pauses.quiet)));
      const auto count = co_await program->read_some(buffer);
      if (!count && count.error().code == ErrorCode::timeout && !is_shut) {
        is_shut = true;
        program->set_deadline(Deadline::never());
        static_cast<void>(co_await program->shutdown_write());
        continue;
      }
      if (!count || *count == 0) co_return;
      got.append(as_text(ByteSpan(buffer).first(*count)));
    }
  }
  static void read_responses(ProgramGot& out, const std::vector<std::string>& methods) {
    ByteSpan in = as_bytes(out.bytes);
    for (std::size_t i = 0; !in.empty(); ++i) {
      http::ResponseReader reader(methods[std::min(i, methods.size() - 1)], 1U << 30U);
      http::Response response;
      bool done = false;
      while (!done) {
        const auto event = reader.next(in);
        if (!event || *event == http::Event::need_more) {
          out.is_whole = event && reader.end_of_input().has_value();
          if (!out.is_whole) return;
          out.responses.push_back(response);
          return;
        }
        if (*event == http::Event::head) response = reader.head();
        if (*event == http::Event::body) response.body.append(as_text(reader.chunk()));
        done = *event == http::Event::done;
      }
      out.responses.push_back(response);
    }
  }
};

}  // namespace hoop::http_target
