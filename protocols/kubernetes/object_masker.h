// SPDX-License-Identifier: Apache-2.0
// Masks in the objects of the API as JSON: what the API server answers, lists, tables and watches
// included.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/kubernetes/object_walk.h"
#include "protocols/kubernetes/request_info.h"

namespace hoop::kubernetes {

/// What the request tells of the objects of its answer, which need not say it themselves.
ObjectScope expected_objects(const RequestInfo& info);

/// One reply, or the events of one watch.
///
/// In Secrets data and stringData are hidden, in data by valid base64; in ConfigMaps and in the
/// environments of containers, wherever they stand, what rules name; in any object what their paths
/// lead to. Annotations that are JSON, like kubectl's last-applied-configuration, are objects of
/// their own. All other texts, names of members and long numbers are for detectors. What identifies
/// an object to the server (uid, resourceVersion, continue) stays; managedFields stay what they
/// are.
///
/// A value in a cell of a Table that is hidden in the row's object is hidden there too; of a row
/// without its object only detectors look at the cells.
class ObjectMasker {
 public:
  /// masker and rules outlive it.
  ObjectMasker(mask::Masker& masker, const ObjectMaskRules& rules, ObjectScope expected)
      : masker_(masker), rules_(rules), expected_(std::move(expected)) {}

  /// One JSON document: an object, a list, a Table, a Status; or one event of a watch. As it came
  /// if nothing is hidden in it. Fails as parse_json() does, and as the masker does.
  Result<std::string> mask(std::string_view json);

  const mask::HiddenCounts& hidden() const { return hidden_; }
  /// What limits count: objects of lists, rows of tables, events.
  std::uint64_t rows() const { return rows_; }
  /// The values of Secrets that were hidden in the last document, as programs have them, for what
  /// scrubs the session's streams: they may come back in a log, or from a container.
  std::vector<SecretText> take_secrets() { return std::move(secrets_); }

 private:
  mask::Masker& masker_;
  const ObjectMaskRules& rules_;
  ObjectScope expected_;
  mask::HiddenCounts hidden_;
  std::uint64_t rows_ = 0;
  std::vector<SecretText> secrets_;
};

}  // namespace hoop::kubernetes
