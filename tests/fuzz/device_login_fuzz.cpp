// SPDX-License-Identifier: Apache-2.0
// An issuer that answers anything: the first line of the input is the answer to the start, every
// further one an answer to a poll with its first byte as the status. The login must end by its
// code's expiry, and show nothing that moves a cursor.
#include <cstdlib>

#include "core/identity/device_login.h"

namespace {

class SteppedClock final : public hoop::Clock {
 public:
  hoop::SystemTime system_now() const override { return {}; }
  hoop::SteadyTime steady_now() const override { return now; }
  hoop::SteadyTime now{};
};

bool is_printable(const std::string& text) {
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hoop;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto next = [&] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
  };
  static constexpr int kStatus[] = {200, 400, 401, 429, 500, 503, 302, 0};
  SteppedClock clock;
  identity::DeviceLogin login("hoopctl", "", clock);
  const auto prompt = login.started(200, next());
  if (!prompt) return 0;
  if (!is_printable(prompt->user_code) || !is_printable(prompt->verification_uri) ||
      !is_printable(prompt->verification_uri_complete)) {
    std::abort();
  }
  if (!prompt->verification_uri.starts_with("https://")) std::abort();
  while (!rest.empty()) {
    if (login.next_poll() < clock.now) std::abort();
    clock.now = login.next_poll();
    const std::string_view line = next();
    const int status = line.empty() ? 0 : kStatus[static_cast<unsigned char>(line.front()) % 8];
    if (status == 0) {
      if (!login.poll_failed()) return 0;
    } else {
      const auto answer = login.polled(status, line.substr(1));
      if (!answer) return 0;
      if (*answer) {
        if ((*answer)->access_token.empty() || !is_printable((*answer)->access_token.reveal()))
          std::abort();
        return 0;
      }
    }
    if (login.next_poll() >= login.expires_at()) std::abort();
  }
  return 0;
}
