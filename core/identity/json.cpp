// SPDX-License-Identifier: Apache-2.0
#include "core/identity/json.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "core/base/encoding.h"

namespace hoop::identity {
namespace {

/// nlohmann's parser keeps its own stack, so depth costs no call stack; this builder counts what it
/// is handed and refuses.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(const JsonCaps& caps) : caps_(caps) {}

  bool null() override { return add(Json{nullptr}); }
  bool boolean(bool value) override { return add(Json{value}); }
  bool number_integer(number_integer_t value) override { return add(Json{std::int64_t{value}}); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return refuse(ErrorCode::malformed, "a number is out of range");
    }
    return add(Json{static_cast<std::int64_t>(value)});
  }
  bool number_float(number_float_t value, const string_t& text) override {
    // An integer too long for 64 bits arrives here as well: silently rounding it would change what
    // was signed.
    if (text.find_first_of(".eE") == string_t::npos)
      return refuse(ErrorCode::malformed, "a number is out of range");
    return add(Json{value});
  }
  bool string(string_t& value) override { return add(Json{std::move(value)}); }
  bool binary(binary_t&) override { return refuse(ErrorCode::malformed, "not JSON"); }
  bool start_object(std::size_t) override { return open(Json{Json::Object()}); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json{Json::Array()}); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (std::get<Json::Object>(open_.back()->value).contains(name)) {
      return refuse(ErrorCode::malformed, "a member stands there twice");
    }
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return refuse(ErrorCode::malformed, "not JSON at byte " + std::to_string(position));
  }

  Json root;
  Error error{ErrorCode::malformed, "not JSON", {}, {}};

 private:
  bool refuse(ErrorCode code, std::string message) {
    error = Error{code, std::move(message), {}, {}};
    return false;
  }

  Json* place(Json value) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json& parent = *open_.back();
    if (auto* array = std::get_if<Json::Array>(&parent.value))
      return &array->emplace_back(std::move(value));
    return &std::get<Json::Object>(parent.value)
                .emplace(std::move(key_), std::move(value))
                .first->second;
  }

  bool add(Json value) {
    if (++values_ > caps_.values) return refuse(ErrorCode::too_large, "too many values");
    place(std::move(value));
    return true;
  }

  bool open(Json value) {
    if (open_.size() >= caps_.depth) return refuse(ErrorCode::too_large, "nested too deeply");
    if (++values_ > caps_.values) return refuse(ErrorCode::too_large, "too many values");
    // Stays valid: a parent grows only after this child is closed.
    open_.push_back(place(std::move(value)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  JsonCaps caps_;
  std::size_t values_ = 0;
  std::string key_;
  std::vector<Json*> open_;
};

}  // namespace

const Json* Json::find(std::string_view key) const {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  const auto found = members->find(key);
  return found == members->end() ? nullptr : &found->second;
}

const std::string* Json::text(std::string_view key) const {
  const Json* member = find(key);
  return member == nullptr ? nullptr : member->text();
}

Result<Json> parse_json(std::string_view text, const JsonCaps& caps) {
  if (text.size() > caps.bytes)
    return fail(ErrorCode::too_large, "longer than " + std::to_string(caps.bytes) + " bytes");
  // nlohmann skips a byte order mark; RFC 8259 §8.1 lets us refuse it.
  if (text.starts_with("\xef\xbb\xbf")) return fail(ErrorCode::malformed, "not JSON at byte 1");
  Builder builder(caps);
  if (!nlohmann::json::sax_parse(text, &builder)) return std::unexpected(std::move(builder.error));
  return std::move(builder.root);
}

}  // namespace hoop::identity
