// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/request_body.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "core/http/form.h"
#include "protocols/http/media_type.h"

namespace hoop::http_target {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostDepth = 64;
constexpr std::size_t kMostFields = 10'000;
// A long name above many values stands before each of them.
constexpr std::size_t kMostFieldBytes = std::size_t{4} << 20;

/// Collects leaves as the parser meets them; the numbers as they were written.
class FieldCollector final : public nlohmann::json_sax<Json> {
 public:
  explicit FieldCollector(BodyFacts& facts) : facts_(facts) {}

  bool null() override { return leaf("null"); }
  bool boolean(bool value) override { return leaf(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return leaf(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return leaf(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return leaf(text); }
  bool string(string_t& value) override { return leaf(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open('{'); }
  bool end_object() override { return close("{}"); }
  bool start_array(std::size_t) override { return open('['); }
  bool end_array() override { return close("[]"); }
  bool key(string_t& name) override {
    Level& level = levels_.back();
    if (!level.names.insert(name).second) return refuse("a name stands twice in an object");
    path_.resize(level.path_bytes);
    if (!path_.empty()) path_ += '.';
    path_ += name;
    level.empty = false;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }
  /// Why it is refused; empty: it is no JSON.
  const std::string& refusal() const { return refusal_; }

 private:
  struct Level {
    char kind;
    std::size_t path_bytes;  // of path_, without what is in here
    bool empty = true;
    std::set<std::string> names = {};
  };
  bool refuse(std::string why) {
    refusal_ = std::move(why);
    return false;
  }
  bool leaf(std::string_view value) {
    enter();
    return add(value);
  }
  bool add(std::string_view value) {
    if (facts_.fields.size() == kMostFields) return refuse("it has more than 10,000 values");
    bytes_ += path_.size() + 1 + value.size();
    if (bytes_ > kMostFieldBytes) return refuse("its names are too long, and repeated too often");
    facts_.fields.push_back(path_ + "=" + std::string(value));
    return true;
  }
  /// An element of an array has the array's path.
  void enter() {
    if (!levels_.empty() && levels_.back().kind == '[') levels_.back().empty = false;
  }
  bool open(char kind) {
    if (levels_.size() == kMostDepth) return refuse("it nests deeper than 64");
    enter();
    const std::size_t before = path_.size();
    if (kind == '[') path_ += "[]";
    levels_.push_back({kind, kind == '[' ? before : path_.size()});
    return true;
  }
  bool close(std::string_view nothing) {
    const Level& level = levels_.back();
    path_.resize(level.path_bytes);
    const bool was_empty = level.empty;
    levels_.pop_back();
    return !was_empty || add(nothing);
  }

  BodyFacts& facts_;
  std::vector<Level> levels_;
  std::string path_;
  std::size_t bytes_ = 0;  // of all fields
  std::string refusal_;
};

Result<bool> read_json(std::string_view body, BodyFacts& out) {
  // The parser takes a NUL for the end, and what stands behind it would be judged by nobody.
  if (body.find('\0') != std::string_view::npos) return false;
  FieldCollector collector(out);
  if (Json::sax_parse(body.begin(), body.end(), &collector)) return true;
  out.fields.clear();
  if (!collector.refusal().empty())
    return fail(ErrorCode::malformed, "the body's JSON is refused: " + collector.refusal());
  return false;
}

/// A form in which no value stands: what is sent as one by whoever forgot to say that it is JSON.
bool is_one_name(std::string_view body) {
  return body.find_first_of("&=;") == std::string_view::npos;
}

/// Adds what a form says. What it does not read (a name that stands twice, say) nobody can judge;
/// nor what some servers divide at ';', too.
bool read_form(std::string_view body, BodyFacts& out) {
  const auto form = http::Form::parse(body);
  if (!form || body.find(';') != std::string_view::npos) return false;
  out.kind = BodyKind::form;
  for (const auto& [name, value] : form->fields()) out.fields.push_back(name + "=" + value);
  return true;
}

}  // namespace

std::string_view to_string(BodyKind kind) {
  switch (kind) {
    case BodyKind::none: return "none";
    case BodyKind::json: return "json";
    case BodyKind::form: return "form";
    case BodyKind::opaque: break;
  }
  return "opaque";
}

Result<BodyFacts> read_request_body(std::string_view content_type, std::string_view body) {
  BodyFacts out;
  if (body.empty()) return out;
  HOOP_TRY(const bool is_json, read_json(body, out));
  const bool is_form = media_type(content_type) == "application/x-www-form-urlencoded";
  if (is_json) out.kind = BodyKind::json;
  bool is_read = is_json || is_form;
  // What is JSON can be a form of several fields, too: {"a":"&role=admin&"}.
  if (is_form && !(is_json && is_one_name(body))) is_read = read_form(body, out);
  if (!is_read || !is_readable_text(content_type)) return BodyFacts{BodyKind::opaque, {}};
  return out;
}

}  // namespace hoop::http_target
