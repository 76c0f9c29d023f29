// SPDX-License-Identifier: Apache-2.0
#include "gateway/server.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/private_file.h"
#include "core/mask/secret_scanner.h"
#include "gateway/agents/agent_service.h"
#include "gateway/agents/agent_targets.h"
#include "gateway/api.h"
#include "gateway/approvals/approval_desk.h"
#include "gateway/directory_session_store.h"
#include "gateway/event_loops.h"
#include "gateway/health.h"
#include "gateway/idp/identity_provider.h"
#include "gateway/measured.h"
#include "gateway/metrics_endpoint.h"
#include "gateway/reaper.h"
#include "gateway/revocations.h"
#include "gateway/server_files.h"
#include "gateway/session_registry.h"
#include "gateway/sqlite_store.h"
#include "gateway/ssh_authority.h"
#include "gateway/tunnel.h"
#include "protocols/http/handler.h"
#include "protocols/kubernetes/handler.h"
#include "protocols/postgres/handler.h"
#include "protocols/ssh/handler.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kWorkers =
    8;  // each may wait for a database; more would not make SQLite faster

/// Of whatever protocol the session's target speaks.
session::HandlerFactory make_handlers() {
  return [postgres = postgres::sharing_handlers()](session::SessionContext context) {
    const std::string& protocol = context.grant.target.protocol;
    if (protocol == "http") return http_target::make_handler(context);
    if (protocol == "kubernetes") return kubernetes::make_handler(context);
    return protocol == "ssh" ? ssh::make_handler(context) : postgres(context);
  };
}

/// Whether more than the policy differs.
bool needs_restart(const GatewayConfig& running, const GatewayConfig& read) {
  return running.targets != read.targets || running.listen_host != read.listen_host ||
         running.listen_port != read.listen_port || running.url != read.url ||
         running.id != read.id || running.grants_per_minute != read.grants_per_minute ||
         running.sessions_per_identity != read.sessions_per_identity ||
         running.device_poll_interval != read.device_poll_interval || running.oidc != read.oidc ||
         running.workloads != read.workloads || running.heartbeat != read.heartbeat ||
         running.metrics != read.metrics || running.event_loops != read.event_loops ||
         running.approval_time != read.approval_time;
}

/// As people write it.
std::string written(const ListenAddress& address) {
  const bool six = address.host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(six ? "[{}]:{}" : "{}:{}"), address.host, address.port);
}

}  // namespace

// In the order in which they are built: what stands below uses what stands above.
struct GatewayServer::Parts {
  Parts(GatewayConfig config_, const Clock& clock_, Descriptor lock_, std::shared_ptr<Log> log_,
        SecretBytes secret_, crypto::P256Key receipt, Database people,
        std::unique_ptr<SqliteStore> store_, record::Spool spool_)
      : config(std::move(config_)),
        clock(clock_),
        lock(std::move(lock_)),
        log(std::move(log_)),
        secret(std::move(secret_)),
        receipt_key(std::move(receipt)),
        idp_database(std::move(people)),
        store(std::move(store_)),
        logs(config.layout.logs()),
        spool(std::move(spool_)) {}
  GatewayConfig config;
  const Clock& clock;
  Descriptor lock;
  std::shared_ptr<Log> log;
  SecretBytes secret;
  crypto::P256Key receipt_key;
  Database idp_database;
  std::unique_ptr<SqliteStore> store;
  DirectorySessionStore logs;
  record::Spool spool;
  std::string base_url;
  const std::shared_ptr<Metrics> metrics = std::make_shared<Metrics>();
  std::optional<EventLoops> loops;  // before what answers to them
  std::optional<WorkerPool> workers;
  std::shared_ptr<Agents> agents;
  std::optional<LoopbackBridge> bridge;
  std::optional<AgentService> agent_service;
  std::optional<GrantService> grants;
  std::optional<Database> audit_database;
  std::optional<Audit> audit;
  std::optional<Database> approval_database;
  std::optional<ApprovalStore> approvals;
  std::optional<ApprovalDesk> desk;
  std::optional<SessionRegistry> registry;
  std::optional<SpoolDelivery> delivery;
  std::optional<LiveSessions> live;
  std::unique_ptr<Revocations> revocations;
  std::optional<TunnelService> tunnel;
  std::optional<Reaper> reaper;
  std::unique_ptr<idp::IdentityProvider> idp;  // none where a foreign issuer takes its place
  std::optional<Authenticator> authenticator;
  std::optional<ProofChecker> proofs;
  std::unique_ptr<WorkloadExchange> workloads;  // none where none is configured
  std::optional<Api> api;
  std::optional<Health> health;
  std::optional<MetricsEndpoint> metrics_endpoint;
  std::optional<http::Server> http;

