// SPDX-License-Identifier: Apache-2.0
// bench_load GATEWAY_PID TARGET: many sessions on the gateway path, from one process.
//
// What is measured, and why: idle sessions, because an IDE and an agent hold one all day and use it
// for seconds; those without a connection and those with one apart, since the second kind costs two
// TLS legs and a catalog; set-up, because a fleet of agents comes at once; active ones, for what a
// statement costs when many share the loop; and one whose reader has stopped, which nobody else may
// feel. HOOPCTL_BENCH_IDLE, _CONNECTED, _ACTIVE, _SECONDS and _STOPPED say how many and how long.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "cmd/run.h"
#include "core/identity/token_store.h"
#include "core/net/task_group.h"
#include "tests/bench/load_session.h"

namespace {

using namespace hoop;
using bench::LoadLogin;
using bench::LoadSession;
using std::chrono::duration;
using std::chrono::steady_clock;
using Sessions = std::vector<std::unique_ptr<LoadSession>>;

constexpr std::size_t kAtOnce = 16;  // set-ups under way: more clients than the gateway has workers
constexpr std::size_t kProbes = 1;
const std::string kShort = "select 1";
// More than every buffer on the way holds, many times over.
const std::string kBulk = "select g, repeat('x', 1000) from generate_series(1, 300000) g";

double seconds_since(steady_clock::time_point begun) {
  return duration<double>(steady_clock::now() - begun).count();
}

std::size_t setting(const char* name, std::size_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

/// What the system says of the gateway's process.
class Process {
 public:
  explicit Process(std::string pid) : pid_(std::move(pid)) {}
  double kilobytes() const {
    std::ifstream in("/proc/" + pid_ + "/status");
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr);
    }
    return 0;
  }
  double cpu_seconds() const {
    std::ifstream in("/proc/" + pid_ + "/stat");
    std::string text((std::istreambuf_iterator<char>(in)), {});
    std::istringstream rest(text.substr(text.rfind(')') + 2));
    std::string word;
    double ticks = 0;
    // Fields 14 and 15 of proc(5), the third being the first here.
    for (int field = 3; field <= 15 && rest >> word; ++field) {
      if (field >= 14) ticks += std::strtod(word.c_str(), nullptr);
    }
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

 private:
  std::string pid_;
};

void row(std::string_view what, double value, std::string_view unit, std::string_view goal = "") {
  fmt::print("{:<58} {:>10.4g} {:<12} {}\n", what, value, unit, goal);
  std::fflush(stdout);
}

double percentile(std::vector<double> values, double of) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(of * static_cast<double>(values.size() - 1))];
}

/// The first failure of many; the others would say the same.
struct Failures {
  std::optional<Error> first;
  void add(const Error& error) {
    if (!first) first = error;
  }
};

class Load {
 public:
  Load(asio::io_context& context, LoadLogin& login, Process gateway)
      : context_(context), login_(login), gateway_(std::move(gateway)) {}
  Task<void> work();

 private:
  using Step = std::function<Task<void>(std::size_t)>;
  Task<void> many(std::size_t count, std::size_t at_once, Step step);
  asio::awaitable<void> pause(std::chrono::milliseconds span);
  asio::awaitable<double> cpu_while_idle(std::chrono::seconds span);
  Task<void> open_idle(std::size_t count);
  Task<void> connect_some(std::size_t count);
  Task<void> run_active(std::size_t count, std::chrono::seconds span);
  Task<void> query_until(LoadSession& session, steady_clock::time_point until,
                         std::vector<double>& latencies);
  Task<std::vector<double>> probe(std::chrono::milliseconds span);
  Task<void> stop_one_reader(std::chrono::seconds span);
  Task<void> end_all();

  asio::io_context& context_;
  LoadLogin& login_;
  Process gateway_;
  Sessions sessions_;
  std::size_t connected_ = 0;
};

asio::awaitable<void> Load::pause(std::chrono::milliseconds span) {
  asio::steady_timer timer(context_, span);
  co_await timer.async_wait(as_result);
}

Task<void> Load::many(std::size_t count, std::size_t at_once, Step step) {
  net::TaskGroup tasks(context_.get_executor());
  Failures failures;
  std::size_t next = 0;
  const auto worker = [](std::size_t& n, std::size_t of, const Step& run,
                         Failures& bad) -> asio::awaitable<void> {
    while (n < of && !bad.first) {
      const auto done = co_await run(n++);
      if (!done) bad.add(done.error());
    }
  };
  for (std::size_t i = 0; i < std::min(at_once, count); ++i)
    tasks.spawn(worker(next, count, step, failures));
  co_await tasks.join();
  if (failures.first) co_return std::unexpected(std::move(*failures.first));
  co_return Result<void>{};
}

