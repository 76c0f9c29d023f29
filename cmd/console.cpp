// SPDX-License-Identifier: Apache-2.0
#include "cmd/console.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMaxRemoteText = 600;
constexpr std::size_t kBarCells = 24;

template <class... Arms>
struct Match : Arms... {
  using Arms::operator()...;
};

/// Whole lines in one write where the system lets us, so that a killed reader has seen every
/// message before a wait.
bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void append_member(std::string& out, std::string_view key, const Value& value) {
  if (out.back() != '{') out += ',';
  append_json_string(out, key);
  out += ':';
  append_json_value(out, value);
}

/// Columns that a terminal uses for UTF-8 text, near enough: one a code point.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

std::string remote_text(std::string_view text) {
  return neutralise(text, kMaxRemoteText, Lines::escape);
}

void append_json_value(std::string& out, const Value& value) {
  std::visit(Match{[&](std::monostate) { out += "null"; },
                   [&](bool flag) { out += flag ? "true" : "false"; },
                   [&](std::int64_t number) { out += std::to_string(number); },
                   [&](std::uint64_t number) { out += std::to_string(number); },
                   [&](const std::string& text) { append_json_string(out, text); },
                   [&](const std::vector<std::string>& list) {
                     out += '[';
                     for (std::size_t i = 0; i < list.size(); ++i) {
                       if (i != 0) out += ',';
                       append_json_string(out, list[i]);
                     }
                     out += ']';
                   }},
             value);
}

std::string shown(const Value& value) {
  return std::visit(Match{[](std::monostate) { return std::string("-"); },
                          [](bool flag) { return std::string(flag ? "yes" : "no"); },
                          [](std::int64_t number) { return std::to_string(number); },
                          [](std::uint64_t number) { return std::to_string(number); },
                          [](const std::string& text) { return remote_text(text); },
                          [](const std::vector<std::string>& list) {
                            std::string out;
                            for (const std::string& item : list) {
                              if (!out.empty()) out += ", ";
                              out += remote_text(item);
                            }
                            return out;
                          }},
                    value);
}

void Console::emit(const Message& message) {
  finish_progress();
  std::string out;
  if (settings_.messages == Form::json) {
    out = "{\"hoopctl\":1";
    append_member(out, "status", Value(std::string(message.status)));
    for (const Field& field : message.fields) {
      if (!std::holds_alternative<std::monostate>(field.value))
        append_member(out, field.key, field.value);
    }
    append_member(out, "message", Value(std::string(message.sentence)));
    if (!message.hint.empty()) append_member(out, "hint", Value(std::string(message.hint)));
    out += "}\n";
  } else {
    const bool coloured = settings_.colour == Colour::yes && message.tone != Tone::plain;
    const std::string_view on = !coloured                     ? ""
                                : message.tone == Tone::error ? "\033[31m"
                                                              : "\033[33m";
    out = fmt::format("hoopctl: {}{}{}\n", on, message.sentence, coloured ? "\033[0m" : "");
    if (!message.hint.empty()) out += fmt::format("hoopctl: hint: {}\n", message.hint);
  }
  write_all(settings_.err, out);
}

void Console::detail(std::string_view status, std::string_view sentence,
                     std::initializer_list<Field> fields) {
  if (settings_.verbosity == Verbosity::verbose) emit({Tone::plain, status, sentence, {}, fields});
}

void Console::say(std::string_view status, std::string_view sentence,
                  std::initializer_list<Field> fields) {
  if (settings_.verbosity != Verbosity::quiet) emit({Tone::plain, status, sentence, {}, fields});
}

void Console::insist(std::string_view status, std::string_view sentence,
                     std::initializer_list<Field> fields) {
  emit({Tone::plain, status, sentence, {}, fields});
}

void Console::warn(std::string_view status, std::string_view sentence, std::string_view hint,
                   std::initializer_list<Field> fields) {
  if (settings_.verbosity != Verbosity::quiet)
    emit({Tone::warning, status, sentence, hint, fields});
}

