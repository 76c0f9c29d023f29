// SPDX-License-Identifier: Apache-2.0
#include "gateway/health.h"

#include <fmt/format.h>

#include "core/record/spool.h"

namespace hoop::gateway {
namespace {

// Anybody who reaches the port may ask: what they ask for must not load the store.
constexpr std::chrono::seconds kKept{1};
// A load balancer's probe waits a few seconds; it must hear from us before it gives up.
constexpr std::chrono::seconds kPatience{2};

http::Response text(std::string body) {
  http::Response out;
  out.headers.set("Content-Type", "text/plain; charset=utf-8");
  out.body = std::move(body);
  return out;
}

/// What is not ready, in our words: what the store said stands in the operator log.
http::Response not_ready(std::string_view what) {
  return http::problem_response(503, "not_ready", what);
}

}  // namespace

bool is_health_path(std::string_view path) { return path == "/healthz" || path == "/readyz"; }

Health::Health(Store& store, std::vector<std::string> folders, WorkerPool& workers,
               const Clock& clock, Log& log)
    : store_(
          [&store, folders = std::move(folders)]() -> Result<void> {
            for (const std::string& folder : folders) {
              HOOP_TRY(const record::DiskSpace disk, record::disk_space(folder));
              if (disk.room == record::DiskRoom::critical)
                return fail(ErrorCode::too_large,
                            fmt::format("{} KiB of disk are left", disk.free_bytes >> 10));
            }
            return store.check();
          },
          workers, clock, {kKept, kPatience}),
      log_(log) {}

asio::awaitable<http::Response> Health::answer(http::Request request) {
  http::Response out;
  if (request.method != "GET" && request.method != "HEAD") {
    out = http::problem_response(405, "method", "this method is not for this path");
    out.headers.set("Allow", "GET, HEAD");
  } else if (request.path() == "/healthz") {
    out = text("ok\n");
  } else {
    out = co_await readiness();
  }
  out.headers.set("Cache-Control", "no-store");
  co_return out;
}

asio::awaitable<http::Response> Health::readiness() {
  if (stopping_) co_return not_ready("the gateway is stopping");
  const auto checked = co_await store_.get();
  if (stopping_) co_return not_ready("the gateway is stopping");
  // Once a change: a probe comes every few seconds.
  if (!checked && !store_failed_)
    log_.error("store.not_ready", {{"error", checked.error().message}});
  if (checked && store_failed_) log_.info("store.ready");
  store_failed_ = !checked;
  if (checked) co_return text("ready\n");
  switch (checked.error().code) {
    case ErrorCode::timeout: co_return not_ready("the store does not answer");
    case ErrorCode::too_large: co_return not_ready("the disk is nearly full");
    default: co_return not_ready("the store cannot be written and read");
  }
}

}  // namespace hoop::gateway