  Result<void> open_identity(crypto::P256Key token_key, asio::any_io_executor executor,
                             Random& random);

  asio::awaitable<http::Response> handle(http::Request request, http::ConnectionInfo connection) {
    const Asked asked = what_is_asked(request.method, request.path());
    const SteadyTime begun = clock.steady_now();
    http::Response out = co_await route(std::move(request), connection);
    metrics->answered(asked, out.status, clock.steady_now() - begun);
    co_return out;
  }

  asio::awaitable<http::Response> route(http::Request request, http::ConnectionInfo connection) {
    if (is_health_path(request.path())) co_return co_await health->answer(std::move(request));
    if (is_agent_path(request.path()))
      co_return co_await agent_service->answer(std::move(request), connection);
    if (workloads && request.path() == kWorkloadTokenPath)
      co_return co_await workloads->answer(std::move(request), connection);
    if (is_tunnel_path(request.path())) co_return tunnel->answer(request, connection);
    if (request.path().starts_with("/v1/") || request.path() == "/.well-known/hoopctl")
      co_return co_await api->handle(std::move(request));
    if (idp) {
      auto answer = co_await idp->handle(std::move(request), connection);
      if (answer) co_return std::move(*answer);
    }
    co_return http::problem_response(404, "not_found", "there is nothing here");
  }
};

/// The embedded identity provider or a foreign issuer, and workloads beside either.
Result<void> GatewayServer::Parts::open_identity(crypto::P256Key token_key,
                                                 asio::any_io_executor executor, Random& random) {
  authenticator.emplace(clock);
  proofs.emplace(base_url, secret, clock);
  if (!config.workloads.empty()) {
    HOOP_TRY(auto used_tokens, Database::open(config.layout.database()));
    HOOP_TRY(auto signing_key, read_key(config.layout.token_key()));
    HOOP_TRY(workloads, WorkloadExchange::create({config.workloads, base_url,
                                                  std::move(used_tokens), std::move(signing_key),
                                                  clock, random, *log, *proofs, executor}));
    authenticator->accept(workloads->issuer());
  }
  identity::TrustedIssuer issuer;
  if (const auto& oidc = config.oidc) {
    issuer.issuer = oidc->issuer;
    issuer.audience = oidc->audience.empty() ? base_url : oidc->audience;
    issuer.clients.emplace(oidc->client_id, access::IdentityKind::person);
    for (const std::string& service : oidc->service_clients)
      issuer.clients.emplace(service, access::IdentityKind::ci);
    issuer.max_life = oidc->max_life;
    issuer.subject_claim = oidc->subject_claim;
    issuer.groups_claim = oidc->groups_claim;
    issuer.group_names = oidc->group_names;
    issuer.approving_scope = oidc->approving_scope;
    net::Trust trust;
    trust.ca_pem = oidc->ca_pem;
    HOOP_TRY(auto keys,
             IssuerKeys::create(oidc->issuer, std::move(trust), std::move(executor), clock, *log));
    authenticator->accept_foreign(std::move(issuer), std::move(keys));
    return {};
  }
  idp::Settings settings;
  settings.issuer = base_url;
  settings.audience = base_url;
  settings.poll_interval = config.device_poll_interval;
  HOOP_TRY(idp, idp::IdentityProvider::create(settings, idp_database, std::move(token_key), clock,
                                              random, *log, *proofs));
  issuer.issuer = base_url;
  issuer.audience = base_url;
  issuer.keys = idp->keys();
  issuer.clients.emplace(settings.client_id, access::IdentityKind::person);
  authenticator->accept(std::move(issuer));
  return {};
}

