// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/door.h"

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "protocols/http/door.h"
#include "protocols/kubernetes/status.h"

namespace hoop::kubernetes {
namespace {

constexpr std::string_view kTokenDigest = "token_sha256";
constexpr std::size_t kMostRefusalBytes = 300;

std::string digest_of(std::string_view token) {
  return to_base64url(crypto::sha256(as_bytes(token)));
}

}  // namespace

KubernetesDoor::KubernetesDoor(const SecretText& token) : digest_(digest_of(token.reveal())) {}

Task<session::Opening> KubernetesDoor::open(net::Stream&, Deadline) {
  session::Opening out;
  out.parameters.emplace_back(std::string(kTokenDigest), digest_);
  co_return out;
}

Task<void> KubernetesDoor::refuse(net::Stream& downstream, const Error& error) {
  const http_target::Problem problem{503, std::string(to_string(error.code)),
                                     neutralise(error.message, kMostRefusalBytes, Lines::escape),
                                     error.hint};
  http::Response answer = status_of(problem);
  co_return co_await http_target::answer_first(downstream, std::move(answer));
}

bool is_token_of(const session::Opening& opening, std::string_view token) {
  if (opening.parameters.size() != 1 || opening.parameters[0].first != kTokenDigest) return false;
  return equal_constant_time(as_bytes(opening.parameters[0].second), as_bytes(digest_of(token)));
}

}  // namespace hoop::kubernetes
