// SPDX-License-Identifier: Apache-2.0
#include "core/process/deep_stack.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

namespace hoop::process {
namespace {

// Larger than any frame of ours or of the libraries, so that no single call can step over it.
constexpr std::size_t kGuardBytes = std::size_t{1} << 20;

class StackMapping {
 public:
  StackMapping()
      : base_(mmap(nullptr, kGuardBytes + kDeepStackBytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0)) {
    if (base_ == MAP_FAILED)
      throw std::system_error(errno, std::generic_category(), "map a deep stack");
    if (mprotect(base_, kGuardBytes, PROT_NONE) != 0) {
      const int error = errno;
      munmap(base_, kGuardBytes + kDeepStackBytes);
      throw std::system_error(error, std::generic_category(), "guard a deep stack");
    }
  }
  ~StackMapping() { munmap(base_, kGuardBytes + kDeepStackBytes); }
  StackMapping(const StackMapping&) = delete;
  StackMapping& operator=(const StackMapping&) = delete;

  void* lowest() const { return static_cast<char*>(base_) + kGuardBytes; }

 private:
  void* base_;
};

}  // namespace

struct DeepThread::Running {
  std::function<void()> work;
  StackMapping stack;
  pthread_t thread{};
};

DeepThread::DeepThread(std::function<void()> work)
    : running_(std::make_unique<Running>(std::move(work))) {
  pthread_attr_t attributes;
  if (const int error = pthread_attr_init(&attributes); error != 0)
    throw std::system_error(error, std::generic_category(), "start a deep-stack thread");
  const auto run = [](void* argument) noexcept -> void* {
    static_cast<Running*>(argument)->work();
    return nullptr;
  };
  int error = pthread_attr_setstack(&attributes, running_->stack.lowest(), kDeepStackBytes);
  if (error == 0) error = pthread_create(&running_->thread, &attributes, run, running_.get());
  pthread_attr_destroy(&attributes);
  if (error != 0)
    throw std::system_error(error, std::generic_category(), "start a deep-stack thread");
}

DeepThread::~DeepThread() { pthread_join(running_->thread, nullptr); }

int run_on_deep_stack(std::function<int()> work) {
  int value = 0;
  std::exception_ptr failure;
  {
    const DeepThread thread([&] {
      try {
        value = work();
      } catch (...) {
        failure = std::current_exception();
      }
    });
  }
  if (failure) std::rethrow_exception(failure);
  return value;
}

}  // namespace hoop::process