GatewayServer::GatewayServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

GatewayServer::~GatewayServer() {
  // The pool joins before what its work uses goes; nobody answers what waits for a loop. What ran
  // on the loops of sessions goes while all that it uses is still there.
  if (parts_->bridge) parts_->bridge->close();
  if (parts_->loops) parts_->loops->halt();
  parts_->http.reset();
  parts_->metrics_endpoint.reset();
  parts_->workers.reset();
  if (parts_->loops) parts_->loops->close();
}

Result<std::unique_ptr<GatewayServer>> GatewayServer::create(GatewayConfig config,
                                                             asio::io_context& context,
                                                             const Clock& clock, Random& random,
                                                             std::shared_ptr<Log> log) {
  const Layout layout = config.layout;
  HOOP_CHECK(identity::make_private_directory(layout.state()));
  HOOP_CHECK(identity::make_private_directory(layout.logs()));
  HOOP_TRY(auto lock, lock_directory(layout.state() / "lock"));
  HOOP_TRY(auto token_key, read_key(layout.token_key()));
  HOOP_TRY(auto receipt_key, read_key(layout.receipt_key()));
  HOOP_TRY(auto secret, read_secret(layout.secret_key()));
  HOOP_TRY(auto tls, read_certificate(layout));
  HOOP_TRY(auto store, SqliteStore::open(layout.database()));
  HOOP_TRY(auto idp_database, Database::open(layout.database()));
  HOOP_TRY(auto agent_database, Database::open(layout.database()));
  HOOP_TRY(auto revocation_database, Database::open(layout.database()));
  HOOP_TRY(auto audit_database, Database::open(layout.database()));
  HOOP_TRY(auto approval_database, Database::open(layout.database()));
  HOOP_TRY(auto spool, record::Spool::open(layout.spool().string()));
  auto parts = std::make_unique<Parts>(std::move(config), clock, std::move(lock), log,
                                       std::move(secret), std::move(receipt_key),
                                       std::move(idp_database), std::move(store), std::move(spool));
  Parts& p = *parts;
  std::unique_ptr<GatewayServer> server(new GatewayServer(std::move(parts)));
  const auto handler = [&p](http::Request request, http::ConnectionInfo connection) {
    return p.handle(std::move(request), connection);
  };
  HOOP_TRY(auto http, http::Server::listen(context.get_executor(), p.config.listen_host,
                                           p.config.listen_port, std::move(tls), handler, log));
  p.base_url = p.config.base_url(http.port());
  p.http.emplace(std::move(http));

  HOOP_CHECK(p.open_identity(std::move(token_key), context.get_executor(), random));

  p.loops.emplace(p.config.event_loops.value_or(default_event_loops()));
  p.workers.emplace(kWorkers);
  auto policy = std::make_shared<const access::PolicyEngine>(p.config.policy);
  HOOP_TRY(p.agents, Agents::create({std::move(agent_database), clock, random, *log, p.metrics,
                                     context.get_executor(), AgentTimes{}}));
  p.agent_service.emplace(p.agents, p.config.id);
  p.bridge.emplace(context.get_executor(), *log);
  ReachParts reach{p.agents, *p.bridge};
  if (std::ranges::any_of(p.config.targets, [](const ConfiguredTarget& target) {
        return target.lends == Lends::session_certificate;
      })) {
    HOOP_TRY(auto authority, read_ssh_authority(layout));
    reach.ssh_authority = std::make_shared<const crypto::Ed25519Key>(std::move(authority));
  }
  p.grants.emplace(
      GrantService::Parts{
          p.config.id, std::move(policy), p.secret.clone(), *p.store, *p.workers, clock, random,
          *log, p.config.sessions_per_identity, p.config.heartbeat,
          [&p](const std::string& id, const access::Identity& identity, const std::string& target) {
            return p.desk->usable(id, identity, target);
          }},
      make_targets(p.config, reach, clock, random, *p.metrics));
  p.audit_database.emplace(std::move(audit_database));
  HOOP_TRY(auto audit, Audit::open(*p.audit_database));
  p.audit.emplace(std::move(audit));
  p.approval_database.emplace(std::move(approval_database));
  HOOP_TRY(auto approvals, ApprovalStore::open(*p.approval_database));
  p.approvals.emplace(std::move(approvals));
  p.desk.emplace(ApprovalDesk::Parts{*p.approvals, *p.audit, [&p] { return p.grants->policy(); },
                                     clock, random, *log, context.get_executor(),
                                     p.config.approval_time});
  p.registry.emplace(
      SessionRegistry::Parts{*p.grants, clock, *log, context.get_executor(), p.config.heartbeat});
  p.registry->on_lost([&p](const std::string& session) {
    p.live->begin_end(session, {"client_lost", -1, "the client was not heard of", {}});
  });
  HOOP_TRY(const auto unrevoked, p.store->unrevoked());
  for (const SessionRecord& record : unrevoked) p.registry->add_known(record);
  p.reaper.emplace(*p.grants, context.get_executor());
  p.delivery.emplace(SpoolDelivery::Parts{
      p.spool, p.logs, *p.store, ReceiptSigner{p.config.id, p.base_url, p.receipt_key}, *p.workers,
      clock, *log, context.get_executor(), p.metrics.get()});
  // Where it cannot be read, each session that needs it is refused, and says why.
  const auto secrets = mask::SecretDatabase::load();
  p.live.emplace(
      LiveSessions::Parts{p.base_url, p.spool, measured(make_handlers(), p.metrics),
                          make_dialers(p.config, p.agents), *p.loops,
                          LiveSession::Services{*p.grants, *p.registry, *p.delivery, *p.workers,
                                                clock, *log, context.get_executor(), p.metrics},
                          random, secrets.value_or(nullptr), &*p.desk});
  HOOP_TRY(p.revocations, Revocations::create(Revocations::Parts{
                              std::move(revocation_database), *p.store, *p.workers, *p.grants,
                              *p.live, *p.registry, clock, *log, context.get_executor()}));
  p.tunnel.emplace(*p.live, *log);
  if (const auto& address = p.config.metrics) {
    p.metrics_endpoint.emplace(MetricsEndpoint::Parts{*p.metrics, *p.store, *p.workers, clock});
    HOOP_CHECK(
        p.metrics_endpoint->listen(context.get_executor(), address->host, address->port, log));
  }
  p.health.emplace(*p.store,
                   std::vector<std::string>{layout.state().string(), layout.spool().string()},
                   *p.workers, clock, *log);
  p.api.emplace(
      ApiParts{p.config.id,
               p.base_url,
               p.config.grants_per_minute,
               p.config.oidc ? p.config.oidc->issuer : p.base_url,
               p.config.oidc ? p.config.oidc->client_id : idp::Settings{}.client_id,
               p.config.oidc ? p.config.oidc->parameters : identity::RequestParameters(),
               p.config.oidc ? p.config.oidc->ca_pem : std::string(),
               p.config.oidc ? p.config.oidc->approving_scope : std::string(idp::kApprovingScope),
               *p.authenticator,
               *p.proofs,
               *p.grants,
               *p.live,
               *p.registry,
               *p.revocations,
               *p.audit,
               *p.desk,
               *p.store,
               p.logs,
               *p.workers,
               p.receipt_key,
               clock,
               *log,
               [gateway = server.get()] { return gateway->reload(); }});
  return server;
}

