// SPDX-License-Identifier: Apache-2.0
// Grants that are asked for with an approval.
#include <algorithm>

#include <fmt/format.h>

#include "gateway/grants.h"

namespace hoop::gateway {
namespace {

// Before the id.
constexpr std::string_view kUnusableApproval = "approval '";
// Of what a certificate says: certificates are up to 64 KiB.
constexpr std::size_t kLongestForced = 32U << 10;

}  // namespace

bool is_about_approval(const Error& error) {
  return error.code == ErrorCode::denied && error.message.starts_with(kUnusableApproval);
}

/// The session spends it when its action comes; here it only must be there to be spent.
Result<std::optional<ApprovedAction>> GrantService::find_approved(
    const GrantRequest& request, const access::Authorization& authorization) {
  if (request.approval.empty()) return std::nullopt;
  const auto unusable = [&](std::string_view why) {
    return fail(ErrorCode::denied,
                fmt::format("{}{}': {}", kUnusableApproval, request.approval, why));
  };
  if (parts_.approval == nullptr) return unusable("there are no approvals here");
  const access::Target& target = authorization.target();
  const auto found = parts_.approval(request.approval, authorization.identity(), target.name);
  if (!found && found.error().code == ErrorCode::denied) return unusable(found.error().message);
  if (!found) return std::unexpected(found.error());
  ApprovedAction out{found->id, {}, found->question.digest, {}};
  // The session runs nothing else (Grant::only): a host would run this in its place.
  if (found->question.verb != "exec" || !found->exact) return out;
  out.command = found->question.text;
  const std::string& login = found->question.place;
  if (!login.empty() &&
      std::ranges::find(authorization.logins(), login) == authorization.logins().end())
    return unusable("it is for a login that is not open to you any more");
  out.login = login;
  if (out.command.size() > kLongestForced || out.command.find('\0') != std::string::npos)
    return unusable("a certificate cannot name its command");
  return out;
}

}  // namespace hoop::gateway
