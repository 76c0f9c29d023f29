// SPDX-License-Identifier: Apache-2.0
// A LogSink in memory whose bytes and failures a test can see and choose.
#pragma once

#include <memory>

#include "core/record/session_log.h"

namespace hoop::test {

struct MemoryLog {
  Bytes bytes;
  int writes = 0;
  int syncs = 0;
  bool fails = false;
  bool reserve_released = false;
};

class MemorySink final : public record::LogSink {
 public:
  explicit MemorySink(std::shared_ptr<MemoryLog> log) : log_(std::move(log)) {}
  Result<void> write(ByteSpan bytes) override {
    if (log_->fails) return fail(ErrorCode::storage, "no space left");
    ++log_->writes;
    log_->bytes.insert(log_->bytes.end(), bytes.begin(), bytes.end());
    return {};
  }
  Result<void> sync() override {
    ++log_->syncs;
    return {};
  }
  void release_reserve() override {
    log_->reserve_released = true;
    log_->fails = false;
  }

 private:
  std::shared_ptr<MemoryLog> log_;
};

}  // namespace hoop::test
