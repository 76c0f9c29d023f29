// SPDX-License-Identifier: Apache-2.0
// The operator log: one structured line an event. Never a secret, a row's value, a literal of a
// statement, or what a remote said.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace hoop {

enum class LogLevel { debug, info, warning, error };

struct LogField {
  std::string_view key;
  std::string value;
};

class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;
  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::debug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::info, event, fields);
  }
  void warning(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::warning, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::error, event, fields);
  }
};

/// Writes nothing: tests, and commands that have no operator.
class NullLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

/// logfmt lines on a file descriptor: time=… level=… event=… key=value; values with blanks or
/// controls are quoted.
class TextLog final : public Log {
 public:
  TextLog(int descriptor, LogLevel least) : descriptor_(descriptor), least_(least) {}
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override;

 private:
  int descriptor_;
  LogLevel least_;
};

}  // namespace hoop
