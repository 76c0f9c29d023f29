// SPDX-License-Identifier: Apache-2.0
// What a terminal of a session has shown, out of its log: for players of asciicast, version 2, and
// for a terminal.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/base/terminal_filter.h"
#include "core/record/session_log_reader.h"

namespace hoop::cmd {

/// One moment of a terminal.
struct TerminalMoment {
  enum class Kind { begun, shown, resized } kind = Kind::shown;
  std::chrono::milliseconds after{0};  // since it began
  std::string data;                    // shown: bytes
  int columns = 0, rows = 0;           // begun, resized
  std::string term, title;             // begun
  std::optional<SystemTime> at;        // begun
};

/// Finds the program that a terminal belongs to, and what it has shown.
class TerminalReader {
 public:
  using Take = std::function<void(const TerminalMoment&)>;
  /// wanted: an action; none: the first that had a terminal.
  TerminalReader(std::optional<std::uint64_t> wanted, Take take)
      : wanted_(wanted), take_(std::move(take)) {}
  void read(const record::Record& record);
  /// Whether there was one.
  bool found() const { return found_; }

 private:
  struct Begun {
    std::string text;
    std::optional<SystemTime> at;
  };
  std::optional<std::uint64_t> wanted_;
  Take take_;
  bool found_ = false;
  std::string target_;
  std::map<std::uint64_t, Begun> actions_;
};

/// Lines of an asciicast; nothing in them is obeyed by a terminal, and what a player sends to one
/// does no more than draw.
class Asciicast {
 public:
  /// Without the end of line; empty: nothing to say yet.
  std::string line(const TerminalMoment& moment);

 private:
  TerminalFilter filter_;
};

}  // namespace hoop::cmd
