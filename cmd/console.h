// SPDX-License-Identifier: Apache-2.0
// What hoopctl says and how: sentences or JSON lines on stderr, listings on stdout, a progress bar
// on a terminal.
//
// The rules. stdout belongs to listings and to the wrapped program; everything else goes to stderr,
// whole lines, before any wait. For people a message is one sentence in lower case without a full
// stop behind "hoopctl: ", what to do next stands on its own line behind "hoopctl: hint: ". For
// machines a message is one JSON object a line that starts {"hoopctl":1,"status":…}. Text that a
// remote made passes neutralise() first. Colour and progress appear on a terminal only, and no
// colour with NO_COLOR. Quiet leaves errors and what a command cannot do without (the address of a
// login).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.h"
#include "core/base/log.h"

namespace hoop::cmd {

enum class Form { text, json };
enum class Verbosity { quiet, normal, verbose };
enum class Colour { never, yes };

/// A value of a message or a listing. monostate is JSON's null, and "-" for people.
using Value = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, std::string,
                           std::vector<std::string>>;

struct Field {
  std::string_view key;
  Value value;
};

struct ConsoleSettings {
  int out = 1;
  int err = 2;
  Form messages = Form::text;
  Form listings = Form::text;
  Verbosity verbosity = Verbosity::normal;
  Colour colour = Colour::never;
  enum class Progress { never, bar } progress = Progress::never;
};

/// A table for people, one JSON object a row for machines. keys name the members; headings the
/// columns; a heading that is empty leaves the column out for people.
struct Listing {
  struct Column {
    std::string_view key;
    std::string_view heading;
  };
  std::vector<Column> columns;
  std::vector<std::vector<Value>> rows;
  std::string empty;  // said on stderr when there is no row
};

class Console {
 public:
  explicit Console(ConsoleSettings settings) : settings_(settings) {}

  /// Only with --verbose.
  void detail(std::string_view status, std::string_view sentence,
              std::initializer_list<Field> fields = {});
  /// Not with --quiet.
  void say(std::string_view status, std::string_view sentence,
           std::initializer_list<Field> fields = {});
  /// Always: without it the command is of no use.
  void insist(std::string_view status, std::string_view sentence,
              std::initializer_list<Field> fields = {});
  void warn(std::string_view status, std::string_view sentence, std::string_view hint = {},
            std::initializer_list<Field> fields = {});
  void error(const Error& error, std::initializer_list<Field> fields = {});

  void print(const Listing& listing);
  /// One object on stdout: "key: value" lines for people, a JSON line for machines.
  void print(const std::vector<Field>& object);
  /// A line on stdout as it is; for help and generated text.
  void print_line(std::string_view line);
  /// One JSON line on any descriptor (--result-fd).
  static Result<void> write_json(int descriptor, const std::vector<Field>& object);

  /// Redraws the bar in place, or does nothing where there is no terminal. finish_progress() takes
  /// it away.
  void progress(std::string_view what, std::uint64_t done, std::uint64_t total);
  void finish_progress();

  Form messages() const { return settings_.messages; }
  Form listings() const { return settings_.listings; }
  Verbosity verbosity() const { return settings_.verbosity; }
  void configure(ConsoleSettings settings) { settings_ = settings; }

 private:
  enum class Tone { plain, warning, error };
  struct Message {
    Tone tone;
    std::string_view status;
    std::string_view sentence;
    std::string_view hint;
    std::vector<Field> fields;
  };
  void emit(const Message& message);
  ConsoleSettings settings_;
  bool bar_drawn_ = false;
};

/// The operator log of a command: details on the console, so that --verbose shows them.
class ConsoleLog final : public Log {
 public:
  explicit ConsoleLog(Console& console) : console_(console) {}
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override;

 private:
  Console& console_;
};

/// One line that a terminal may show, cut at 600 bytes: for texts that a remote made.
std::string remote_text(std::string_view text);
void append_json_value(std::string& out, const Value& value);
std::string shown(const Value& value);

}  // namespace hoop::cmd
