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

struct Job {
  std::function<int()> work;
  int value = 0;
  std::exception_ptr failure;
};

void* run(void* argument) {
  auto& job = *static_cast<Job*>(argument);
  try {
    job.value = job.work();
  } catch (...) {
    job.failure = std::current_exception();
  }
  return nullptr;
}

}  // namespace

int run_on_deep_stack(std::function<int()> work) {
  const StackMapping stack;
  Job job{std::move(work), 0, nullptr};
  pthread_attr_t attributes;
  if (const int error = pthread_attr_init(&attributes); error != 0)
    throw std::system_error(error, std::generic_category(), "start a deep-stack thread");
  pthread_t thread{};
  int error = pthread_attr_setstack(&attributes, stack.lowest(), kDeepStackBytes);
  if (error == 0) error = pthread_create(&thread, &attributes, run, &job);
  pthread_attr_destroy(&attributes);
  if (error != 0)
    throw std::system_error(error, std::generic_category(), "start a deep-stack thread");
  pthread_join(thread, nullptr);
  if (job.failure) std::rethrow_exception(job.failure);
  return job.value;
}

}  // namespace hoop::process
