// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/object_mask_rules.h"

#include <algorithm>

#include "core/mask/strictness.h"

namespace hoop::kubernetes {
namespace {

std::string_view word_of(NamedValue where) {
  switch (where) {
    case NamedValue::secrets: return "secrets";
    case NamedValue::configmaps: return "configmaps";
    case NamedValue::env: return "env";
    case NamedValue::annotations: return "annotations";
  }
  return "";
}

std::string without_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

Result<ObjectMaskRules> ObjectMaskRules::create(const std::vector<access::Mask>& masks,
                                                SecretValues secrets) {
  ObjectMaskRules out;
  out.secrets_ = secrets;
  for (const access::Mask& mask : masks) {
    for (const std::string& column : mask.columns) {
      const std::size_t first = column.find('.');
      if (first == std::string::npos) continue;
      const std::size_t second = column.find('.', first + 1);
      // A name may have more of them: tls.crt.
      const bool has_three = second != std::string::npos;
      const std::string where =
          has_three ? column.substr(first + 1, second - first - 1) : std::string("*");
      out.named_.push_back({column.substr(0, first), where,
                            without_case(column.substr((has_three ? second : first) + 1)),
                            mask.with});
    }
  }
  HOOP_TRY(out.fields_, mask::FieldMatcher::create(masks));
  return out;
}

std::optional<access::MaskStrategy> ObjectMaskRules::strategy(NamedValue where,
                                                              std::string_view space,
                                                              std::string_view name) const {
  std::optional<access::MaskStrategy> out;
  const std::string plain = without_case(name);
  for (const Named& named : named_) {
    if ((space.empty() || access::glob_matches(named.space, space)) &&
        access::glob_matches(named.where, word_of(where)) &&
        access::glob_matches(named.name, plain))
      out = mask::stricter(out, named.with);
  }
  const bool is_secret = where == NamedValue::secrets && secrets_ == SecretValues::hide;
  if (!out && is_secret) return access::MaskStrategy::redact;
  return out;
}

bool ObjectMaskRules::empty() const {
  return secrets_ == SecretValues::show && named_.empty() && fields_.empty();
}

}  // namespace hoop::kubernetes
