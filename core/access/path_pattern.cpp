// SPDX-License-Identifier: Apache-2.0
#include "core/access/path_pattern.h"

#include <algorithm>
#include <vector>

namespace hoop::access {

std::string lexical_path(std::string_view folder, std::string_view path) {
  std::vector<std::string_view> parts;
  const auto walk = [&](std::string_view of) {
    for (std::size_t at = 0; at < of.size();) {
      const std::size_t end = std::min(of.find('/', at), of.size());
      const std::string_view part = of.substr(at, end - at);
      if (part == "..") {
        if (!parts.empty()) parts.pop_back();
      } else if (!part.empty() && part != ".") {
        parts.push_back(part);
      }
      at = end + 1;
    }
  };
  if (!path.starts_with('/')) walk(folder);
  walk(path);
  std::string out;
  for (const std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

bool path_matches(std::string_view pattern, std::string_view path) {
  // All ways at once, byte by byte.
  std::vector<bool> now(pattern.size() + 1), next;
  const auto enter = [&](std::vector<bool>& at, std::size_t i) {
    // A star may stand for nothing.
    for (at[i] = true; i < pattern.size() && pattern[i] == '*'; at[++i] = true) {
    }
  };
  enter(now, 0);
  for (const char c : path) {
    next.assign(pattern.size() + 1, false);
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (!now[i]) continue;
      if (pattern[i] == c) enter(next, i + 1);
      const bool crosses = pattern.substr(i, 2) == "**" || (i > 0 && pattern[i - 1] == '*');
      if (pattern[i] == '*' && (c != '/' || crosses)) enter(next, i);
    }
    now.swap(next);
  }
  return now[pattern.size()];
}

bool concerns_inside(std::string_view pattern, std::string_view folder) {
  const std::string inside = folder == "/" ? "/" : std::string(folder) + "/";
  return path_matches(pattern, inside) || pattern.substr(0, pattern.find('*')).starts_with(inside);
}

Result<void> check_path_pattern(std::string_view pattern) {
  if (!pattern.starts_with('/') && !pattern.starts_with("**"))
    return fail(ErrorCode::config, "a path begins with '/'",
                "like \"/var/log/**\"; \"**/.ssh/**\" is one in any folder");
  if (pattern.size() > 1 && pattern.ends_with('/'))
    return fail(ErrorCode::config, "a path with a '/' at its end would never match",
                "\"/var/log\" is the folder, \"/var/log/**\" all that is in it");
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t end = std::min(pattern.find('/', at), pattern.size());
    const std::string_view part = pattern.substr(at, end - at);
    if (part == ".." || part == "." || (part.empty() && at != 0 && pattern.size() > 1))
      return fail(ErrorCode::config, "a path with \"//\", \"/./\" or \"..\" would never match",
                  "paths are judged as the host has resolved them");
    at = end + 1;
  }
  return {};
}

}  // namespace hoop::access
