// SPDX-License-Identifier: Apache-2.0
// Tables of tests/conformance/http: rows of fields, in which bytes are escaped.
#pragma once

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"

namespace hoop::http_target {

/// \r \n \t \0 \\ and \xNN, and \{3*ab} for ababab.
inline std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[++i];
    if (next == 'r') out += '\r';
    if (next == 'n') out += '\n';
    if (next == 't') out += '\t';
    if (next == '0') out += '\0';
    if (next == '\\') out += '\\';
    if (next == 'x') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    }
    if (next == '{') {
      const auto star = text.find('*', i);
      const auto end = text.find('}', i);
      REQUIRE(star < end);
      REQUIRE(end != std::string_view::npos);
      const std::string one = unescaped(text.substr(star + 1, end - star - 1));
      for (int left = std::stoi(std::string(text.substr(i + 1))); left > 0; --left) out += one;
      i = end;
    }
  }
  return out;
}

struct TableRow {
  int line = 0;
  std::string section;  // "[name]" above it
  std::vector<std::string> fields;
};

inline std::vector<std::string> parted(std::string_view text, std::string_view by) {
  std::vector<std::string> out;
  for (;;) {
    const auto end = text.find(by);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + by.size());
  }
}

inline std::vector<TableRow> read_table(const std::string& name, std::size_t fields) {
  std::ifstream file(std::string(HOOP_SOURCE_DIR "/tests/conformance/http/") + name);
  std::vector<TableRow> out;
  std::string line, section;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      section = line.substr(1, line.size() - 2);
      continue;
    }
    if (line.ends_with(" |")) line += ' ';  // nothing behind the last bar
    TableRow row{number, section, parted(line, " | ")};
    INFO(name << ":" << number);
    REQUIRE(row.fields.size() == fields);
    out.push_back(std::move(row));
  }
  REQUIRE_FALSE(out.empty());
  return out;
}

}  // namespace hoop::http_target
