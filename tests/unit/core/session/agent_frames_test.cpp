// SPDX-License-Identifier: Apache-2.0
#include "core/session/agent_frames.h"

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::session;

namespace {

using Speaker = ControlReader::Sender;

const std::vector<ControlMessage>& gateways() {
  static const std::vector<ControlMessage> all{Heartbeat{}, Dial{{1, 2, 3}, 5432, "db.internal"},
                                               Dial{{}, 1, std::string(253, 'x')}, KeyTaken{{7}}};
  return all;
}
const std::vector<ControlMessage>& agents() {
  static const std::vector<ControlMessage> all{Heartbeat{}, Refused{{9}, DialRefusal::timeout},
                                               NewKey{{1}, {2}}, Leaving{}};
  return all;
}

Bytes encoded(const std::vector<ControlMessage>& messages) {
  Bytes out;
  for (const ControlMessage& message : messages) append_control(out, message);
  return out;
}

std::vector<ControlMessage> read(Speaker sender, ByteSpan bytes, std::size_t piece) {
  ControlReader reader(sender);
  std::vector<ControlMessage> out;
  while (!bytes.empty()) {
    ByteSpan in = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(in.size());
    for (;;) {
      auto message = reader.next(in);
      REQUIRE(message);
      if (!*message) break;
      out.push_back(std::move(**message));
    }
  }
  return out;
}

ErrorCode refusal(Speaker sender, const Bytes& bytes) {
  ControlReader reader(sender);
  ByteSpan in(bytes);
  for (;;) {
    const auto message = reader.next(in);
    if (!message) {
      const auto again = reader.next(in);
      REQUIRE_FALSE(again);
      return message.error().code;
    }
    if (!*message) return ErrorCode::cancelled;  // it would have waited for more
  }
}

}  // namespace

TEST_CASE("agent frames: what is said is what is read, however it is cut") {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    CHECK(read(Speaker::gateway, encoded(gateways()), piece) == gateways());
    CHECK(read(Speaker::agent, encoded(agents()), piece) == agents());
  }
}

TEST_CASE("agent frames: neither side may say what is the other's") {
  for (const ControlMessage& message : gateways()) {
    if (std::holds_alternative<Heartbeat>(message)) continue;
    CHECK(refusal(Speaker::agent, encoded({message})) == ErrorCode::malformed);
  }
  for (const ControlMessage& message : agents()) {
    if (std::holds_alternative<Heartbeat>(message)) continue;
    CHECK(refusal(Speaker::gateway, encoded({message})) == ErrorCode::malformed);
  }
}

TEST_CASE("agent frames: what is no frame ends the stream for good") {
  CHECK(refusal(Speaker::agent, {0, 0, 0}) == ErrorCode::malformed);
  CHECK(refusal(Speaker::agent, {7, 0, 0}) == ErrorCode::malformed);
  CHECK(refusal(Speaker::agent, {1, 0, 1, 0}) == ErrorCode::malformed);
  CHECK(refusal(Speaker::agent, {1, 1, 16}) == ErrorCode::too_large);
  CHECK(refusal(Speaker::agent, {1, 255, 255}) == ErrorCode::too_large);
  CHECK(refusal(Speaker::agent, {1, 1, 15}) == ErrorCode::cancelled);
  Bytes refused = encoded({Refused{}});
  refused.back() = 6;
  CHECK(refusal(Speaker::agent, refused) == ErrorCode::malformed);
  Bytes dial = encoded({Dial{{}, 1, "x"}});
  dial.back() = ' ';
  CHECK(refusal(Speaker::gateway, dial) == ErrorCode::malformed);
  dial.back() = 0;
  CHECK(refusal(Speaker::gateway, dial) == ErrorCode::malformed);
  dial = encoded({Dial{{}, 1, "x"}});
  dial[20] = 0;  // the port
  CHECK(refusal(Speaker::gateway, dial) == ErrorCode::malformed);
}

TEST_CASE("agent frames: a proof is for one purpose, name and connection") {
  const Bytes one(32, 1), two(32, 2), number(16, 3);
  const auto text = agent_proof_text(AgentPurpose::stream, one, "a", number);
  CHECK(text != agent_proof_text(AgentPurpose::key, one, "a", number));
  CHECK(text != agent_proof_text(AgentPurpose::stream, two, "a", number));
  CHECK(text != agent_proof_text(AgentPurpose::stream, one, "b", number));
  CHECK(text != agent_proof_text(AgentPurpose::stream, one, "a", ByteSpan()));
}
