// SPDX-License-Identifier: Apache-2.0
// The connection to the target that one connection of a program uses, kept from one request to the
// next.
#pragma once

#include <memory>

#include "protocols/http/inflow.h"
#include "protocols/http/shared.h"

namespace hoop::http_target {

class Upstream {
 public:
  explicit Upstream(SessionShared& shared) : shared_(shared) {}

  /// Stands, and says nothing that nobody asked for: else dials anew. Fails with
  /// upstream_unreachable, timeout, integrity, config, cancelled.
  Task<void> open();
  bool is_open() const { return in_ != nullptr; }
  /// Has carried a request before.
  bool was_used() const { return was_used_; }
  void note_used(SteadyTime now);
  /// Since when nothing is under way on it; while something is, that is in the future.
  SteadyTime idle_since() const { return idle_since_; }
  void note_busy() { idle_since_ = SteadyTime::max(); }

  Inflow& in() { return *in_; }
  net::Stream& stream() { return in_->stream(); }
  /// What is under way on it fails with cancelled.
  void close();
  /// Closes it; the next open() dials. Nothing may be under way.
  void drop();

 private:
  SessionShared& shared_;
  std::unique_ptr<Inflow> in_;
  bool was_used_ = false;
  SteadyTime idle_since_ = SteadyTime::max();
};

}  // namespace hoop::http_target
