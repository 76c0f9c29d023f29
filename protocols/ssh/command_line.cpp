// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/command_line.h"

#include <algorithm>

#include "protocols/ssh/shell_reader.h"

namespace hoop::ssh {

using access::CommandWord;

std::string_view to_string(CommandForm form) {
  switch (form) {
    case CommandForm::plain: return "plain";
    case CommandForm::script: return "script";
    case CommandForm::opaque: return "opaque";
  }
  return "opaque";
}

std::string_view to_string(Transfer transfer) {
  switch (transfer) {
    case Transfer::none: return "absent";
    case Transfer::upload: return "upload";
    case Transfer::download: return "download";
  }
  return "absent";
}

/// scp -t and -f, and rsync --server, are what their clients have run at a host.
Transfer transfer_of(const std::vector<CommandWord>& words) {
  if (words.empty() || !words[0].known) return Transfer::none;
  const std::string_view program =
      std::string_view(words[0].text).substr(words[0].text.rfind('/') + 1);
  bool receives = false, sends = false, serves = false;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i].text;
    if (word == "--server") serves = true;
    if (word == "--sender") sends = true;
    if (program != "scp" || !word.starts_with('-') || word.starts_with("--")) continue;
    receives = receives || word.find('t') != std::string::npos;
    sends = sends || word.find('f') != std::string::npos;
  }
  if (program == "scp" && (receives || sends)) return sends ? Transfer::download : Transfer::upload;
  if (program == "rsync" && serves) return sends ? Transfer::download : Transfer::upload;
  return Transfer::none;
}

CommandLine read_command_line(std::string_view text) {
  CommandLine out;
  ShellReader reader(text, 0);
  reader.read();
  out.form = reader.form();
  out.commands = std::move(reader.commands);
  out.inner = std::move(reader.inner);
  return out;
}

bool is_for_programs(std::string_view text) {
  const CommandLine line = read_command_line(text);
  // The host fills in what its words are of; it runs one program.
  if (line.form == CommandForm::opaque || line.commands.size() != 1 || !line.inner.empty())
    return false;
  const auto& words = line.commands[0];
  constexpr std::string_view kOfGit[] = {"git-upload-pack", "git-receive-pack",
                                         "git-upload-archive"};
  return transfer_of(words) != Transfer::none ||
         std::ranges::find(kOfGit, words[0].text) != std::end(kOfGit);
}

}  // namespace hoop::ssh
