// SPDX-License-Identifier: Apache-2.0
// Whatever the file: an error with a place, or a policy that judges, and that its JSON form gives
// back.
#include <cstdlib>

#include "core/access/policy_parser.h"

using namespace hoop;
using namespace hoop::access;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto document = parse_policy({{"p.toml", text}});
  if (!document) {
    if (document.error().code != ErrorCode::config ||
        !document.error().message.starts_with("p.toml:"))
      std::abort();
    return 0;
  }
  const auto back = policy_from_json(policy_to_json(*document));
  if (!back || *back != *document) std::abort();

  Identity identity;
  identity.subject = "alice";
  identity.groups = {"dba"};
  Target target;
  target.name = "pg-demo";
  Action action;
  action.protocol = "postgres";
  action.verb = "select";
  action.resources = {{"table", "public.customers", Access::read}};
  action.attributes = {{"where", "absent"}, {"limit", "1000"}};
  const PolicyEngine whole(*document);
  const PolicyEngine part(whole.part_for(identity, target));
  if (whole.authorize(identity, target, std::chrono::seconds(0), {}) &&
      whole.decide(identity, target, action, {}) != part.decide(identity, target, action, {}))
    std::abort();
  action.verb = "unknown";
  const bool protects = !document->masks.empty() || document->limits != Limits{};
  if (protects && whole.decide(identity, target, action, {}).effect == Effect::allow) std::abort();
  return 0;
}
