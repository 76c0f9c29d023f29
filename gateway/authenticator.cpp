// SPDX-License-Identifier: Apache-2.0
#include "gateway/authenticator.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/http/client.h"
#include "core/http/url.h"
#include "core/identity/discovery.h"
#include "core/identity/jwt.h"

namespace hoop::gateway {
namespace {

using std::chrono::seconds;

constexpr seconds kFetchTime{5};             // a request
constexpr seconds kFresh{900};               // then keys are asked for again
constexpr seconds kBetweenUnknown{60};       // fetches for the sake of a key that is not known
constexpr seconds kAfterFailure{5};          // until the next try
constexpr seconds kLongestStale{24 * 3600};  // keys of an issuer that cannot be reached
constexpr std::uint64_t kMostBody = 256U << 10;

}  // namespace

struct Authenticator::State {
  State(identity::TrustedIssuer trusted, const Clock& used)
      : issuer(std::move(trusted)), clock(used) {}

  void take(identity::KeySet keys) {
    issuer.keys = std::move(keys);
    verifier.emplace(std::vector{issuer}, clock);
    fetched_at = clock.steady_now();
  }
  bool knows_key_of(const std::string& token) const;
  bool should_fetch(const std::string& token) const;
  Task<std::string> get(std::string url);
  Task<identity::KeySet> fetch();

  identity::TrustedIssuer issuer;
  const Clock& clock;
  std::optional<identity::TokenVerifier> verifier;  // none before there are keys

  // Of a foreign issuer.
  asio::any_io_executor executor;
  Log* log = nullptr;
  std::optional<http::Client> client;
  std::optional<asio::steady_timer> done;  // never expires; cancelled when a fetch is over
  bool fetching = false;
  SteadyTime fetched_at{};
  SteadyTime next_try{};
};

/// True also for what is no token of this issuer: keys would not help it.
bool Authenticator::State::knows_key_of(const std::string& token) const {
  const auto jws = identity::parse_jws(token);
  if (!jws) return true;
  const std::string* name = jws->claims.text("iss");
  const auto algorithm = identity::signature_algorithm(jws->alg);
  if (name == nullptr || *name != issuer.issuer || !algorithm) return true;
  return issuer.keys.find(jws->kid, *algorithm) != nullptr;
}

bool Authenticator::State::should_fetch(const std::string& token) const {
  const SteadyTime now = clock.steady_now();
  if (now < next_try) return false;
  if (!verifier || now - fetched_at >= kFresh) return true;
  return now - fetched_at >= kBetweenUnknown && !knows_key_of(token);
}

Task<std::string> Authenticator::State::get(std::string url) {
  HOOP_CO_TRY(http::Url parsed, http::parse_url(url));
  if (parsed.scheme != "https")
    co_return fail(ErrorCode::malformed, "an address of the issuer's is not https");
  http::Headers headers{{"Accept", "application/json"}};
  HOOP_CO_TRY(http::Response answer,
              co_await client->send("GET", std::move(parsed), std::move(headers), std::string(),
                                    Deadline::after(clock, kFetchTime)));
  if (answer.status != 200)
    co_return fail(ErrorCode::upstream_refused, fmt::format("it answered {}", answer.status));
  co_return std::move(answer.body);
}

Task<identity::KeySet> Authenticator::State::fetch() {
  HOOP_CO_TRY(const std::string about, co_await get(identity::metadata_url(issuer.issuer)));
  HOOP_CO_TRY(const identity::IssuerMetadata metadata,
              identity::parse_issuer_metadata(about, issuer.issuer));
  HOOP_CO_TRY(const std::string set, co_await get(metadata.jwks_uri));
  HOOP_CO_TRY(identity::KeySet keys, identity::parse_jwks(set));
  if (keys.keys.empty())
    co_return fail(ErrorCode::upstream_refused, "it publishes no key that can be used",
                   "ES256, EdDSA, RS256 and PS256 are");
  co_return std::move(keys);
}

namespace {

/// Also when the request that began it is gone in the middle.
class Fetching {
 public:
  Fetching(bool& flag, asio::steady_timer& done) : flag_(flag), done_(done) { flag_ = true; }
  ~Fetching() {
    flag_ = false;
    done_.cancel();
  }
  Fetching(const Fetching&) = delete;
  Fetching& operator=(const Fetching&) = delete;

 private:
  bool& flag_;
  asio::steady_timer& done_;
};

}  // namespace

asio::awaitable<void> Authenticator::refresh(std::shared_ptr<State> state, std::string token) {
  State& s = *state;
  while (s.fetching) co_await s.done->async_wait(as_result);
  if (!s.should_fetch(token)) co_return;
  const Fetching fetching(s.fetching, *s.done);
  auto keys = co_await s.fetch();
  const SteadyTime now = s.clock.steady_now();
  if (keys) {
    s.log->info("issuer.keys",
                {{"issuer", s.issuer.issuer}, {"keys", std::to_string(keys->keys.size())}});
    s.take(std::move(*keys));
    co_return;
  }
  s.next_try = now + kAfterFailure;
  const Error& error = keys.error();
  s.log->warning(
      "issuer.keys_failed",
      {{"issuer", s.issuer.issuer},
       {"error", error.hint.empty() ? error.message : error.message + " (" + error.hint + ")"}});
  if (s.verifier && now - s.fetched_at >= kLongestStale) s.verifier.reset();
}

Authenticator::Authenticator(identity::TrustedIssuer issuer, const Clock& clock)
    : state_(std::make_shared<State>(std::move(issuer), clock)) {
  state_->take(std::move(state_->issuer.keys));
}

Authenticator::Authenticator(std::shared_ptr<State> state) : state_(std::move(state)) {}
Authenticator::~Authenticator() = default;

Result<std::unique_ptr<Authenticator>> Authenticator::of_foreign(identity::TrustedIssuer issuer,
                                                                 net::Trust trust,
                                                                 asio::any_io_executor executor,
                                                                 const Clock& clock, Log& log) {
  auto state = std::make_shared<State>(std::move(issuer), clock);
  http::ClientOptions options;
  options.max_body = kMostBody;
  HOOP_TRY(http::Client client,
           http::Client::create(executor, std::move(trust), std::move(options)));
  state->client.emplace(std::move(client));
  state->done.emplace(executor, SteadyTime::max());
  state->executor = std::move(executor);
  state->log = &log;
  return std::unique_ptr<Authenticator>(new Authenticator(std::move(state)));
}

void Authenticator::start() {
  if (!state_->client) return;
  asio::co_spawn(state_->executor, refresh(state_, std::string()),
                 [](const std::exception_ptr&) {});
}

Task<access::Identity> Authenticator::authenticate(std::string access_token) {
  const std::shared_ptr<State> state = state_;
  if (state->client && state->should_fetch(access_token)) co_await refresh(state, access_token);
  if (!state->verifier)
    co_return fail(ErrorCode::upstream_unreachable,
                   "the identity provider cannot be reached, so no login can be checked",
                   "the gateway's log says why; try again in a minute");
  co_return state->verifier->verify(access_token);
}

}  // namespace hoop::gateway