Result<void> GatewayServer::start() {
  Parts& p = *parts_;
  // First: what it takes for left over must not be a session of this process.
  HOOP_CHECK(p.delivery->start());
  p.agents->start();
  p.agents->on_event([&p](Agents::Event event) {
    if (event == Agents::Event::connected) p.reaper->sweep_now();
    if (event == Agents::Event::leaving) p.workers->post([&p] { p.grants->drop_idle(); });
  });
  p.authenticator->start();
  p.http->start();
  p.reaper->start();
  p.registry->start();
  p.revocations->start();
  if (p.metrics_endpoint) {
    const std::string metrics = written({p.config.metrics->host, p.metrics_endpoint->port()});
    p.metrics_endpoint->start();
    HOOP_CHECK(identity::write_private_file(p.config.layout.metrics_file(), metrics + "\n"));
    p.log->info("metrics.listening", {{"address", metrics}});
  }
  const std::string address = written({p.config.listen_host, port()});
  HOOP_CHECK(identity::write_private_file(p.config.layout.listen_file(), address + "\n"));
  p.log->info("gateway.listening", {{"address", address},
                                    {"url", p.base_url},
                                    {"id", p.config.id},
                                    {"targets", std::to_string(p.config.targets.size())},
                                    {"event_loops", std::to_string(p.loops->size())},
                                    {"version", HOOPCTL_VERSION}});
  return {};
}

