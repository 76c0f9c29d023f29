// SPDX-License-Identifier: Apache-2.0
// What would become of a statement, in words for people and programs: `hoopctl policy explain`. A
// connection that was opened for explanations runs nothing.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/access/policy.h"
#include "core/session/door.h"
#include "protocols/postgres/classify.h"

namespace hoop::postgres {

/// The parameter of an opening that asks for explanations: every Query is then judged and not run,
/// and answered with one row a statement, its only column a JSON object (hoopctl-policy(1)). No
/// other message but Terminate is taken.
inline constexpr std::string_view kExplainParameter = "hoopctl.explain";
bool asks_for_explanations(const session::Opening& opening);

/// One statement's JSON object.
std::string explanation_json(const Statement& statement, const access::Decision& decision,
                             const Catalog& catalog);

/// RowDescription, a DataRow each, CommandComplete and ReadyForQuery.
void append_explanations(Bytes& out, std::span<const std::string> rows);

}  // namespace hoop::postgres
