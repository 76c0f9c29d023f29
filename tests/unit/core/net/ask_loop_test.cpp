// SPDX-License-Identifier: Apache-2.0
#include "core/net/ask_loop.h"

#include <thread>

#include <asio/executor_work_guard.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_task.h"

using namespace hoop;
using namespace hoop::net;

namespace {

/// A loop on a thread of its own.
struct OtherLoop {
  OtherLoop() : guard(context.get_executor()), thread([this] { context.run(); }) {}
  ~OtherLoop() {
    guard.reset();
    thread.join();
  }
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  std::thread thread;
};

}  // namespace

TEST_CASE("a question runs on the loop that is asked, and its answer comes on the asker's") {
  OtherLoop other;
  asio::io_context context;
  const auto asker = std::this_thread::get_id();
  std::thread::id asked;
  const auto work = [&]() -> asio::awaitable<bool> {
    Question<std::string> question = [&](Answer<std::string> answer) {
      asked = std::this_thread::get_id();
      answer(std::string("here"));
    };
    const auto answer = co_await ask_loop(other.context.get_executor(), question);
    co_return answer == "here" && std::this_thread::get_id() == asker;
  };
  CHECK(test::run(context, work()));
  CHECK(asked == other.thread.get_id());
}

TEST_CASE("an answer may come later, be an error, and come from the asker's own loop") {
  OtherLoop other;
  asio::io_context context;
  const auto work = [&]() -> asio::awaitable<bool> {
    std::optional<Answer<int>> kept;
    Question<int> later = [&](Answer<int> answer) {
      kept.emplace(std::move(answer));
      asio::post(other.context, [&] { (*kept)(fail(ErrorCode::timeout, "late")); });
    };
    const auto failed = co_await ask_loop(other.context.get_executor(), later);
    Question<int> own = [](Answer<int> answer) { answer(7); };
    const auto seven = co_await ask_loop(context.get_executor(), own);
    co_return !failed && failed.error().code == ErrorCode::timeout && seven == 7;
  };
  CHECK(test::run(context, work()));
}

TEST_CASE("many questions at once are each answered with their own") {
  OtherLoop other;
  asio::io_context context;
  int right = 0;
  for (int i = 0; i < 200; ++i) {
    const auto one = [](OtherLoop& there, int number) -> Task<int> {
      Question<int> question = [number](Answer<int> answer) { answer(number); };
      co_return co_await ask_loop(there.context.get_executor(), question);
    };
    asio::co_spawn(context, one(other, i),
                   [&right, i](std::exception_ptr, Result<int> answer) { right += answer == i; });
  }
  context.run();
  CHECK(right == 200);
}
