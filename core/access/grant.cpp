// SPDX-License-Identifier: Apache-2.0
#include "core/access/grant.h"

#include <limits>

#include <nlohmann/json.hpp>

#include "core/access/json_forms.h"
#include "core/access/policy_parser.h"
#include "core/base/encoding.h"

namespace hoop::access {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostGrantBytes = 4U << 20;  // a policy part of some thousand rules
constexpr std::size_t kMaskKeyBytes = 32;
constexpr std::size_t kTicketBytes = 32;
constexpr std::uint64_t kLongestHeartbeat = 3600;  // seconds

Json to_json(const Identity& identity) {
  return {{"subject", identity.subject},
          {"groups", identity.groups},
          {"kind", to_string(identity.kind)},
          {"expires_at", to_rfc3339(identity.expires_at)},
          {"claimed_agent", identity.claimed_agent}};
}

Json to_json(const Target& target) {
  Json labels = Json::object();
  for (const auto& [key, value] : target.labels) labels[key] = value;
  return {{"name", target.name},
          {"protocol", target.protocol},
          {"description", target.description},
          {"host", target.host},
          {"port", target.port},
          {"databases", target.databases},
          {"tls", to_string(target.tls)},
          {"tls_negotiation", to_string(target.tls_negotiation)},
          {"tls_ca_pem", target.tls_ca_pem},
          {"tls_server_name", target.tls_server_name},
          {"labels", std::move(labels)},
          {"path", to_string(target.path)}};
}

Identity identity_from(const JsonObject& from) {
  Identity identity;
  identity.subject = from.text("subject");
  identity.groups = from.texts("groups");
  identity.kind = read_word(from, "kind", kIdentityKinds);
  identity.expires_at = from.time("expires_at");
  identity.claimed_agent = from.text("claimed_agent");
  return identity;
}

Target target_from(const JsonObject& from) {
  Target target;
  target.name = from.text("name");
  target.protocol = from.text("protocol");
  target.description = from.text("description");
  target.host = from.text("host");
  const std::uint64_t port = from.number("port");
  if (port > std::numeric_limits<std::uint16_t>::max()) from.complain("port", "is no port");
  target.port = static_cast<std::uint16_t>(port);
  target.databases = from.texts("databases");
  target.tls = read_word(from, "tls", kTlsModes);
  target.tls_negotiation = read_word(from, "tls_negotiation", kTlsNegotiations);
  target.tls_ca_pem = from.text("tls_ca_pem");
  target.tls_server_name = from.text("tls_server_name");
  const JsonObject labels = from.object("labels");
  for (const std::string& key : labels.keys()) target.labels[key] = labels.text(key);
  target.path = read_word(from, "path", kDataPaths);
  return target;
}

SecretBytes key_from(const JsonObject& from) {
  const SecretText text = from.secret("mask_key");
  auto bytes = from_base64url(text.reveal());
  if (!bytes || bytes->size() != kMaskKeyBytes)
    from.complain("mask_key", "must be 32 bytes in base64url");
  return SecretBytes(bytes ? std::move(*bytes) : Bytes());
}

SecretText ticket_from(const JsonObject& from) {
  SecretText text = from.secret("ticket");
  const auto bytes = from_base64url(text.reveal());
  if (!bytes || bytes->size() != kTicketBytes)
    from.complain("ticket", "must be 32 bytes in base64url");
  return text;
}

PostgresCredential credential_from(const JsonObject& from) {
  PostgresCredential credential;
  credential.username = from.text("username");
  credential.password = from.secret("password");
  credential.expires_at = from.time("expires_at");
  return credential;
}

}  // namespace

Grant part_for_client(const Grant& grant, SecretText ticket) {
  Grant out;
  out.session = grant.session;
  out.gateway = grant.gateway;
  out.path = grant.path;
  out.identity = grant.identity;
  out.target.name = grant.target.name;
  out.target.protocol = grant.target.protocol;
  out.target.description = grant.target.description;
  out.target.databases = grant.target.databases;
  out.target.labels = grant.target.labels;
  out.target.path = grant.path;
  out.role = grant.role;
  out.ticket = std::move(ticket);
  out.key_id = grant.key_id;
  out.heartbeat = grant.heartbeat;
  out.issued_at = grant.issued_at;
  out.expires_at = grant.expires_at;
  out.renewable = grant.renewable;
  return out;
}

