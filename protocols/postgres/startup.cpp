// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/startup.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/base/encoding.h"

namespace hoop::postgres {
namespace {

// Not here on purpose: search_path and role (what names mean, who runs it; SQL for them is
// classified), standard_conforming_strings (where a literal ends), session_authorization, and
// everything that only a few would miss.
constexpr std::array<std::string_view, 18> kSessionSettings = {
    "application_name",
    "bytea_output",
    "client_encoding",
    "client_min_messages",
    "datestyle",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "extra_float_digits",
    "geqo",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "lock_timeout",
    "statement_timeout",
    "timezone",
    "transaction_timeout"};

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string shown(std::string_view text) { return neutralise(text, 64, Lines::escape); }

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The server's own way of comparing: letters and digits alone, case ignored. SQL_ASCII means "do
/// not convert", which is what a UTF8 connection does for such a client; psql asks for it on a
/// terminal when the locale is C.
bool is_utf8_name(std::string_view encoding) {
  std::string clean;
  for (const char c : lower_case(encoding)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) clean += c;
  }
  return clean == "utf8" || clean == "unicode" || clean == "sqlascii";
}

/// Splits as the server does: blanks separate, a backslash takes the next character as it is.
std::vector<std::string> split_options(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i])) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (text[i] == '\\' && ++i == text.size()) break;
    words.back() += text[i];
  }
  return words;
}

class Judge {
 public:
  Result<void> parameter(const StartupParameter& parameter);
  Result<Startup> finish(std::uint32_t version);

 private:
  Result<void> options(std::string_view text);
  Result<std::string> setting(const std::string& name, std::string_view value);

  Startup startup_;
  std::set<std::string> seen_;
  std::string user_;
  std::string database_;
  ParameterPairs named_;
  ParameterPairs from_options_;
};

Result<void> Judge::parameter(const StartupParameter& parameter) {
  const std::string name = lower_case(parameter.name);
  if (!is_utf8(parameter.name) || !is_utf8(parameter.value)) {
    return fail(ErrorCode::malformed, "a startup parameter is not UTF-8",
                "set PGCLIENTENCODING=UTF8 and use a UTF-8 locale");
  }
  if (!seen_.insert(name).second) {
    return fail(ErrorCode::malformed,
                fmt::format("startup parameter '{}' is given twice", shown(name)));
  }
  if (name.starts_with("_pq_.")) {
    startup_.unknown_options.emplace_back(parameter.name);
  } else if (parameter.name == "user") {
    user_ = parameter.value;
  } else if (parameter.name == "database") {
    database_ = parameter.value;
  } else if (parameter.name == "options") {
    return options(parameter.value);
  } else if (parameter.name == "replication") {
    return fail(ErrorCode::unsupported, "replication connections cannot be opened through hoopctl",
                "connect without the parameter 'replication'");
  } else {
    HOOP_TRY(auto value, setting(name, parameter.value));
    named_.emplace_back(name, std::move(value));
  }
  return {};
}

Result<std::string> Judge::setting(const std::string& name, std::string_view value) {
  if (!is_session_setting(name)) {
    return fail(
        ErrorCode::denied,
        fmt::format("setting '{}' cannot be given when connecting through hoopctl", shown(name)),
        "leave it out of the connection parameters and PGOPTIONS; SET may do it once connected");
  }
  if (name != "client_encoding") return std::string(value);
  if (!is_utf8_name(value)) {
    return fail(ErrorCode::unsupported,
                fmt::format("client_encoding '{}' is not spoken here, only UTF8", shown(value)),
                "set PGCLIENTENCODING=UTF8");
  }
  return std::string("UTF8");
}

Result<void> Judge::options(std::string_view text) {
  const std::vector<std::string> words = split_options(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "-c" && i + 1 < words.size()) {
      word = words[++i];
    } else if (word.starts_with("-c") || word.starts_with("--")) {
      word.remove_prefix(2);
    } else {
      return fail(
          ErrorCode::denied,
          fmt::format("'{}' cannot be given in the startup parameter 'options'", shown(word)),
          "only -c name=value and --name=value are read");
    }
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return fail(
          ErrorCode::malformed,
          fmt::format("'{}' in the startup parameter 'options' is not name=value", shown(word)));
    }
    std::string name = lower_case(word.substr(0, equals));
    std::replace(name.begin(), name.end(), '-', '_');
    HOOP_TRY(auto value, setting(name, word.substr(equals + 1)));
    // As in the server the last one counts.
    std::erase_if(from_options_, [&](const auto& pair) { return pair.first == name; });
    from_options_.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

Result<Startup> Judge::finish(std::uint32_t version) {
  if (user_.empty()) return fail(ErrorCode::malformed, "no user name in the startup message");
  startup_.needs_negotiation = version > kProtocol30 || !startup_.unknown_options.empty();
  startup_.parameters.emplace_back("user", std::move(user_));
  if (!database_.empty()) startup_.parameters.emplace_back("database", std::move(database_));
  // As in the server a parameter of its own wins over the same one in options.
  for (auto& pair : from_options_) {
    const auto same = [&](const auto& named) { return named.first == pair.first; };
    if (std::none_of(named_.begin(), named_.end(), same))
      startup_.parameters.push_back(std::move(pair));
  }
  for (auto& pair : named_) startup_.parameters.push_back(std::move(pair));
  return std::move(startup_);
}

}  // namespace

bool is_session_setting(std::string_view name) {
  return std::find(kSessionSettings.begin(), kSessionSettings.end(), name) !=
         kSessionSettings.end();
}

Result<Startup> judge_startup(const StartupMessage& message) {
  Judge judge;
  for (const StartupParameter& parameter : message.parameters)
    HOOP_CHECK(judge.parameter(parameter));
  return judge.finish(message.version);
}

}  // namespace hoop::postgres
