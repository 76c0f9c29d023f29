// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/inflow.h"

#include "tests/support/run_task.h"

namespace hoop::http_target {
namespace {

/// An Inflow, and the other end of its stream.
struct InflowWorld {
  asio::io_context context;
  net::StreamPtr other;
  std::optional<Inflow> in;
  int gone = 0;

  InflowWorld() {
    auto [ours, theirs] = net::stream_pair(context.get_executor());
    other = std::move(theirs);
    in.emplace(std::move(ours));
  }
  void watch() {
    in->watch([this] { ++gone; });
  }
  /// Whatever can be done now.
  void settle() {
    context.restart();
    context.poll();
  }
  void say(std::string_view text) { REQUIRE(test::run(context, other->write_all(as_bytes(text)))); }
  void end() { REQUIRE(test::run(context, other->shutdown_write())); }
  /// "text", "end", or the error's code.
  std::string more() {
    const std::size_t before = in->unread().size();
    const auto got = test::run(context, in->more());
    if (!got) return std::string(to_string(got.error().code));
    return *got ? std::string(as_text(in->unread().subspan(before))) : "end";
  }
  std::string take() {
    const std::string out(as_text(in->unread()));
    in->consume(out.size());
    return out;
  }
};

TEST_CASE("inflow: what comes is read behind what was not taken") {
  InflowWorld world;
  world.say("hello");
  CHECK(world.more() == "hello");
  world.in->consume(2);
  world.say(" world");
  CHECK(world.more() == " world");
  CHECK(world.take() == "llo world");
  world.end();
  CHECK(world.more() == "end");
  CHECK(world.more() == "end");
}

TEST_CASE("inflow: more than its room comes in pieces, and nothing is lost") {
  InflowWorld world;
  std::string all;
  for (int i = 0; i < 30; ++i) {
    const std::string piece(7001, static_cast<char>('a' + i % 26));
    world.say(piece);
    all += piece;
    CHECK(world.more().size() == piece.size());
    if (i % 7 == 3) world.in->release();  // something is in it
  }
  CHECK(world.take() == all);
  world.in->release();
  world.say("x");
  CHECK(world.more() == "x");
}

TEST_CASE("inflow: what a watch has read is the next that comes") {
  InflowWorld world;
  world.watch();
  CHECK(world.in->is_watched());
  world.say("hello");
  world.settle();
  CHECK(world.in->unread().empty());
  CHECK(world.in->is_watched());
  CHECK(world.gone == 0);
  CHECK(world.more() == "hello");
  CHECK_FALSE(world.in->is_watched());
}

TEST_CASE("inflow: a watch tells that the other end has gone, once") {
  InflowWorld world;
  world.watch();
  world.end();
  world.settle();
  CHECK(world.gone == 1);
  CHECK(world.more() == "end");
  CHECK(world.gone == 1);
}

TEST_CASE("inflow: who waits for more learns of the end by that, and not by the watch") {
  InflowWorld world;
  world.watch();
  std::optional<Result<bool>> got;
  asio::co_spawn(world.context, world.in->more(),
                 [&](const std::exception_ptr&, Result<bool> answer) { got = std::move(answer); });
  world.settle();
  CHECK_FALSE(got);
  world.end();
  world.settle();
  REQUIRE(got);
  CHECK(got->value() == false);
  CHECK(world.gone == 0);
}

TEST_CASE("inflow: a watch in the place of another tells the later one") {
  InflowWorld world;
  int other = 0;
  world.in->watch([&other] { ++other; });
  world.watch();
  world.end();
  world.settle();
  CHECK(other == 0);
  CHECK(world.gone == 1);
}

TEST_CASE("inflow: a watch begun after the end was seen tells it, too") {
  InflowWorld world;
  world.in->watch([] {});
  world.end();
  world.settle();
  world.watch();
  world.settle();
  CHECK(world.gone == 1);
}

TEST_CASE("inflow: a watch that has read something else tells nothing") {
  InflowWorld world;
  world.watch();
  world.say("x");
  world.end();
  world.settle();
  world.watch();
  world.settle();
  CHECK(world.gone == 0);
  CHECK(world.more() == "x");
  CHECK(world.more() == "end");
}

TEST_CASE("inflow: room is kept while a watch reads into it") {
  InflowWorld world;
  world.watch();
  world.in->release();
  world.say("hello");
  world.settle();
  world.in->release();
  CHECK(world.more() == "hello");
}

TEST_CASE("inflow: what is not taken stays where it is while a watch reads") {
  InflowWorld world;
  world.say("abc");
  CHECK(world.more() == "abc");
  const ByteSpan unread = world.in->unread();
  world.watch();
  world.say("def");
  world.settle();
  CHECK(as_text(unread) == "abc");
  world.in->consume(1);
  CHECK(world.more() == "def");
  CHECK(world.take() == "bcdef");
}

TEST_CASE("inflow: one that goes while it is watched calls nobody") {
  InflowWorld world;
  world.watch();
  world.settle();
  world.in.reset();
  world.settle();
  CHECK(world.gone == 0);
  const auto count = test::run(world.context, [&]() -> Task<std::size_t> {
    Bytes buffer(1);
    co_return co_await world.other->read_some(buffer);
  }());
  CHECK((!count || *count == 0));
}

TEST_CASE("inflow: one that goes before its watch has begun to read calls nobody") {
  InflowWorld world;
  world.watch();
  world.in.reset();
  world.settle();
  CHECK(world.gone == 0);
}

TEST_CASE("inflow: a stream that is closed ends what is awaited") {
  InflowWorld world;
  world.watch();
  world.settle();
  world.in->stream().close();
  CHECK(world.more() == to_string(ErrorCode::cancelled));
}

}  // namespace
}  // namespace hoop::http_target
