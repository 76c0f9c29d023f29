// SPDX-License-Identifier: Apache-2.0
// Any bytes as SQL: classify answers at least one statement, and never crashes.
#include <cstdlib>

#include "core/base/bytes.h"
#include "core/process/deep_stack.h"
#include "protocols/postgres/classify.h"
#include "tests/support/sql_catalog.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const hoop::postgres::NameContext names{hoop::test::demo_catalog(), std::nullopt,
                                                 "hoop_abc", "app"};
  return hoop::process::run_on_deep_stack([&] {
    const auto statements = hoop::postgres::classify(hoop::as_text({data, size}), names);
    if (statements.empty()) std::abort();
    for (const auto& statement : statements) {
      if (statement.action.verb.empty() || statement.action.text.size() > 8192) std::abort();
      if (statement.action.verb == "unknown" && !statement.refusal) std::abort();
    }
    return 0;
  });
}
