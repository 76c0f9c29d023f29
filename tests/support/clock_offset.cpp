// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program, puts its wall clock off by CLOCK_OFFSET seconds: the clock of a machine
// that is not set right. What measures spans goes on as it is.
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

long offset() {
  static const long seconds = [] {
    const char* text = std::getenv("CLOCK_OFFSET");
    return text == nullptr ? 0L : std::atol(text);
  }();
  return seconds;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* out) {
  const long failed = ::syscall(SYS_clock_gettime, clock, out);
  if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    out->tv_sec += offset();
  return static_cast<int>(failed);
}

extern "C" int gettimeofday(timeval* out, void*) {
  timespec now{};
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

extern "C" std::time_t time(std::time_t* out) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}