Result<void> begin_at(Grant& grant, SystemTime at) {
  const auto lasts = grant.expires_at - grant.issued_at;
  if (lasts <= std::chrono::milliseconds(0))
    return fail(ErrorCode::malformed, "the grant ends before it begins");
  grant.issued_at = at;
  grant.expires_at = at + lasts;
  if (grant.credential) grant.credential->expires_at = grant.expires_at;
  return {};
}

SecretText grant_to_json(const Grant& grant) {
  Json open = {{"session", grant.session},
               {"gateway", grant.gateway},
               {"path", to_string(grant.path)},
               {"identity", to_json(grant.identity)},
               {"target", to_json(grant.target)},
               {"role", grant.role},
               {"database_role", grant.database_role},
               {"key_id", grant.key_id},
               {"heartbeat", grant.heartbeat.count()},
               {"issued_at", to_rfc3339(grant.issued_at)},
               {"expires_at", to_rfc3339(grant.expires_at)}};
  if (grant.renewable) open["renewable"] = true;
  const std::string head = open.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string policy = policy_to_json(grant.policy);
  const bool local = grant.path == DataPath::local;
  const SecretText mask_key(to_base64url(grant.mask_key.reveal()));
  // The secrets are written here and not by the library, into room that is enough: no stray copy
  // stays behind.
  std::string out;
  std::size_t secrets = mask_key.reveal().size() + grant.ticket.reveal().size();
  if (grant.credential)
    secrets += grant.credential->username.size() + grant.credential->password.reveal().size();
  out.reserve(head.size() + policy.size() + 6 * secrets + 256);
  out.append(head, 0, head.size() - 1);
  out += ",\"policy\":" + policy;
  if (local) {
    out += ",\"mask_key\":";
    append_json_string(out, mask_key.reveal());
  }
  if (local && grant.credential) {
    out += ",\"credential\":{\"username\":";
    append_json_string(out, grant.credential->username);
    out += ",\"password\":";
    append_json_string(out, grant.credential->password.reveal());
    out += ",\"expires_at\":";
    append_json_string(out, to_rfc3339(grant.credential->expires_at));
    out += '}';
  }
  if (!local) {
    out += ",\"ticket\":";
    append_json_string(out, grant.ticket.reveal());
  }
  out += '}';
  return SecretText(std::move(out));
}

Result<Grant> grant_from_json(std::string_view json) {
  HOOP_TRY(const JsonObject root, JsonObject::parse(json, kMostGrantBytes));
  Grant grant;
  grant.session = root.text("session");
  grant.gateway = root.text("gateway");
  grant.path = read_word(root, "path", kDataPaths);
  grant.identity = identity_from(root.object("identity"));
  grant.target = target_from(root.object("target"));
  grant.role = root.text("role");
  grant.database_role = root.text("database_role");
  grant.key_id = root.text("key_id");
  const std::uint64_t heartbeat = root.number("heartbeat");
  if (heartbeat < 1 || heartbeat > kLongestHeartbeat)
    root.complain("heartbeat", "must be a number of seconds from 1 to 3600");
  grant.heartbeat = std::chrono::seconds(heartbeat);
  grant.issued_at = root.time("issued_at");
  grant.expires_at = root.time("expires_at");
  if (root.has("renewable")) grant.renewable = root.flag("renewable");
  grant.policy = read_policy(root.object("policy"));
  // What is not read here is unknown to finish(), and refused: a credential on the gateway path, a
  // ticket on the local one.
  if (grant.path == DataPath::gateway) {
    grant.ticket = ticket_from(root);
  } else {
    grant.mask_key = key_from(root);
    if (root.has("credential")) grant.credential = credential_from(root.object("credential"));
  }
  HOOP_CHECK(root.finish());
  return grant;
}

}  // namespace hoop::access
