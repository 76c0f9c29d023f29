// SPDX-License-Identifier: Apache-2.0
// A connection that was opened for explanations.
#include <fmt/format.h>

#include "protocols/postgres/connection.h"
#include "protocols/postgres/explanation.h"

namespace hoop::postgres {

Result<std::vector<std::string>> FrontendFlow::explain(std::string_view text) {
  session::Gate& gate = conversation_.shared.context.gate;
  const JudgedPtr judged = read_text(text);
  const auto fixed = fixed_decision(*judged);
  std::vector<std::string> out;
  for (const Statement& statement : judged->statements) {
    access::Decision decision = gate.judge(statement.action);
    if (statement.refusal) {
      decision = *statement.refusal;
    } else if (fixed && fixed->statement == &statement) {
      decision = fixed->decision;
    }
    record::Note note{"explained",
                      {{"connection", std::to_string(conversation_.number)},
                       {"statement", statement.action.text},
                       {"effect", std::string(access::to_string(decision.effect))},
                       {"rule", decision.rule}}};
    HOOP_CHECK(gate.note(note));
    out.push_back(explanation_json(statement, decision, conversation_.reader.catalog()));
  }
  return out;
}

Task<void> PostgresConnection::explain_reads() {
  for (;;) {
    HOOP_CO_TRY(const std::size_t count, co_await downstream_->read_some(from_program_.prepare()));
    if (count == 0) co_return Result<void>{};
    from_program_.commit(count);
    for (;;) {
      HOOP_CO_TRY(const std::optional<Frame> frame, from_program_.next(Direction::from_frontend));
      if (!frame) break;
      if (frame->tag == 'X') co_return Result<void>{};
      if (frame->tag != 'Q')
        co_return fail(ErrorCode::malformed,
                       fmt::format("message '{}' cannot be explained", frame->tag));
      HOOP_CO_TRY(const Query message, decode_query(frame->body));
      HOOP_CO_TRY(const std::vector<std::string> rows, frontend_->explain(message.text));
      append_explanations(backend_.batch().bytes(), rows);
    }
    HOOP_CO_CHECK(co_await deliver());
  }
}

}  // namespace hoop::postgres
