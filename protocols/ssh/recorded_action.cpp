// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/recorded_action.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/record/records.h"

namespace hoop::ssh {
namespace {

constexpr std::size_t kMostText = std::size_t{16} << 10;      // of a command in the log
constexpr std::size_t kMostResources = std::size_t{4} << 10;  // of the commands in it, in all

}  // namespace

Result<void> clean_for_log(access::Action& action, mask::Masker& masker) {
  mask::HiddenCounts hidden;
  access::Action shown = action;
  HOOP_TRY(shown.text,
           masker.rewrite_text(std::string_view(action.text).substr(0, kMostText), hidden));
  // The line is there whole; of what was made of it as much as tells why it was judged so.
  std::size_t room = kMostResources;
  for (access::Resource& resource : shown.resources) {
    HOOP_TRY(resource.name,
             masker.rewrite_text(std::string_view(resource.name).substr(0, room), hidden));
    room -= std::min(room, resource.name.size());
  }
  std::erase_if(shown.resources, [](const access::Resource& one) { return one.name.empty(); });
  for (auto& [name, value] : shown.attributes) {
    HOOP_TRY(value, masker.rewrite_text(std::string_view(value).substr(0, kMostText), hidden));
  }
  action.recorded = record::action_members(shown);
  action.is_cut = action.text.size() > kMostText;
  action.shown = std::move(shown.text);
  return {};
}

std::string words_of(const access::Decision& decision) {
  if (decision.approval)
    return decision.hint.empty() ? decision.message : decision.message + ": " + decision.hint;
  std::string out = decision.message.empty()
                        ? fmt::format("denied by rule '{}'", decision.rule)
                        : fmt::format("{} (rule '{}')", decision.message, decision.rule);
  if (!decision.hint.empty()) out += ": " + decision.hint;
  return out;
}

std::uint32_t status_of(const access::Decision& decision) {
  using access::ApprovalState;
  if (!decision.approval) return 77;
  const ApprovalState state = decision.approval->state;
  return state == ApprovalState::pending || state == ApprovalState::approved ? 75 : 76;
}

}  // namespace hoop::ssh
