// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/door.h"

#include "core/base/encoding.h"
#include "core/http/message_reader.h"
#include "core/http/message_writer.h"

namespace hoop::http_target {
namespace {

constexpr std::size_t kReadBytes = std::size_t{16} << 10;
constexpr std::size_t kMostWords = 300;

}  // namespace

Task<session::Opening> HttpDoor::open(net::Stream&, Deadline) { co_return session::Opening{}; }

Task<void> HttpDoor::refuse(net::Stream& downstream, const Error& error) {
  http::Response answer = http::problem_response(
      503, to_string(error.code), neutralise(error.message, kMostWords, Lines::escape));
  co_return co_await answer_first(downstream, std::move(answer));
}

Task<void> answer_first(net::Stream& downstream, http::Response answer) {
  http::RequestReader reader(0);
  Bytes buffer(kReadBytes);
  for (bool asked = false; !asked;) {
    HOOP_CO_TRY(const std::size_t count, co_await downstream.read_some(buffer));
    if (count == 0) co_return Result<void>{};
    ByteSpan in = ByteSpan(buffer).first(count);
    const auto event = reader.next(in);
    asked = !event || *event != http::Event::need_more;
  }
  answer.headers.set("Connection", "close");
  const http::Framing framing{http::Framing::Kind::length, answer.body.size()};
  HOOP_CO_TRY(std::string head, http::write_response_head(answer, framing));
  head += answer.body;
  co_return co_await downstream.write_all(as_bytes(head));
}

}  // namespace hoop::http_target