Task<void> GatewayServer::reload() {
  Parts& p = *parts_;
  Work<GatewayConfig> read = [directory = p.config.layout.directory] {
    return load_config(directory);
  };
  auto config = co_await p.workers->run(read);
  if (!config) {
    const Error& error = config.error();
    p.log->error(
        "policy.not_reloaded",
        {{"error", error.hint.empty() ? error.message : error.message + " (" + error.hint + ")"}});
    co_return std::unexpected(std::move(config).error());
  }
  if (needs_restart(p.config, *config))
    p.log->warning("config.needs_restart",
                   {{"what", "targets and settings of the gateway are as they were"}});
  const std::string version = config->policy.version;
  p.grants->set_policy(std::make_shared<const access::PolicyEngine>(std::move(config->policy)));
  p.live->apply_policy();
  p.registry->apply_policy();
  p.log->info("policy.reloaded", {{"version", version}});
  // In force already: a record that cannot be kept is told, and changes nothing.
  if (auto kept = p.audit->add({0, p.clock.system_now(), "gateway", "policy.reload", version, {}});
      !kept)
    p.log->error("audit.failed", {{"error", kept.error().message}});
  co_return Result<void>{};
}

asio::awaitable<void> GatewayServer::stop() {
  Parts& p = *parts_;
  p.health->set_stopping();
  std::error_code ignored;
  std::filesystem::remove(p.config.layout.listen_file(), ignored);
  std::filesystem::remove(p.config.layout.metrics_file(), ignored);
  // HTTP goes on meanwhile: the clients of these sessions ask what came of them.
  co_await p.revocations->stop();
  co_await p.desk->stop();
  co_await p.live->stop();
  co_await p.registry->stop();
  co_await p.http->stop();
  co_await p.delivery->stop();
  if (p.metrics_endpoint) co_await p.metrics_endpoint->stop();
  p.agents->on_event(nullptr);
  co_await p.reaper->stop();
  // Last: roles at targets behind agents were dropped through them.
  co_await p.bridge->stop();
  co_await p.agents->stop();
  p.log->info("gateway.stopped");
}

std::uint16_t GatewayServer::port() const { return parts_->http->port(); }
std::optional<std::uint16_t> GatewayServer::metrics_port() const {
  if (!parts_->metrics_endpoint) return std::nullopt;
  return parts_->metrics_endpoint->port();
}
const std::string& GatewayServer::base_url() const { return parts_->base_url; }

}  // namespace hoop::gateway
