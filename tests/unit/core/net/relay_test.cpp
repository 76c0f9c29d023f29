// SPDX-License-Identifier: Apache-2.0
#include "core/net/relay.h"

#include <asio/experimental/awaitable_operators.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_task.h"
#include "tests/support/stream_fixture.h"

using namespace hoop;
using namespace hoop::net;
using namespace hoop::test;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

namespace {

using Shared = std::shared_ptr<Stream>;

/// A stream that breaks as it is told to.
class Broken final : public Stream {
 public:
  enum class At { read, write, shutdown };
  Broken(asio::any_io_executor executor, At at) : executor_(std::move(executor)), at_(at) {}
  Task<std::size_t> read_some(MutableByteSpan) override {
    if (at_ == At::read) co_return broken();
    asio::steady_timer closed(executor_, SteadyTime::max());
    closed_ = &closed;
    co_await closed.async_wait(as_result);
    closed_ = nullptr;
    co_return fail(ErrorCode::cancelled, "closed");
  }
  Task<void> write_all(ByteSpan) override {
    if (at_ == At::write) co_return broken();
    co_return Result<void>{};
  }
  Task<void> shutdown_write() override { co_return broken(); }
  void close() override {
    if (closed_ != nullptr) closed_->cancel();
  }
  void set_deadline(Deadline) override {}
  asio::any_io_executor executor() override { return executor_; }
  std::string peer_name() const override { return "broken"; }

 private:
  // Strings that stand in the object itself, and ones that do not.
  static std::unexpected<Error> broken() {
    return std::unexpected(Error{ErrorCode::io, "write x: reset", std::string(40, 'h'), "r"});
  }
  asio::any_io_executor executor_;
  At at_;
  asio::steady_timer* closed_ = nullptr;
};

}  // namespace

TEST_CASE("a relay carries both ways at once, and each end goes its own way") {
  asio::io_context context;
  auto [program, near] = stream_pair(context.get_executor());
  auto [far, server] = stream_pair(context.get_executor());
  const auto up = pattern(1 << 20, 1), down = pattern(1 << 20, 99);
  const Shared first = std::move(near), second = std::move(far);
  const auto work = [&]() -> asio::awaitable<bool> {
    auto [relayed, wrote, answered, at_server, at_program] =
        co_await (relay(first, second) && write_and_end(*program, up) &&
                  write_and_end(*server, down) && read_to_end(*server) && read_to_end(*program));
    co_return relayed&& wrote&& answered&& at_server == up&& at_program == down;
  };
  CHECK(test::run(context, work()));
}

TEST_CASE(
    "a relay says what broke, whole, and lets last words be said before the first is closed") {
  const auto at = GENERATE(Broken::At::read, Broken::At::write, Broken::At::shutdown);
  CAPTURE(static_cast<int>(at));
  asio::io_context context;
  auto [program, near] = stream_pair(context.get_executor());
  const Shared first = std::move(near);
  const Shared second = std::make_shared<Broken>(context.get_executor(), at);
  std::string told;
  SecondBroke last_words = [&](Error error) -> asio::awaitable<void> {
    told = error.message + "|" + error.hint + "|" + error.remote;
    static_cast<void>(co_await first->write_all(as_bytes("bye")));
  };
  const auto work = [&]() -> asio::awaitable<Result<void>> {
    Bytes buffer(8);
    if (at == Broken::At::write) HOOP_CO_CHECK(co_await program->write_all(as_bytes("x")));
    if (at == Broken::At::shutdown) HOOP_CO_CHECK(co_await program->shutdown_write());
    auto [relayed, got] = co_await (relay(first, second, last_words) && program->read_some(buffer));
    if (!got || as_text(ByteSpan(buffer).first(*got)) != "bye")
      co_return fail(ErrorCode::internal, "no last words");
    co_return relayed;
  };
  const auto relayed = test::run(context, work());
  REQUIRE_FALSE(relayed);
  CHECK(relayed.error().message == "write x: reset");
  CHECK(relayed.error().hint == std::string(40, 'h'));
  CHECK(told == "write x: reset|" + std::string(40, 'h') + "|r");
}

TEST_CASE("a relay whose first stream breaks says nothing to it") {
  asio::io_context context;
  auto [far, server] = stream_pair(context.get_executor());
  const Shared first = std::make_shared<Broken>(context.get_executor(), Broken::At::read);
  const Shared second = std::move(far);
  bool said = false;
  SecondBroke last_words = [&](Error) -> asio::awaitable<void> {
    said = true;
    co_return;
  };
  const auto relayed = test::run(context, relay(first, second, last_words));
  REQUIRE_FALSE(relayed);
  CHECK(relayed.error().code == ErrorCode::io);
  CHECK_FALSE(said);
}
