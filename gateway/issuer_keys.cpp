// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuer_keys.h"

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

struct IssuerKeys::State {
  State(std::string name, const Clock& used, Log& told)
      : issuer(std::move(name)), clock(used), log(told) {}

  bool knows_key_of(const std::string& token) const;
  bool should_fetch(const std::string& token) const;
  Task<std::string> get(std::string url);
  Task<identity::KeySet> fetch();

  std::string issuer;
  const Clock& clock;
  Log& log;
  std::shared_ptr<const identity::KeySet> keys;  // none before the first answer
  asio::any_io_executor executor;
  std::optional<http::Client> client;
  std::optional<asio::steady_timer> done;  // never expires; cancelled when a fetch is over
  bool fetching = false;
  SteadyTime fetched_at{};
  SteadyTime next_try{};
};

/// True also for what is no token of this issuer: keys would not help it.
bool IssuerKeys::State::knows_key_of(const std::string& token) const {
  const auto jws = identity::parse_jws(token);
  if (!jws) return true;
  const std::string* name = jws->claims.text("iss");
  const auto algorithm = identity::signature_algorithm(jws->alg);
  if (name == nullptr || *name != issuer || !algorithm) return true;
  return keys->find(jws->kid, *algorithm) != nullptr;
}

bool IssuerKeys::State::should_fetch(const std::string& token) const {
  const SteadyTime now = clock.steady_now();
  if (now < next_try) return false;
  if (!keys || now - fetched_at >= kFresh) return true;
  return now - fetched_at >= kBetweenUnknown && !knows_key_of(token);
}

Task<std::string> IssuerKeys::State::get(std::string url) {
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

Task<identity::KeySet> IssuerKeys::State::fetch() {
  HOOP_CO_TRY(const std::string about, co_await get(identity::metadata_url(issuer)));
  HOOP_CO_TRY(const identity::IssuerMetadata metadata,
              identity::parse_issuer_metadata(about, issuer));
  HOOP_CO_TRY(const std::string set, co_await get(metadata.jwks_uri));
  HOOP_CO_TRY(identity::KeySet read, identity::parse_jwks(set));
  if (read.keys.empty())
    co_return fail(ErrorCode::upstream_refused, "it publishes no key that can be used",
                   "ES256, EdDSA, RS256 and PS256 are");
  co_return std::move(read);
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

asio::awaitable<void> IssuerKeys::refresh(std::shared_ptr<State> state, std::string token) {
  State& s = *state;
  while (s.fetching) co_await s.done->async_wait(as_result);
  if (!s.should_fetch(token)) co_return;
  const Fetching fetching(s.fetching, *s.done);
  auto fetched = co_await s.fetch();
  const SteadyTime now = s.clock.steady_now();
  if (fetched) {
    s.log.info("issuer.keys",
               {{"issuer", s.issuer}, {"keys", std::to_string(fetched->keys.size())}});
    s.keys = std::make_shared<const identity::KeySet>(std::move(*fetched));
    s.fetched_at = now;
    co_return;
  }
  s.next_try = now + kAfterFailure;
  const Error& error = fetched.error();
  s.log.warning(
      "issuer.keys_failed",
      {{"issuer", s.issuer},
       {"error", error.hint.empty() ? error.message : error.message + " (" + error.hint + ")"}});
  if (s.keys && now - s.fetched_at >= kLongestStale) s.keys.reset();
}

IssuerKeys::IssuerKeys(std::shared_ptr<State> state) : state_(std::move(state)) {}
IssuerKeys::~IssuerKeys() = default;

Result<std::unique_ptr<IssuerKeys>> IssuerKeys::create(std::string issuer, net::Trust trust,
                                                       asio::any_io_executor executor,
                                                       const Clock& clock, Log& log) {
  auto state = std::make_shared<State>(std::move(issuer), clock, log);
  http::ClientOptions options;
  options.max_body = kMostBody;
  HOOP_TRY(http::Client client,
           http::Client::create(executor, std::move(trust), std::move(options)));
  state->client.emplace(std::move(client));
  state->done.emplace(executor, SteadyTime::max());
  state->executor = std::move(executor);
  return std::unique_ptr<IssuerKeys>(new IssuerKeys(std::move(state)));
}

void IssuerKeys::start() {
  asio::co_spawn(state_->executor, refresh(state_, std::string()),
                 [](const std::exception_ptr&) {});
}

asio::awaitable<std::shared_ptr<const identity::KeySet>> IssuerKeys::keys_for(std::string token) {
  const std::shared_ptr<State> state = state_;
  if (state->should_fetch(token)) co_await refresh(state, std::move(token));
  co_return state->keys;
}

}  // namespace hoop::gateway
