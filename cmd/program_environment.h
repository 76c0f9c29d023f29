// SPDX-License-Identifier: Apache-2.0
// The environment of the wrapped program: the user's, without what could lead it elsewhere and
// without what is hoopctl's.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hoop::cmd {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// True for a variable that a PostgreSQL program must not see: every PG* (libpq would follow it to
/// another server, file or user) but PGAPPNAME, PGTZ and PGDATESTYLE; and hoopctl's own tokens,
/// secrets and passwords.
bool is_withheld(std::string_view name);
/// The same of a program that reaches hosts: the user's own agent is none of its business, nor is
/// another ssh that git or rsync would be led to.
bool is_withheld_from_ssh(std::string_view name);
/// The same of a program that reaches clusters: every KUBE*, by which kubectl and its kin, or a pod
/// that it runs in, would find another.
bool is_withheld_from_kubectl(std::string_view name);

/// What a program's targets are among others.
struct Reached {
  bool hosts = false;
  bool clusters = false;
};

/// user without what is withheld, and with ours, which win. "NAME=value".
std::vector<std::string> program_environment(const std::map<std::string, std::string>& user,
                                             const Variables& ours, Reached reached = {});

/// The variable that names a target's URL: HOOPCTL_URL_PG_PROD for "pg-prod".
std::string url_variable(std::string_view target);

/// What the session log keeps of a command line. A word that looks like SQL or a script is kept as
/// "[N bytes]": its statements are recorded when they come, and there without the literals that
/// masks hide. Bounded, so that a long one cannot keep a session from being recorded.
std::vector<std::string> recorded_command(const std::vector<std::string>& words);

}  // namespace hoop::cmd
