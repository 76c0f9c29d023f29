// SPDX-License-Identifier: Apache-2.0
#include "agent/agent_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/json.h"
#include "core/identity/private_file.h"

namespace hoop::agent {
namespace {

// Authorities in PEM are the largest part.
constexpr std::size_t kMaxFile = 2U << 20;

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += out.size() > 1 ? "," : "";
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

std::unexpected<Error> unreadable(const std::filesystem::path& file) {
  return fail(ErrorCode::malformed, fmt::format("'{}' cannot be read", file.string()),
              "move it away, remove the agent at the gateway, add it again, and join anew");
}

/// nullptr for what is no key.
KeyPtr read_key(const std::string* text) {
  auto seed = text != nullptr ? from_base64url(*text) : std::nullopt;
  if (!seed) return nullptr;
  auto key = crypto::Ed25519Key::from_seed(SecretBytes(std::move(*seed)));
  return key ? std::make_shared<const crypto::Ed25519Key>(std::move(*key)) : nullptr;
}

}  // namespace

Result<AgentFile> AgentFile::open(const std::filesystem::path& directory) {
  HOOP_CHECK(identity::make_private_directory(directory));
  const auto lock_file = directory / "lock";
  const int lock = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0)
    return fail(ErrorCode::storage, fmt::format("cannot open '{}'", lock_file.string()));
  AgentFile out(directory / "agent.json", lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::config, fmt::format("another agent runs on '{}'", directory.string()),
                "stop it first, or give this one a folder of its own by --state");
  return out;
}

AgentFile::~AgentFile() {
  if (lock_ >= 0) ::close(lock_);
}
AgentFile::AgentFile(AgentFile&& other) noexcept
    : file_(std::move(other.file_)), lock_(std::exchange(other.lock_, -1)) {}

Result<std::optional<AgentIdentity>> AgentFile::load() const {
  HOOP_TRY(const auto text, identity::read_private_file(file_, kMaxFile));
  if (!text) return std::optional<AgentIdentity>();
  const auto json = identity::parse_json(text->reveal(), {kMaxFile, 4, 64});
  if (!json) return unreadable(file_);
  const std::string *gateway = json->text("gateway"), *name = json->text("agent"),
                    *since = json->text("key_since"), *pem = json->text("ca_pem"),
                    *digest = json->text("ca_sha256");
  AgentIdentity out;
  out.key = read_key(json->text("key"));
  const auto at = since != nullptr ? parse_rfc3339(*since) : std::nullopt;
  if (gateway == nullptr || name == nullptr || !out.key || !at) return unreadable(file_);
  if (const std::string* next = json->text("next_key")) {
    out.next_key = read_key(next);
    if (!out.next_key) return unreadable(file_);
  }
  out.gateway = *gateway;
  out.name = *name;
  out.key_since = *at;
  if (pem != nullptr) out.trust.ca_pem = *pem;
  if (digest != nullptr) out.trust.ca_sha256 = *digest;
  return std::optional<AgentIdentity>(std::move(out));
}

Result<void> AgentFile::save(const AgentIdentity& identity) const {
  std::string text = "{";
  text.reserve(kMaxFile);  // one allocation: growth would leave pieces of the keys behind
  append_member(text, "gateway", identity.gateway);
  append_member(text, "agent", identity.name);
  append_member(text, "key_since", to_rfc3339(identity.key_since));
  if (!identity.trust.ca_pem.empty()) append_member(text, "ca_pem", identity.trust.ca_pem);
  if (identity.trust.ca_sha256) append_member(text, "ca_sha256", *identity.trust.ca_sha256);
  append_member(text, "key", SecretText(to_base64url(identity.key->seed().reveal())).reveal());
  if (identity.next_key)
    append_member(text, "next_key",
                  SecretText(to_base64url(identity.next_key->seed().reveal())).reveal());
  text += "}\n";
  const SecretText whole(std::move(text));
  return identity::write_private_file(file_, whole.reveal());
}

}  // namespace hoop::agent
