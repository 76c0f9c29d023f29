// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/password_worker.h"

#include <asio/thread_pool.hpp>

#include "gateway/idp/password_hash.h"

namespace hoop::gateway::idp {
namespace {

// Each takes 32 MiB while it runs and 80 ms of everybody's waiting behind it.
constexpr int kMaxWaiting = 16;

asio::awaitable<bool> compare(SecretText password, std::string stored_hash) {
  co_return password_matches(password, stored_hash);
}

}  // namespace

struct PasswordWorker::State {
  // Shared with the coroutines that wait: they may go after this does.
  std::shared_ptr<int> waiting = std::make_shared<int>(0);
  asio::thread_pool pool{1};
};

PasswordWorker::PasswordWorker() : state_(std::make_unique<State>()) {}

PasswordWorker::~PasswordWorker() {
  state_->pool.stop();
  state_->pool.join();
}

asio::awaitable<std::optional<bool>> PasswordWorker::matches(SecretText password,
                                                             std::string stored_hash) {
  if (*state_->waiting >= kMaxWaiting) co_return std::nullopt;
  struct Turn {
    std::shared_ptr<int> waiting;
    ~Turn() { --*waiting; }
  };
  const Turn turn{state_->waiting};
  ++*turn.waiting;
  auto comparison = compare(std::move(password), std::move(stored_hash));
  const bool right = co_await asio::co_spawn(state_->pool.get_executor(), std::move(comparison),
                                             asio::use_awaitable);
  co_return right;
}

}  // namespace hoop::gateway::idp
