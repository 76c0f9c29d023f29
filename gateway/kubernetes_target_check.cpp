// SPDX-License-Identifier: Apache-2.0
#include "gateway/kubernetes_target_check.h"

#include <fmt/format.h>

#include "core/access/policy.h"
#include "core/base/encoding.h"
#include "core/http/url.h"
#include "gateway/issuers/http_secret.h"
#include "gateway/issuers/kubernetes_impersonation.h"
#include "gateway/issuers/kubernetes_token.h"
#include "gateway/kubernetes_api.h"
#include "gateway/secret_reference.h"

namespace hoop::gateway {
namespace {

constexpr std::chrono::minutes kLentFor{2};
constexpr const char* kNobody = "hoopctl-check";
constexpr std::size_t kShownApiText = 200;

class KubernetesTargetCheck {
 public:
  KubernetesTargetCheck(const GatewayConfig& config, const ConfiguredTarget& target,
                        const Clock& clock, Random& random, const TargetReport& report)
      : config_(config), target_(target), clock_(clock), random_(random), report_(report) {}

  void run();

 private:
  ReadSecret reader() const;
  ApiServerFor server() const;
  ApiServerFor server_with(const access::Credential& lent) const;
  Result<std::string> secret() const;
  Result<std::string> connection(KubernetesApi& api) const;
  Result<std::string> answer(KubernetesApi& api) const;
  Result<std::string> name_of(KubernetesApi& api) const;
  Result<std::string> token() const;
  Result<std::string> impersonation() const;
  Result<access::Authorization> authorization() const;