asio::awaitable<double> Load::cpu_while_idle(std::chrono::seconds span) {
  const double before = gateway_.cpu_seconds();
  const auto begun = steady_clock::now();
  co_await pause(span);
  co_return 100 * (gateway_.cpu_seconds() - before) / seconds_since(begun);
}

Task<void> Load::open_idle(std::size_t count) {
  // What the first session allocates for all of them is not an idle session's.
  HOOP_CO_TRY(auto first, co_await LoadSession::open(login_));
  sessions_.push_back(std::move(first));
  const double before = gateway_.kilobytes(), cpu = gateway_.cpu_seconds();
  const auto begun = steady_clock::now();
  Step step = [this](std::size_t) -> Task<void> {
    HOOP_CO_TRY(auto session, co_await LoadSession::open(login_));
    sessions_.push_back(std::move(session));
    co_return Result<void>{};
  };
  HOOP_CO_CHECK(co_await many(count, kAtOnce, std::move(step)));
  const double took = seconds_since(begun), each = static_cast<double>(count);
  row("sessions set up, grant and role", each / took, "/s", ">= 300");
  row("  the gateway's CPU for one", 1e6 * (gateway_.cpu_seconds() - cpu) / each, "us");
  co_await pause(std::chrono::seconds(1));
  row(fmt::format("memory of an idle session, {} without a connection", count),
      (gateway_.kilobytes() - before) / each, "KB", "<= 30");
  row("  CPU meanwhile", co_await cpu_while_idle(std::chrono::seconds(10)), "% of a core");
  co_return Result<void>{};
}

Task<void> Load::connect_some(std::size_t count) {
  HOOP_CO_CHECK(co_await sessions_.front()->connect());
  const double before = gateway_.kilobytes(), cpu = gateway_.cpu_seconds();
  const auto begun = steady_clock::now();
  Step step = [this](std::size_t i) { return sessions_[i + 1]->connect(); };
  HOOP_CO_CHECK(co_await many(count - 1, kAtOnce, std::move(step)));
  connected_ = count;
  const double took = seconds_since(begun), each = static_cast<double>(count - 1);
  row("connections opened, tunnel and database", each / took, "/s");
  row("  the gateway's CPU for one", 1e6 * (gateway_.cpu_seconds() - cpu) / each, "us");
  co_await pause(std::chrono::seconds(1));
  row(fmt::format("memory of an idle connection, {} of them", count),
      (gateway_.kilobytes() - before) / each, "KB", "<= 100");
  row("  CPU meanwhile", co_await cpu_while_idle(std::chrono::seconds(10)), "% of a core");
  co_return Result<void>{};
}

Task<void> Load::query_until(LoadSession& session, steady_clock::time_point until,
                             std::vector<double>& latencies) {
  while (steady_clock::now() < until) {
    const auto begun = steady_clock::now();
    HOOP_CO_CHECK(co_await session.send(kShort));
    HOOP_CO_CHECK(co_await session.read_answer());
    latencies.push_back(1000 * seconds_since(begun));
  }
  co_return Result<void>{};
}

Task<void> Load::run_active(std::size_t count, std::chrono::seconds span) {
  std::vector<double> latencies;
  const auto begun = steady_clock::now();
  const double cpu = gateway_.cpu_seconds();
  Step step = [&](std::size_t i) { return query_until(*sessions_[i], begun + span, latencies); };
  HOOP_CO_CHECK(co_await many(count, count, std::move(step)));
  const double took = seconds_since(begun), done = static_cast<double>(latencies.size());
  row(fmt::format("{} active beside the idle ones: statements", count), done / took, "/s");
  row("  p50", percentile(latencies, 0.5), "ms");
  row("  p99", percentile(latencies, 0.99), "ms");
  row("  the gateway's CPU for a statement", 1e6 * (gateway_.cpu_seconds() - cpu) / done, "us",
      "<= 24 (c=8)");
  row("  the gateway's memory in all", gateway_.kilobytes() / 1024, "MB");
  co_return Result<void>{};
}

Task<std::vector<double>> Load::probe(std::chrono::milliseconds span) {
  std::vector<double> latencies;
  const auto until = steady_clock::now() + span;
  Step step = [&](std::size_t i) { return query_until(*sessions_[i], until, latencies); };
  HOOP_CO_CHECK(co_await many(kProbes, kProbes, std::move(step)));
  co_return latencies;
}

