// SPDX-License-Identifier: Apache-2.0
// What the program is about to do, in one shape for every protocol.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/digest.h"

namespace hoop::access {

/// Kinds of resources that are commands (command_pattern.h): those that a command line has, and
/// those that one of them runs in its turn.
inline constexpr std::string_view kCommandKey = "command";
inline constexpr std::string_view kInnerCommand = "inner_command";

/// The attribute that a forward of a port has: "host:port" of where it leads.
inline constexpr std::string_view kDestinationKey = "destination";

enum class Access { read, write };

/// kind is the word that a rule's `when` uses ("table", "function"); name is fully qualified
/// ("public.customers").
struct Resource {
  std::string kind;
  std::string name;
  Access access = Access::read;
  bool operator==(const Resource&) const = default;
};

struct Action {
  std::string protocol;  // "postgres"
  std::string verb;  // "select"; "unknown" for what could not be classified: only a deny or a rule
                     // that names it matches
  std::vector<Resource> resources;
  /// Facts that a rule may ask for by name, e.g. postgres: where = absent|present, limit = absent
  /// or a number. "verbs" lists, with commas, all that a statement does when it does more than one
  /// thing; a rule's `verb` is judged by each of them.
  std::map<std::string, std::string> attributes;
  /// For people and the log: bounded, and cleaned by the handler of what masks hide.
  std::string text;
  /// The text as an approver is shown it, where the handler has not cleaned text itself of what
  /// masks hide; empty: text.
  std::string shown = {};
  /// Neither is all that the digest stands for: nobody could approve it.
  bool is_cut = false;
  /// SHA-256 of the exact bytes that would go upstream.
  crypto::Digest256 digest{};
  /// What the log says of all this, made once for an action that is done many times; empty: made
  /// for each record. Whoever changes another member empties it.
  std::string recorded;
  /// What it goes on to do nobody judges (a shell, a script that cannot be read): an allow must
  /// name agents, by their kind, to let one of them do it.
  bool unjudged = false;
  /// A condition that an allow must have, whatever it says, to let this pass; empty: none.
  std::string_view named_by = {};
};

}  // namespace hoop::access
