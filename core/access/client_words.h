// SPDX-License-Identifier: Apache-2.0
// The stock client of each protocol, and what of it the words after "--" of connect are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hoop::access {

/// The program that `connect` runs. postgres: a first word with '-' begins psql's arguments, as
/// does no word at all; otherwise it is a program of its own. ssh: what stands there is ssh's in
/// any case, its options or the command that the host is to run. http: there is no stock client:
/// the words are the program, and without any it is a shell. kubernetes: a first word with '-'
/// begins kubectl's arguments; otherwise as http.
std::vector<std::string> connect_words(std::string_view protocol, const std::string& target,
                                       std::vector<std::string> after_mark);

/// Whether those words can be the program. Fails with usage, and says in the hint how to write it:
/// http has no client whose arguments they could be.
Result<void> check_connect_words(std::string_view protocol, const std::string& target,
                                 const std::vector<std::string>& after_mark);

}  // namespace hoop::access
