// SPDX-License-Identifier: Apache-2.0
#include "gateway/lent_stream.h"

#include "tests/support/catch.h"
#include "tests/support/run_task.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

asio::awaitable<std::string> all_of(net::Stream& stream) {
  std::string out;
  Bytes buffer(64);
  for (;;) {
    const auto count = co_await stream.read_some(buffer);
    if (!count) co_return out + "!" + std::string(to_string(count.error().code));
    if (*count == 0) co_return out + ".";
    out += as_text(ByteSpan(buffer).first(*count));
  }
}

}  // namespace

TEST_CASE("lent stream: what the borrower wrote last arrives, and then the end") {
  asio::io_context context;
  auto [near, far] = net::stream_pair(context.get_executor());
  const std::shared_ptr<net::Stream> stream = std::move(near);
  const auto use = [&]() -> asio::awaitable<std::string> {
    auto lent = lend(stream);
    const std::string words = "last words";
    const auto written = co_await lent->write_all(as_bytes(words));
    lent->close();
    const auto late = co_await lent->write_all(as_bytes(words));
    lent.reset();
    const auto ended = co_await far->shutdown_write();
    co_await part_from(stream, std::chrono::seconds(5));
    const std::string read = co_await all_of(*far);
    co_return read + (written && ended && !late ? std::string(to_string(late.error().code)) : "");
  };
  CHECK(test::run(context, use()) == "last words.cancelled");
}

TEST_CASE("lent stream: closing it ends an operation that is pending") {
  asio::io_context context;
  auto [near, far] = net::stream_pair(context.get_executor());
  const std::shared_ptr<net::Stream> stream = std::move(near);
  auto lent = lend(stream);
  asio::steady_timer soon(context, std::chrono::milliseconds(10));
  soon.async_wait([&](const std::error_code&) { lent.reset(); });
  CHECK(test::run(context, all_of(*lent)) == "!cancelled");
}

TEST_CASE("lent stream: a peer that neither reads nor ends is left after the time given") {
  asio::io_context context;
  auto [near, far] = net::stream_pair(context.get_executor());
  const std::shared_ptr<net::Stream> stream = std::move(near);
  const auto part = [&]() -> asio::awaitable<bool> {
    const auto begun = std::chrono::steady_clock::now();
    co_await part_from(stream, std::chrono::milliseconds(50));
    co_return std::chrono::steady_clock::now() - begun < std::chrono::seconds(2);
  };
  CHECK(test::run(context, part()));
}
