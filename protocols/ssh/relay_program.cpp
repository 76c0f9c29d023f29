// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_program.h"

#include <fmt/format.h>

namespace hoop::ssh {

Bytes RelayProgram::shown(RelayStream stream, Bytes masked, bool ends) {
  std::optional<AgentText>& text = stream == RelayStream::err ? err_text : out_text;
  if (!text) return masked;
  Bytes read = text->take(masked);
  const Bytes rest = ends ? text->finish() : Bytes();
  read.insert(read.end(), rest.begin(), rest.end());
  return read;
}

std::string RelayProgram::words_on_changes() const {
  const std::uint64_t changed =
      (out_text ? out_text->changed() : 0) + (err_text ? err_text->changed() : 0);
  if (changed == 0) return {};
  return fmt::format(
      "hoopctl: {} characters that cannot be seen are written out, as \\u.... (scp and sftp bring "
      "files as they are)\r\n",
      changed);
}

record::ReplyEnd RelayProgram::outcome(const mask::Masker& masker, std::string status) const {
  record::ReplyEnd end;
  end.action = admitted.id();
  end.bytes = bytes;
  mask::HiddenCounts hidden = out.hidden();
  hidden.add(err.hidden());
  end.masked_values = hidden.total();
  for (std::size_t i = 0; i < mask::kDetectorClasses; ++i) {
    if (hidden.detected[i] != 0)
      end.masked_by_class[std::string(to_string(static_cast<mask::DetectorClass>(i)))] =
          hidden.detected[i];
  }
  const auto& own = masker.own_patterns();
  for (std::size_t i = 0; i < hidden.own.size(); ++i) {
    if (hidden.own[i] != 0) end.masked_by_class[own[i]] = hidden.own[i];
  }
  end.status = std::move(status);
  return end;
}

}  // namespace hoop::ssh