void Console::error(const Error& error, std::initializer_list<Field> fields) {
  std::vector<Field> all{{"code", std::string(to_string(error.code))}};
  all.insert(all.end(), fields.begin(), fields.end());
  std::string sentence = neutralise(error.message, 4 * kMaxRemoteText, Lines::escape);
  if (!error.remote.empty()) {
    if (settings_.messages == Form::json) {
      all.push_back({"remote", remote_text(error.remote)});
    } else {
      sentence += fmt::format(": it said \"{}\"", remote_text(error.remote));
    }
  }
  emit({Tone::error, "error", sentence, error.hint, std::move(all)});
}

void Console::print(const Listing& listing) {
  std::string out;
  if (settings_.listings == Form::json) {
    for (const auto& row : listing.rows) {
      out += '{';
      for (std::size_t i = 0; i < row.size(); ++i)
        append_member(out, listing.columns[i].key, row[i]);
      out += "}\n";
    }
  } else if (!listing.rows.empty()) {
    std::vector<std::vector<std::string>> lines(listing.rows.size() + 1);
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < listing.columns.size(); ++i) {
      if (listing.columns[i].heading.empty()) continue;
      lines[0].emplace_back(listing.columns[i].heading);
      for (std::size_t r = 0; r < listing.rows.size(); ++r)
        lines[r + 1].push_back(shown(listing.rows[r][i]));
      widths.push_back(0);
      for (const auto& line : lines) widths.back() = std::max(widths.back(), width(line.back()));
    }
    for (const auto& line : lines) {
      std::string text;
      for (std::size_t i = 0; i < line.size(); ++i) {
        text += line[i];
        text.append(widths[i] - width(line[i]) + 2, ' ');
      }
      text.erase(text.find_last_not_of(' ') + 1);
      out += text + "\n";
    }
  }
  write_all(settings_.out, out);
  if (listing.rows.empty() && !listing.empty.empty()) say("empty", listing.empty);
}

void Console::print(const std::vector<Field>& object) {
  std::string out;
  if (settings_.listings == Form::json) {
    out = "{";
    for (const Field& field : object) append_member(out, field.key, field.value);
    out += "}\n";
  } else {
    std::size_t widest = 0;
    for (const Field& field : object) widest = std::max(widest, field.key.size());
    for (const Field& field : object) {
      std::string key(field.key);
      std::replace(key.begin(), key.end(), '_', ' ');
      out += fmt::format("{:<{}}  {}\n", key + ":", widest + 1, shown(field.value));
    }
  }
  write_all(settings_.out, out);
}

void Console::print_line(std::string_view line) {
  write_all(settings_.out, std::string(line) + "\n");
}

Result<void> Console::write_json(int descriptor, const std::vector<Field>& object) {
  std::string out = "{";
  for (const Field& field : object) append_member(out, field.key, field.value);
  out += "}\n";
  if (!write_all(descriptor, out))
    return fail(ErrorCode::io,
                fmt::format("write to descriptor {}: {}", descriptor, std::strerror(errno)));
  return {};
}

void Console::progress(std::string_view what, std::uint64_t done, std::uint64_t total) {
  if (settings_.progress == ConsoleSettings::Progress::never ||
      settings_.verbosity == Verbosity::quiet || total == 0)
    return;
  const auto part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto cells = static_cast<std::size_t>(part * kBarCells);
  write_all(settings_.err,
            fmt::format("\r\033[Khoopctl: {} [{}{}] {:3.0f}%", what, std::string(cells, '#'),
                        std::string(kBarCells - cells, '.'), part * 100));
  bar_drawn_ = true;
}

void Console::finish_progress() {
  if (bar_drawn_) write_all(settings_.err, "\r\033[K");
  bar_drawn_ = false;
}

void ConsoleLog::write(LogLevel level, std::string_view event,
                       std::initializer_list<LogField> fields) {
  if (console_.verbosity() != Verbosity::verbose) return;
  std::string sentence = level >= LogLevel::warning ? "warning: " : "";
  sentence += event;
  for (const LogField& field : fields)
    sentence += fmt::format(" {}={}", field.key, remote_text(field.value));
  console_.detail("log", sentence);
}

}  // namespace hoop::cmd
