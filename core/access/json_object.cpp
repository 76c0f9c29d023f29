// SPDX-License-Identifier: Apache-2.0
#include "core/access/json_object.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hoop::access {
namespace {

using Node = nlohmann::json;
using Names = std::set<std::string, std::less<>>;

constexpr int kMostDepth = 16;  // a grant nests five deep

/// Wipes every string of the tree: a grant's document holds the session's password.
void wipe_texts(Node& node) {
  if (node.is_string()) {
    auto& text = node.get_ref<std::string&>();
    wipe(text.data(), text.size());
  }
  if (node.is_structured()) {
    for (Node& child : node) wipe_texts(child);
  }
}

/// The library keeps the last of two members of one name, and nests without end: both are refused
/// while it parses.
class Strictness {
 public:
  bool operator()(int depth, Node::parse_event_t event, Node& parsed) {
    if (!problem_.empty()) return false;
    switch (event) {
      case Node::parse_event_t::object_start: names_.emplace_back(); [[fallthrough]];
      case Node::parse_event_t::array_start:
        if (depth >= kMostDepth) problem_ = fmt::format("it nests deeper than {}", kMostDepth);
        break;
      case Node::parse_event_t::object_end: names_.pop_back(); break;
      case Node::parse_event_t::key:
        if (!names_.back().insert(parsed.get<std::string>()).second)
          problem_ = "a member is given twice";
        break;
      case Node::parse_event_t::array_end:
      case Node::parse_event_t::value: break;
    }
    return problem_.empty();
  }
  const std::string& problem() const { return problem_; }

 private:
  std::vector<Names> names_;
  std::string problem_;
};

}  // namespace

struct JsonObject::Document {
  Document() = default;
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  ~Document() { wipe_texts(root); }

  struct Read {
    const Node* node;
    std::string path;
    std::shared_ptr<Names> known;
  };
  Node root;
  std::optional<Error> complaint;
  std::vector<Read> read;
};

struct JsonObject::State {
  State(std::shared_ptr<Document> owner, const Node* object, std::string at)
      : document(std::move(owner)), node(object), path(std::move(at)) {
    document->read.push_back({node, path, known});
  }
  std::string path_of(std::string_view key) const {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
  }
  /// The member, which counts as known from now on; nullptr after a complaint.
  const Node* need(std::string_view key, Node::value_t type, std::string_view what) {
    known->emplace(key);
    const auto found = node->find(key);
    if (found != node->end() && found->type() == type) return &*found;
    if (!document->complaint) {
      document->complaint =
          Error{ErrorCode::malformed, fmt::format("'{}' must be {}", path_of(key), what), {}, {}};
    }
    return nullptr;
  }
  std::shared_ptr<Document> document;
  const Node* node;
  std::string path;
  std::shared_ptr<Names> known = std::make_shared<Names>();
};

Result<JsonObject> JsonObject::parse(std::string_view text, std::size_t most_bytes) {
  if (text.size() > most_bytes)
    return fail(ErrorCode::too_large,
                fmt::format("the document is larger than {} bytes", most_bytes));
  Strictness strict;
  auto document = std::make_shared<Document>();
  document->root = Node::parse(
      text,
      [&](int depth, Node::parse_event_t event, Node& parsed) {
        return strict(depth, event, parsed);
      },
      /*allow_exceptions=*/false);
  if (!strict.problem().empty())
    return fail(ErrorCode::malformed, "not the JSON we expect: " + strict.problem());
  if (!document->root.is_object()) return fail(ErrorCode::malformed, "not a JSON object");
  const Node* root = &document->root;
  return JsonObject(std::make_shared<State>(std::move(document), root, ""));
}

bool JsonObject::has(std::string_view key) const {
  state_->known->emplace(key);
  return state_->node->contains(key);
}

std::string JsonObject::text(std::string_view key) const {
  const Node* value = state_->need(key, Node::value_t::string, "a string");
  return value != nullptr ? value->get<std::string>() : std::string();
}

SecretText JsonObject::secret(std::string_view key) const {
  const Node* value = state_->need(key, Node::value_t::string, "a string");
  return value != nullptr ? SecretText(value->get<std::string>()) : SecretText();
}

std::uint64_t JsonObject::number(std::string_view key) const {
  const Node* value = state_->need(key, Node::value_t::number_unsigned, "a whole number");
  return value != nullptr ? value->get<std::uint64_t>() : 0;
}

bool JsonObject::flag(std::string_view key) const {
  const Node* value = state_->need(key, Node::value_t::boolean, "true or false");
  return value != nullptr && value->get<bool>();
}

SystemTime JsonObject::time(std::string_view key) const {
  const Node* value = state_->need(key, Node::value_t::string, "a time");
  if (value == nullptr) return {};
  const auto parsed = parse_rfc3339(value->get_ref<const std::string&>());
  if (!parsed) complain(key, "must be a time like 2026-11-20T18:30:00.250Z");
  return parsed.value_or(SystemTime{});
}

std::vector<std::string> JsonObject::texts(std::string_view key) const {
  std::vector<std::string> out;
  const Node* values = state_->need(key, Node::value_t::array, "an array of strings");
  if (values == nullptr) return out;
  for (const Node& value : *values) {
    if (!value.is_string()) {
      complain(key, "must be an array of strings");
      return {};
    }
    out.push_back(value.get<std::string>());
  }
  return out;
}

JsonObject JsonObject::object(std::string_view key) const {
  static const Node kEmpty = Node::object();
  const Node* value = state_->need(key, Node::value_t::object, "an object");
  return JsonObject(std::make_shared<State>(state_->document, value != nullptr ? value : &kEmpty,
                                            state_->path_of(key)));
}

std::vector<JsonObject> JsonObject::objects(std::string_view key) const {
  std::vector<JsonObject> out;
  const Node* values = state_->need(key, Node::value_t::array, "an array of objects");
  if (values == nullptr) return out;
  for (const Node& value : *values) {
    if (!value.is_object()) {
      complain(key, "must be an array of objects");
      return {};
    }
    const std::string path = fmt::format("{}[{}]", state_->path_of(key), out.size());
    out.push_back(JsonObject(std::make_shared<State>(state_->document, &value, path)));
  }
  return out;
}

std::vector<std::string> JsonObject::keys() const {
  std::vector<std::string> out;
  for (const auto& [key, value] : state_->node->items()) {
    state_->known->insert(key);
    out.push_back(key);
  }
  return out;
}

void JsonObject::complain(std::string_view key, std::string_view message) const {
  auto& complaint = state_->document->complaint;
  if (!complaint)
    complaint =
        Error{ErrorCode::malformed, fmt::format("'{}' {}", state_->path_of(key), message), {}, {}};
}

Result<void> JsonObject::finish() const {
  const Document& document = *state_->document;
  if (document.complaint) return std::unexpected(*document.complaint);
  for (const auto& read : document.read) {
    for (const auto& [key, value] : read.node->items()) {
      if (read.known->contains(key)) continue;
      return fail(
          ErrorCode::malformed,
          fmt::format("unknown member in '{}'", read.path.empty() ? "the document" : read.path));
    }
  }
  return {};
}

}  // namespace hoop::access