  const GatewayConfig& config_;
  const ConfiguredTarget& target_;
  const Clock& clock_;
  Random& random_;
  const TargetReport& report_;
};

ReadSecret KubernetesTargetCheck::reader() const {
  return [directory = config_.layout.directory](const std::string& reference) {
    return resolve_secret(reference, directory);
  };
}

ApiServerFor KubernetesTargetCheck::server() const {
  return [this]() -> Result<ApiServer> {
    ApiServer out;
    out.target = target_.target;
    HOOP_TRY(out.credential, read_http_secrets(target_.secrets, reader()));
    return out;
  };
}

/// As a session's requests come there.
ApiServerFor KubernetesTargetCheck::server_with(const access::Credential& lent) const {
  return [this, &of = std::get<access::HttpCredential>(lent)]() -> Result<ApiServer> {
    ApiServer out;
    out.target = target_.target;
    for (const auto& field : of.headers)
      out.credential.headers.push_back({field.name, field.value.clone()});
    return out;
  };
}

Result<std::string> KubernetesTargetCheck::secret() const {
  if (target_.secrets.empty()) return std::string("none is configured");
  HOOP_TRY(const access::HttpCredential ignored, read_http_secrets(target_.secrets, reader()));
  return std::string("the credential's secrets are there");
}

Result<std::string> KubernetesTargetCheck::connection(KubernetesApi& api) const {
  HOOP_CHECK(api.open());
  const http::Url url{"https", target_.target.host, target_.target.port, ""};
  return fmt::format("{} shows a certificate that is trusted", url.origin());
}

/// Whom the API server takes the requests for. Empty where it has no answer to that yet (before
/// 1.28), and lets them in.
Result<std::string> KubernetesTargetCheck::name_of(KubernetesApi& api) const {
  HOOP_TRY(ApiAnswer reviewed,
           api.ask({"POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                    R"({"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"})"}));
  const std::string what = "ask for its own name";
  if (reviewed.status == 404) {
    HOOP_TRY(ApiAnswer listed, api.ask({"GET", "/apis"}));
    HOOP_TRY(const identity::Json ignored, expect_success(std::move(listed), what));
    return std::string();
  }
  HOOP_TRY(const identity::Json review, expect_success(std::move(reviewed), what));
  const identity::Json* status = review.find("status");
  const identity::Json* user = status == nullptr ? nullptr : status->find("userInfo");
  const std::string* name = user == nullptr ? nullptr : user->text("username");
  return name == nullptr ? std::string() : neutralise(*name, kShownApiText, Lines::escape);
}

Result<std::string> KubernetesTargetCheck::answer(KubernetesApi& api) const {
  HOOP_TRY(ApiAnswer told, api.ask({"GET", "/version"}));
  if (target_.secrets.empty() && (told.status == 401 || told.status == 403))
    return fail(ErrorCode::upstream_refused,
                fmt::format("the API server wants a credential ({})", told.status),
                "'credential' in hoopctl-gateway(8)");
  HOOP_TRY(const identity::Json version, expect_success(std::move(told), "ask for its version"));
  const std::string* text = version.text("gitVersion");
  if (text == nullptr)
    return fail(ErrorCode::config, "what answers is no API server", "does 'url' lead to one?");
  std::string out = "Kubernetes " + neutralise(*text, kShownApiText, Lines::escape);
  if (target_.secrets.empty()) return out;
  HOOP_TRY(const std::string name, name_of(api));
  return name.empty() ? out + " takes the credential"
                      : out + fmt::format(" takes the credential for '{}'", name);
}

/// Of a person that no policy knows.
Result<access::Authorization> KubernetesTargetCheck::authorization() const {
  access::Role role;
  role.name = kNobody;
  role.members = {"*"};
  role.targets = {"*"};
  role.max_ttl = kLentFor;
  access::PolicyDocument document;
  document.roles.push_back(std::move(role));
  access::Identity nobody;
  nobody.subject = kNobody;
  nobody.groups = {kNobody};
  return access::PolicyEngine(std::move(document))
      .authorize(nobody, target_.target, kLentFor, clock_.system_now());
}

Result<std::string> KubernetesTargetCheck::token() const {
  KubernetesTokenIssuer issuer(config_.id, *target_.service_account,
                               KubernetesTokenIssuer::Renewal::none, server(), clock_);
  const std::string name = issuer.name_for("s_check" + to_hex(random_.bytes(8)));
  HOOP_TRY(const access::Authorization allowed, authorization());
  HOOP_TRY(const access::Credential lent, issuer.issue(allowed, name));
  KubernetesApi api(server_with(lent), clock_);
  const Result<std::string> used = name_of(api);
  // Whatever came of it: the Secret goes, and the token with it. The sweep must be able to find it,
  // too.
  const auto found = issuer.list();
  HOOP_CHECK(issuer.revoke(name));
  if (!used) return std::unexpected(used.error().within("use a session's token"));
  if (!found) return std::unexpected(found.error());
  return fmt::format("a token of '{}/{}' was made, {} and revoked", target_.service_account->space,
                     target_.service_account->name,
                     used->empty() ? "used" : fmt::format("taken for '{}'", *used));
}

Result<std::string> KubernetesTargetCheck::impersonation() const {
  KubernetesImpersonator issuer(target_.secrets, target_.impersonate_prefix, reader());
  HOOP_TRY(const access::Authorization allowed, authorization());
  HOOP_TRY(const access::Credential lent, issuer.issue(allowed, "s_check"));
  KubernetesApi api(server_with(lent), clock_);
  auto name = name_of(api);
  if (!name)
    return std::unexpected(
        std::move(name)
            .error()
            .within(fmt::format("speak for '{}{}'", target_.impersonate_prefix, kNobody))
            .with_hint("CLUSTERS in hoopctl-gateway(8) has the rights that this needs; where they "
                       "name who may be spoken for, this one is not among them"));
  return name->empty()
             ? std::string("it may speak for others")
             : fmt::format("it may speak for others: one request was taken for '{}'", *name);
}

void KubernetesTargetCheck::run() {
  const Result<std::string> found = secret();
  report_("secret", found);
  if (!found || target_.via == Via::agent) return;
  KubernetesApi api(server(), clock_);
  const Result<std::string> reached = connection(api);
  report_("connection", reached);
  if (!reached) return;
  const Result<std::string> answered = answer(api);
  report_("answer", answered);
  if (!answered) return;
  if (target_.lends == Lends::session_token) report_("token", token());
  if (target_.lends == Lends::impersonation) report_("impersonation", impersonation());
}

}  // namespace

void check_kubernetes_target(const GatewayConfig& config, const ConfiguredTarget& target,
                             const Clock& clock, Random& random, const TargetReport& report) {
  KubernetesTargetCheck(config, target, clock, random, report).run();
}

}  // namespace hoop::gateway
