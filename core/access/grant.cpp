// SPDX-License-Identifier: Apache-2.0
#include "core/access/grant.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "core/access/http_names.h"
#include "core/access/json_forms.h"
#include "core/access/policy_parser.h"
#include "core/base/encoding.h"

namespace hoop::access {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostGrantBytes = 4U << 20;  // a policy part of some thousand rules
constexpr std::size_t kKeyBytes = 32;              // of a mask key, and of an Ed25519 key
constexpr std::size_t kTicketBytes = 32;
constexpr std::uint64_t kLongestHeartbeat = 3600;  // seconds
constexpr std::size_t kMostHttpFields = 8;         // of a kind: a login has one or two

/// Whether the target has a base path, and what lets requests in is in each of them.
bool is_over_http(std::string_view protocol) {
  return protocol == "http" || protocol == "kubernetes";
}

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
  Json out = {{"name", target.name},
              {"protocol", target.protocol},
              {"description", target.description},
              {"host", target.host},
              {"port", target.port},
              {"databases", target.databases},
              {"host_keys", target.host_keys},
              {"tls", to_string(target.tls)},
              {"tls_negotiation", to_string(target.tls_negotiation)},
              {"tls_ca_pem", target.tls_ca_pem},
              {"tls_server_name", target.tls_server_name},
              {"labels", std::move(labels)},
              {"path", to_string(target.path)}};
  // Clients from before HTTP know none of these, and can open all else.
  if (is_over_http(target.protocol)) out["base_path"] = target.base_path;
  if (target.protocol == "http") {
    out["url_variable"] = target.url_variable;
    out["unmasked_types"] = target.unmasked_types;
  }
  return out;
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

void read_base_path(const JsonObject& from, Target& target) {
  target.base_path = from.text("base_path");
  if (!is_base_path(target.base_path)) from.complain("base_path", "is no base path");
}

void read_http_members(const JsonObject& from, Target& target) {
  // A program gets it: what it would run otherwise by is refused here, too.
  target.url_variable = from.text("url_variable");
  if (!target.url_variable.empty() && !is_url_variable(target.url_variable))
    from.complain("url_variable", "is no variable for a URL");
  target.unmasked_types = from.texts("unmasked_types");
  if (!std::ranges::all_of(target.unmasked_types, is_media_range))
    from.complain("unmasked_types", "must be media types");
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
  target.host_keys = from.texts("host_keys");
  target.tls = read_word(from, "tls", kTlsModes);
  target.tls_negotiation = read_word(from, "tls_negotiation", kTlsNegotiations);
  target.tls_ca_pem = from.text("tls_ca_pem");
  target.tls_server_name = from.text("tls_server_name");
  const JsonObject labels = from.object("labels");
  for (const std::string& key : labels.keys()) target.labels[key] = labels.text(key);
  target.path = read_word(from, "path", kDataPaths);
  if (is_over_http(target.protocol)) read_base_path(from, target);
  if (target.protocol == "http") read_http_members(from, target);
  return target;
}

SecretBytes key_from(const JsonObject& from, std::string_view name) {
  const SecretText text = from.secret(name);
  auto bytes = from_base64url(text.reveal());
  if (!bytes || bytes->size() != kKeyBytes) from.complain(name, "must be 32 bytes in base64url");
  return SecretBytes(bytes ? std::move(*bytes) : Bytes());
}

SecretText ticket_from(const JsonObject& from) {
  SecretText text = from.secret("ticket");
  const auto bytes = from_base64url(text.reveal());
  if (!bytes || bytes->size() != kTicketBytes)
    from.complain("ticket", "must be 32 bytes in base64url");
  return text;
}

SshCredential ssh_credential_from(const JsonObject& from) {
  SshCredential credential;
  const auto certificate = from_base64url(from.text("certificate"));
  if (!certificate || certificate->empty())
    from.complain("certificate", "must be a certificate in base64url");
  credential.certificate = certificate.value_or(Bytes());
  credential.key = key_from(from, "key");
  credential.expires_at = from.time("expires_at");
  return credential;
}

std::vector<HttpCredential::Field> http_fields_from(const JsonObject& from, std::string_view key,
                                                    bool (*is_field_name)(std::string_view)) {
  std::vector<HttpCredential::Field> out;
  const std::vector<JsonObject> fields = from.objects(key);
  if (fields.size() > kMostHttpFields) {
    from.complain(key, "has more than 8 elements");
    return out;
  }
  for (const JsonObject& one : fields) {
    HttpCredential::Field& field = out.emplace_back();
    field.name = one.text("name");
    field.value = one.secret("value");
    if (!is_field_name(field.name)) one.complain("name", "is no name for a credential");
    if (!is_http_value(field.value.reveal())) one.complain("value", "is no value of a field");
  }
  return out;
}

HttpCredential http_credential_from(const JsonObject& from) {
  HttpCredential credential;
  credential.headers = http_fields_from(from, "headers", is_credential_header);
  credential.query = http_fields_from(from, "query", is_http_name);
  credential.expires_at = from.time("expires_at");
  return credential;
}

Credential credential_from(const JsonObject& from, std::string_view protocol) {
  if (protocol == "ssh") return ssh_credential_from(from);
  if (is_over_http(protocol)) return http_credential_from(from);
  PostgresCredential credential;
  credential.username = from.text("username");
  credential.password = from.secret("password");
  credential.expires_at = from.time("expires_at");
  return credential;
}

/// Its members that are secrets, or as long as one: what must be reserved for them.
std::size_t secret_bytes(const PostgresCredential& credential) {
  return credential.username.size() + credential.password.reveal().size();
}
std::size_t secret_bytes(const SshCredential& credential) {
  return 2 * (credential.certificate.size() + credential.key.reveal().size());
}
std::size_t secret_bytes(const HttpCredential& credential) {
  constexpr std::size_t kAround = 8;  // braces, quotes and the names of members, a sixth of them
  std::size_t bytes = 0;
  for (const auto* fields : {&credential.headers, &credential.query}) {
    for (const HttpCredential::Field& field : *fields)
      bytes += field.name.size() + field.value.reveal().size() + kAround;
  }
  return bytes;
}

void append_members(std::string& out, const PostgresCredential& credential) {
  out += "\"username\":";
  append_json_string(out, credential.username);
  out += ",\"password\":";
  append_json_string(out, credential.password.reveal());
}
void append_members(std::string& out, const SshCredential& credential) {
  const SecretText key(to_base64url(credential.key.reveal()));
  out += "\"certificate\":";
  append_json_string(out, to_base64url(credential.certificate));
  out += ",\"key\":";
  append_json_string(out, key.reveal());
}

void append_fields(std::string& out, const std::vector<HttpCredential::Field>& fields) {
  out += '[';
  for (const HttpCredential::Field& field : fields) {
    if (&field != &fields.front()) out += ',';
    out += "{\"name\":";
    append_json_string(out, field.name);
    out += ",\"value\":";
    append_json_string(out, field.value.reveal());
    out += '}';
  }
  out += ']';
}
void append_members(std::string& out, const HttpCredential& credential) {
  out += "\"headers\":";
  append_fields(out, credential.headers);
  out += ",\"query\":";
  append_fields(out, credential.query);
}

crypto::Digest256 digest_from(const JsonObject& root) {
  crypto::Digest256 out{};
  const auto bytes = from_hex(root.text("only"));
  if (!bytes || bytes->size() != out.size()) {
    root.complain("only", "must be 64 hexadecimal digits");
  } else {
    std::copy(bytes->begin(), bytes->end(), out.begin());
  }
  return out;
}

}  // namespace

