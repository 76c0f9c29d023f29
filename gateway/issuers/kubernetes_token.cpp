// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/kubernetes_token.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/access/http_names.h"
#include "core/base/encoding.h"
#include "core/base/json_writer.h"
#include "core/http/form.h"

namespace hoop::gateway {
namespace {

// Any shorter one an API server refuses.
constexpr std::chrono::seconds kShortestToken{600};
constexpr std::size_t kMostTokenBytes = std::size_t{16} << 10;
constexpr std::size_t kMostSubjectBytes = 128;
constexpr std::size_t kMostPages = 100;  // of 500: nobody has as many sessions
// Names and labels, and no content: what else lies in the namespace is none of ours.
constexpr std::string_view kMetadataOnly =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
constexpr std::string_view kSecretPrefix = "hoopctl-";

std::string secret_document(const std::string& name, const std::string& gateway_id,
                            const std::string& subject) {
  JsonWriter labels, notes, metadata, out;
  labels.text("app.kubernetes.io/managed-by", "hoopctl").text("hoopctl/gateway", gateway_id);
  notes.text("hoopctl/subject", neutralise(subject, kMostSubjectBytes, Lines::escape));
  metadata.text("name", name).raw("labels", labels.take()).raw("annotations", notes.take());
  out.text("apiVersion", "v1").text("kind", "Secret").raw("metadata", metadata.take());
  return out.text("type", "Opaque").take();
}

std::string token_document(std::chrono::seconds life, const std::string& name,
                           const std::string& uid) {
  JsonWriter bound, spec, out;
  bound.text("kind", "Secret").text("apiVersion", "v1").text("name", name).text("uid", uid);
  spec.list("audiences", {})
      .number("expirationSeconds", static_cast<std::uint64_t>(life.count()))
      .raw("boundObjectRef", bound.take());
  out.text("apiVersion", "authentication.k8s.io/v1").text("kind", "TokenRequest");
  return out.raw("spec", spec.take()).take();
}

const identity::Json* member_of(const identity::Json& of, std::string_view first,
                                std::string_view second) {
  const identity::Json* found = of.find(first);
  return found == nullptr ? nullptr : found->find(second);
}

std::string text_of(const identity::Json* value) {
  const std::string* text = value == nullptr ? nullptr : value->text();
  return text == nullptr ? std::string() : *text;
}

/// Where it should be made, there is no such place.
Result<identity::Json> expect_made(ApiAnswer answer, std::string_view what) {
  auto made = expect_success(std::move(answer), what);
  if (!made && made.error().code == ErrorCode::not_found) {
    made.error().code = ErrorCode::config;
    made.error().hint = "'service_account' of the target: is it there, and its namespace?";
  }
  return made;
}

std::unexpected<Error> no_such_answer(std::string_view what) {
  return fail(ErrorCode::malformed, fmt::format("{}: the answer is not the API server's", what),
              "does 'url' lead to something else?");
}

}  // namespace

KubernetesTokenIssuer::KubernetesTokenIssuer(std::string gateway_id, ServiceAccount account,
                                             Renewal renewal, ApiServerFor server_for,
                                             const Clock& clock)
    : gateway_id_(std::move(gateway_id)),
      account_(std::move(account)),
      renewal_(renewal),
      server_for_(std::move(server_for)),
      clock_(clock) {}

/// Names of objects have no '_' (RFC 1123).
std::string KubernetesTokenIssuer::name_for(const std::string& session) const {
  std::string out(kSecretPrefix);
  out += session.starts_with("s_") ? std::string_view(session).substr(2) : session;
  std::ranges::replace(out, '_', '-');
  return out;
}

std::string KubernetesTokenIssuer::secrets_path() const {
  return fmt::format("/api/v1/namespaces/{}/secrets", account_.space);
}

std::chrono::seconds KubernetesTokenIssuer::life_of(
    const access::Authorization& authorization) const {
  const auto left =
      std::chrono::ceil<std::chrono::seconds>(authorization.valid_until() - clock_.system_now());
  const auto renewed = can_extend() ? authorization.renew_for() : std::chrono::seconds(0);
  return std::max({kShortestToken, left, renewed});
}

Result<std::string> KubernetesTokenIssuer::make_secret(KubernetesApi& api,
                                                       const access::Authorization& authorization,
                                                       const std::string& name) {
  const std::string what = fmt::format("make a Secret in namespace '{}'", account_.space);
  HOOP_TRY(ApiAnswer answer,
           api.ask({"POST", secrets_path(),
                    secret_document(name, gateway_id_, authorization.identity().subject)}));
  HOOP_TRY(const identity::Json made, expect_made(std::move(answer), what));
  std::string uid = text_of(member_of(made, "metadata", "uid"));
  if (uid.empty()) return no_such_answer(what);
  return uid;
}

Result<SecretText> KubernetesTokenIssuer::make_token(KubernetesApi& api, std::chrono::seconds life,
                                                     const std::string& name,
                                                     const std::string& uid) {
  const std::string what =
      fmt::format("make a token of service account '{}/{}'", account_.space, account_.name);
  HOOP_TRY(ApiAnswer answer, api.ask({"POST",
                                      fmt::format("/api/v1/namespaces/{}/serviceaccounts/{}/token",
                                                  account_.space, account_.name),
                                      token_document(life, name, uid)}));
  HOOP_TRY(const identity::Json made, expect_made(std::move(answer), what));
  const identity::Json* found = member_of(made, "status", "token");
  const std::string* token = found == nullptr ? nullptr : found->text();
  const bool fits = token != nullptr && token->size() <= kMostTokenBytes &&
                    access::is_http_value(*token) && token->find(' ') == std::string::npos;
  if (!fits) return no_such_answer(what);
  // The server shortens what it finds too long, and says so.
  const identity::Json* lasts = member_of(made, "spec", "expirationSeconds");
  const std::int64_t* seconds = lasts == nullptr ? nullptr : lasts->integer();
  if (seconds == nullptr || *seconds < life.count())
    return fail(
        ErrorCode::config,
        fmt::format("{}: the API server makes none that lasts {} seconds", what, life.count()),
        "a shorter max_ttl or renew_for of the role, or the API server's "
        "--service-account-max-token-expiration");
  return SecretText("Bearer " + *token);
}

Result<access::Credential> KubernetesTokenIssuer::issue(const access::Authorization& authorization,
                                                        const std::string& name) {
  KubernetesApi api(server_for_, clock_);
  HOOP_TRY(const std::string uid, make_secret(api, authorization, name));
  auto token = make_token(api, life_of(authorization), name, uid);
  if (!token) {
    // What cannot be deleted now the reaper finds by its label.
    static_cast<void>(delete_secret(api, name));
    return std::unexpected(std::move(token).error());
  }
  access::HttpCredential out;
  out.headers.push_back({"Authorization", std::move(*token)});
  out.expires_at = authorization.valid_until();
  return out;
}

Result<void> KubernetesTokenIssuer::delete_secret(KubernetesApi& api, const std::string& name) {
  HOOP_TRY(ApiAnswer answer, api.ask({"DELETE", secrets_path() + "/" + name}));
  if (answer.status == 404) return {};
  auto gone = expect_success(std::move(answer),
                             fmt::format("delete a Secret in namespace '{}'", account_.space));
  if (!gone) return std::unexpected(std::move(gone).error());
  return {};
}

Result<void> KubernetesTokenIssuer::revoke(const std::string& name) {
  const std::string context = fmt::format("revoke '{}'", name);
  if (!name.starts_with(kSecretPrefix))
    return fail(ErrorCode::integrity, context + ": it is not ours");
  KubernetesApi api(server_for_, clock_);
  if (auto gone = delete_secret(api, name); !gone)
    return std::unexpected(std::move(gone).error().within(context));
  return {};
}

Result<std::vector<std::string>> KubernetesTokenIssuer::find_secrets(
    const std::string& field_selector) {
  const std::string what = fmt::format("list Secrets in namespace '{}'", account_.space);
  KubernetesApi api(server_for_, clock_);
  std::string query =
      "?limit=500&labelSelector=" +
      http::percent_encode("app.kubernetes.io/managed-by=hoopctl,hoopctl/gateway=" + gateway_id_);
  if (!field_selector.empty()) query += "&fieldSelector=" + http::percent_encode(field_selector);
  std::vector<std::string> out;
  std::string rest;
  for (std::size_t page = 0; page < kMostPages; ++page) {
    HOOP_TRY(ApiAnswer answer, api.ask({"GET", secrets_path() + query + rest, "", kMetadataOnly}));
    HOOP_TRY(const identity::Json list, expect_success(std::move(answer), what));
    const identity::Json* items = list.find("items");
    if (items == nullptr || items->array() == nullptr) return no_such_answer(what);
    for (const identity::Json& item : *items->array()) {
      std::string name = text_of(member_of(item, "metadata", "name"));
      // What somebody else has put our label on is not ours.
      if (name.starts_with(kSecretPrefix)) out.push_back(std::move(name));
    }
    rest = text_of(member_of(list, "metadata", "continue"));
    if (rest.empty()) break;
    rest = "&continue=" + http::percent_encode(rest);
  }
  return out;
}

Result<void> KubernetesTokenIssuer::extend(const access::Authorization&, const std::string& name) {
  if (!can_extend()) return fail(ErrorCode::denied, "sessions of this target are not renewed");
  HOOP_TRY(const std::vector<std::string> found, find_secrets("metadata.name=" + name));
  if (std::ranges::find(found, name) == found.end())
    return fail(ErrorCode::not_found, fmt::format("'{}' is not there any more", name));
  return {};
}

Result<std::vector<CredentialIssuer::Issued>> KubernetesTokenIssuer::list() {
  HOOP_TRY(std::vector<std::string> found, find_secrets(""));
  std::vector<Issued> out;
  for (std::string& name : found) out.push_back({std::move(name), false});
  return out;
}

}  // namespace hoop::gateway