Task<void> Load::stop_one_reader(std::chrono::seconds span) {
  LoadSession& stopped = *sessions_[kProbes];
  const std::chrono::milliseconds half(span / 2);
  // Alone before and after, so that what drifts on the machine meets both.
  HOOP_CO_TRY(std::vector<double> alone, co_await probe(half));
  HOOP_CO_CHECK(co_await stopped.send(kBulk));
  HOOP_CO_TRY(const std::vector<double> beside, co_await probe(span));
  HOOP_CO_TRY(const std::uint64_t bytes, co_await stopped.read_answer());
  HOOP_CO_TRY(const std::vector<double> after, co_await probe(half));
  alone.insert(alone.end(), after.begin(), after.end());
  const double without = percentile(alone, 0.99), with = percentile(beside, 0.99);
  row("p99 of a session alone", without, "ms");
  row(fmt::format("p99 beside one whose reader is stopped for {} s", span.count()), with, "ms");
  row("  ratio", with / without, "", "<= 1.1");
  row("  p50, ratio", percentile(beside, 0.5) / percentile(alone, 0.5), "");
  row("  what the stopped one then read", static_cast<double>(bytes) / 1e6, "MB");
  co_return Result<void>{};
}

Task<void> Load::end_all() {
  const auto begun = steady_clock::now();
  Step step = [this](std::size_t i) { return sessions_[i]->end(); };
  HOOP_CO_CHECK(co_await many(sessions_.size(), kAtOnce, std::move(step)));
  row("sessions ended, log and role", static_cast<double>(sessions_.size()) / seconds_since(begun),
      "/s");
  co_return Result<void>{};
}

Task<void> Load::work() {
  const std::size_t idle = setting("HOOPCTL_BENCH_IDLE", 2000);
  const std::size_t connected = setting("HOOPCTL_BENCH_CONNECTED", 400);
  const std::size_t active = setting("HOOPCTL_BENCH_ACTIVE", 200);
  const std::chrono::seconds span(setting("HOOPCTL_BENCH_SECONDS", 10));
  const std::chrono::seconds stopped(setting("HOOPCTL_BENCH_STOPPED", 10));
  row("the gateway's memory before", gateway_.kilobytes() / 1024, "MB", "<= 30");
  HOOP_CO_CHECK(co_await open_idle(idle));
  HOOP_CO_CHECK(co_await connect_some(connected));
  HOOP_CO_CHECK(co_await run_active(active, span));
  HOOP_CO_CHECK(co_await stop_one_reader(stopped));
  HOOP_CO_CHECK(co_await end_all());
  row("the gateway's memory after", gateway_.kilobytes() / 1024, "MB");
  co_return Result<void>{};
}

Result<LoadLogin> log_in(asio::io_context& context, const Clock& clock, std::string target) {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state == nullptr) return fail(ErrorCode::usage, "XDG_STATE_HOME is not set");
  HOOP_TRY(const auto store, identity::TokenStore::open(std::string(state) + "/hoopctl"));
  HOOP_TRY(const auto url, store.current_gateway());
  if (!url) return fail(ErrorCode::usage, "there is no login");
  HOOP_TRY(const auto record, store.load_gateway(*url));
  HOOP_TRY(auto tokens, store.load_tokens(*url));
  if (!tokens) return fail(ErrorCode::usage, "there is no login");
  net::Trust trust;
  trust.ca_pem = record.ca_pem;
  HOOP_TRY(auto client, http::Client::create(context.get_executor(), std::move(trust)));
  std::optional<crypto::P256Key> key;
  if (!tokens->key.empty()) {
    HOOP_TRY(crypto::P256Key read, crypto::P256Key::from_pem(tokens->key.reveal()));
    key = std::move(read);
  }
  return LoadLogin{std::move(client), *url, std::move(tokens->access), std::move(key),
                   std::move(target), clock};
}

Result<void> measure(const std::string& pid, std::string target) {
  const SystemClock clock;
  asio::io_context context(1);
  HOOP_TRY(auto login, log_in(context, clock, std::move(target)));
  Load load(context, login, Process(pid));
  return cmd::run(context, load.work());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_load GATEWAY_PID TARGET\n");
    return 64;
  }
  const auto measured = measure(argv[1], argv[2]);
  if (measured) return 0;
  std::fprintf(stderr, "bench_load: %s\n", measured.error().message.c_str());
  return 70;
}