SystemTime expires_at(const Credential& credential) {
  return std::visit([](const auto& of) { return of.expires_at; }, credential);
}

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
  // Of the URL that its programs are given.
  out.target.base_path = grant.target.base_path;
  out.target.url_variable = grant.target.url_variable;
  out.target.path = grant.path;
  out.role = grant.role;
  out.logins = grant.logins;
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
  if (grant.credential)
    std::visit([&](auto& credential) { credential.expires_at = grant.expires_at; },
               *grant.credential);
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
               {"logins", grant.logins},
               {"key_id", grant.key_id},
               {"heartbeat", grant.heartbeat.count()},
               {"issued_at", to_rfc3339(grant.issued_at)},
               {"expires_at", to_rfc3339(grant.expires_at)}};
  if (grant.renewable) open["renewable"] = true;
  if (grant.only && grant.path == DataPath::local) open["only"] = to_hex(*grant.only);
  const std::string head = open.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string policy = policy_to_json(grant.policy);
  const bool local = grant.path == DataPath::local;
  const SecretText mask_key(to_base64url(grant.mask_key.reveal()));
  // The secrets are written here and not by the library, into room that is enough: no stray copy
  // stays behind.
  std::string out;
  std::size_t secrets = mask_key.reveal().size() + grant.ticket.reveal().size();
  if (grant.credential)
    secrets += std::visit([](const auto& of) { return secret_bytes(of); }, *grant.credential);
  out.reserve(head.size() + policy.size() + 6 * secrets + 256);
  out.append(head, 0, head.size() - 1);
  out += ",\"policy\":" + policy;
  if (local) {
    out += ",\"mask_key\":";
    append_json_string(out, mask_key.reveal());
  }
  if (local && grant.credential) {
    out += ",\"credential\":{";
    std::visit([&](const auto& of) { append_members(out, of); }, *grant.credential);
    out += ",\"expires_at\":";
    append_json_string(out, to_rfc3339(expires_at(*grant.credential)));
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
  grant.logins = root.texts("logins");
  grant.key_id = root.text("key_id");
  const std::uint64_t heartbeat = root.number("heartbeat");
  if (heartbeat < 1 || heartbeat > kLongestHeartbeat)
    root.complain("heartbeat", "must be a number of seconds from 1 to 3600");
  grant.heartbeat = std::chrono::seconds(heartbeat);
  grant.issued_at = root.time("issued_at");
  grant.expires_at = root.time("expires_at");
  if (root.has("renewable")) grant.renewable = root.flag("renewable");
  if (root.has("only")) grant.only = digest_from(root);
  grant.policy = read_policy(root.object("policy"));
  // What is not read here is unknown to finish(), and refused: a credential on the gateway path, a
  // ticket on the local one.
  if (grant.path == DataPath::gateway) {
    grant.ticket = ticket_from(root);
  } else {
    grant.mask_key = key_from(root, "mask_key");
    if (root.has("credential"))
      grant.credential = credential_from(root.object("credential"), grant.target.protocol);
  }
  HOOP_CHECK(root.finish());
  return grant;
}

}  // namespace hoop::access
