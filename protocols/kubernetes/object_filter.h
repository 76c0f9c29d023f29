// SPDX-License-Identifier: Apache-2.0
// Masks over the body of one answer of the API server, which comes in pieces: one document, or the
// events of a watch, one a line.
#pragma once

#include <string>

#include "protocols/http/dialect.h"
#include "protocols/kubernetes/object_masker.h"

namespace hoop::kubernetes {

class ObjectFilter final : public http_target::BodyFilter {
 public:
  /// masker and rules outlive it.
  ObjectFilter(mask::Masker& masker, const ObjectMaskRules& rules, ObjectScope expected,
               bool is_watch)
      : masker_(masker, rules, std::move(expected)), is_watch_(is_watch) {}

  /// A document is held until finish(), an event until the end of its line.
  Result<void> take(ByteSpan piece, Bytes& out) override;
  Result<void> finish(Bytes& out) override;
  const mask::HiddenCounts& hidden() const override { return masker_.hidden(); }
  std::uint64_t rows() const override { return masker_.rows(); }

 private:
  Result<void> pass(std::string_view document, Bytes& out);
  ObjectMasker masker_;
  bool is_watch_;
  std::string held_;
};

}  // namespace hoop::kubernetes
