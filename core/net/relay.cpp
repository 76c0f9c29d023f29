// SPDX-License-Identifier: Apache-2.0
#include "core/net/relay.h"

#include <optional>

#include "core/net/task_group.h"

namespace hoop::net {
namespace {

using Shared = std::shared_ptr<Stream>;

/// Of both directions: which stream broke first, and the end of the two.
struct State {
  State(Shared one, Shared two, SecondBroke last_words)
      : first(std::move(one)), second(std::move(two)), second_broke(std::move(last_words)) {}
  Shared first, second;
  SecondBroke second_broke;
  std::optional<Error> failure;
};

class CloseBoth {
 public:
  explicit CloseBoth(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~CloseBoth() {
    state_->first->close();
    state_->second->close();
  }
  CloseBoth(const CloseBoth&) = delete;
  CloseBoth& operator=(const CloseBoth&) = delete;

 private:
  std::shared_ptr<State> state_;
};

asio::awaitable<void> broke(std::shared_ptr<State> state, Shared which, Error error) {
  if (state->failure) co_return;
  const bool second = which == state->second;
  state->failure = error;
  if (second && state->second_broke) co_await state->second_broke(std::move(error));
  state->first->close();
  state->second->close();
}

asio::awaitable<void> carry(std::shared_ptr<State> state, Shared from, Shared to) {
  Bytes buffer(kRelayBytes);
  for (;;) {
    const auto count = co_await from->read_some(buffer);
    if (!count) co_return co_await broke(state, from, count.error());
    // Two statements: g++ 12 destroys the result of a co_await in an arm of ?: twice.
    Result<void> passed;
    if (*count == 0) {
      passed = co_await to->shutdown_write();
    } else {
      passed = co_await to->write_all(ByteSpan(buffer).first(*count));
    }
    if (!passed) co_return co_await broke(state, to, passed.error());
    if (*count == 0) co_return;
  }
}

}  // namespace

Task<void> relay(Shared first, Shared second, SecondBroke second_broke) {
  const auto state = std::make_shared<State>(first, second, std::move(second_broke));
  const CloseBoth guard(state);
  TaskGroup back(first->executor());
  back.spawn(carry(state, second, first));
  co_await carry(state, first, second);
  co_await back.join();
  if (state->failure) co_return std::unexpected(*state->failure);
  co_return Result<void>{};
}

}  // namespace hoop::net
