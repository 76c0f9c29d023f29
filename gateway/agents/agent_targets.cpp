// SPDX-License-Identifier: Apache-2.0
#include "gateway/agents/agent_targets.h"

#include "gateway/issuers/http_secret.h"
#include "gateway/issuers/kubernetes_impersonation.h"
#include "gateway/issuers/kubernetes_token.h"
#include "gateway/issuers/postgres_login.h"
#include "gateway/issuers/postgres_role.h"
#include "gateway/issuers/ssh_certificate.h"
#include "gateway/measured.h"
#include "gateway/secret_reference.h"

namespace hoop::gateway {
namespace {

PgLoginFor make_login(const ConfiguredTarget& target, const std::filesystem::path& directory,
                      const ReachParts& reach) {
  std::shared_ptr<net::Dialer> dialer;
  if (target.via == Via::agent)
    dialer = std::make_shared<AgentDialer>(reach.agents, target.target.labels);
  return [target, directory, dialer,
          &bridge = reach.bridge](const std::string& database) -> Result<PgLogin> {
    PgLogin login{target.target.host,
                  target.target.port,
                  target.target.tls_server_name,
                  target.target.tls,
                  target.ca_file,
                  target.login.user,
                  {},
                  database};
    HOOP_TRY(auto password, resolve_secret(target.login.password, directory));
    login.password = std::move(password);
    if (dialer) {
      HOOP_TRY(login.by_port, bridge.open(dialer, login.host, login.port));
    }
    return login;
  };
}

ReadSecret make_reader(const std::filesystem::path& directory) {
  return [directory](const std::string& reference) { return resolve_secret(reference, directory); };
}

/// The API server as the gateway itself asks it.
ApiServerFor make_api_server(const ConfiguredTarget& target, const std::filesystem::path& directory,
                             const ReachParts& reach) {
  std::shared_ptr<net::Dialer> dialer;
  if (target.via == Via::agent)
    dialer = std::make_shared<AgentDialer>(reach.agents, target.target.labels);
  return [target, read = make_reader(directory), dialer,
          &bridge = reach.bridge]() -> Result<ApiServer> {
    ApiServer out;
    out.target = target.target;
    HOOP_TRY(out.credential, read_http_secrets(target.secrets, read));
    if (dialer) {
      HOOP_TRY(out.by_port, bridge.open(dialer, out.target.host, out.target.port));
    }
    return out;
  };
}

std::unique_ptr<CredentialIssuer> make_issuer(const GatewayConfig& config,
                                              const ConfiguredTarget& target,
                                              const ReachParts& reach, const Clock& clock,
                                              Random& random) {
  const std::filesystem::path& directory = config.layout.directory;
  switch (target.lends) {
    case Lends::session_certificate:
      return std::make_unique<SshCertificateIssuer>(reach.ssh_authority, target.source_addresses,
                                                    clock, random);
    case Lends::shared_key:
      return std::make_unique<SshKeyIssuer>([reference = target.login.password, directory] {
        return resolve_secret(reference, directory);
      });
    case Lends::shared_login:
      return std::make_unique<PostgresLoginIssuer>(target.login.user, target.login.database,
                                                   make_login(target, directory, reach));
    case Lends::shared_secret:
    case Lends::nothing:
      return std::make_unique<HttpSecretIssuer>(
          target.target.name, target.secrets,
          target.hand_out ? HandOut::local_path_too : HandOut::never, make_reader(directory));
    case Lends::impersonation:
      return std::make_unique<KubernetesImpersonator>(target.secrets, target.impersonate_prefix,
                                                      make_reader(directory));
    case Lends::session_token: {
      using Renewal = KubernetesTokenIssuer::Renewal;
      const bool stays = target.target.path == access::DataPath::gateway;
      return std::make_unique<KubernetesTokenIssuer>(
          config.id, *target.service_account, stays ? Renewal::by_longer_tokens : Renewal::none,
          make_api_server(target, directory, reach), clock);
    }
    case Lends::session_role: break;
  }
  return std::make_unique<PostgresRoleIssuer>(config.id, target.login.database,
                                              make_login(target, directory, reach), clock, random);
}

}  // namespace

std::vector<GrantTarget> make_targets(const GatewayConfig& config, const ReachParts& reach,
                                      const Clock& clock, Random& random, Metrics& metrics) {
  std::vector<GrantTarget> out;
  for (const ConfiguredTarget& target : config.targets) {
    auto issuer = make_issuer(config, target, reach, clock, random);
    GrantTarget made{target.target, measured(std::move(issuer), metrics)};
    if (target.via == Via::agent) {
      made.obstacle = [agents = reach.agents,
                       labels = target.target.labels]() -> std::optional<Error> {
        if (agents->is_online(labels)) return std::nullopt;
        return agent_offline();
      };
    }
    out.push_back(std::move(made));
  }
  return out;
}

DialerFactory make_dialers(const GatewayConfig& config, std::shared_ptr<Agents> agents) {
  std::map<std::string, Labels> by_agent;
  for (const ConfiguredTarget& target : config.targets)
    if (target.via == Via::agent) by_agent.emplace(target.target.name, target.target.labels);
  return [by_agent, agents = std::move(agents)](
             const std::string& name,
             const asio::any_io_executor& executor) -> std::unique_ptr<net::Dialer> {
    const auto found = by_agent.find(name);
    if (found == by_agent.end()) return std::make_unique<net::DirectDialer>(executor);
    return std::make_unique<AgentDialer>(agents, found->second);
  };
}

}  // namespace hoop::gateway
