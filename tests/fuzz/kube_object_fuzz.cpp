// SPDX-License-Identifier: Apache-2.0
// A document of the API: what is hidden in it is hidden, is masked only once, and is known again.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "protocols/kubernetes/json_document.h"
#include "protocols/kubernetes/object_masker.h"
#include "protocols/kubernetes/write_back.h"

namespace {

using namespace hoop;

struct FuzzWorld {
  mask::Masker masker;
  kubernetes::ObjectMaskRules rules;
};

FuzzWorld& world() {
  static const auto kWorld = [] {
    access::Mask mask;
    mask.name = "m";
    mask.columns = {"*.configmaps.*pass*", "*.env.DB_*"};
    mask.fields = {"$.spec.token", "$..ssn"};
    mask.detectors = {"email", "payment_card"};
    return std::make_unique<FuzzWorld>(
        FuzzWorld{std::move(*mask::Masker::create({mask}, SecretBytes(Bytes(32, 7)))),
                  std::move(*kubernetes::ObjectMaskRules::create({mask}))});
  }();
  return *kWorld;
}

/// Of a Secret, whatever it has as data.
void check_hidden(const kubernetes::JsonValue& data, const std::string& masked) {
  for (const kubernetes::JsonMember& entry : data.members) {
    // Shorter texts stand in other places, too.
    constexpr std::size_t kLeast = 16;
    if (!entry.value.is_text() || entry.value.text.size() < kLeast) continue;
    if (masked.find("\"" + entry.value.text + "\"") != std::string::npos &&
        entry.value.text != "W3JlZGFjdGVkXQ==")
      __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  static_cast<void>(kubernetes::carries_mask(as_bytes(json)));
  kubernetes::ObjectMasker objects(world().masker, world().rules, {});
  const auto masked = objects.mask(json);
  if (!masked) return 0;
  const auto before = kubernetes::parse_json(json);
  const auto after = kubernetes::parse_json(*masked);
  if (!before || !after) __builtin_trap();
  if (*masked != json && !kubernetes::carries_mask(as_bytes(*masked))) __builtin_trap();
  const auto* kind = before->text_of("kind");
  const auto* content = before->member("data");
  if (kind != nullptr && *kind == "Secret" && content != nullptr && content->is_object() &&
      before->members.size() == 2)
    check_hidden(*content, *masked);
  const auto twice = objects.mask(*masked);
  if (!twice) __builtin_trap();
  return 0;
}
