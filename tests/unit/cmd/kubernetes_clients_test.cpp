// SPDX-License-Identifier: Apache-2.0
#include "cmd/kubernetes_clients.h"

#include <unistd.h>

#include <fstream>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "tests/support/catch.h"
#include "tests/support/run_task.h"
#include "tests/support/temp_dir.h"

namespace hoop::cmd {
namespace {

namespace fs = std::filesystem;

Cluster a_cluster(const char* name, const char* server) {
  return {name, server, "PEM of " + std::string(name), SecretText("token-of-" + std::string(name))};
}

void keep_cached(const fs::path& file, std::chrono::minutes age) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << "{}";
  const auto then = fs::file_time_type::clock::now() - age;
  fs::last_write_time(file, then);
  fs::last_write_time(file.parent_path(), then);
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(folder))
    out.push_back(entry.path().filename().string());
  std::ranges::sort(out);
  return out;
}

/// A program's end of a connection to an endpoint, as far as TLS: what it makes of the server.
struct SecuredConnection {
  explicit SecuredConnection(std::string authority_pem) : authority(std::move(authority_pem)) {}
  std::string authority;

  Result<std::string> talk(KubernetesEntry& entry, const std::string& name) {
    asio::io_context context;
    return test::run(context, both(entry, name));
  }

 private:
  static asio::awaitable<void> serve(KubernetesEntry* entry, net::StreamPtr stream) {
    auto secured = co_await entry->secure(std::move(stream), test::in(std::chrono::seconds(5)));
    if (!secured) co_return;
    auto opening = co_await entry->door().open(**secured, test::in(std::chrono::seconds(5)));
    REQUIRE(opening);
    CHECK(kubernetes::is_token_of(*opening, entry->token().reveal()));
    CHECK_FALSE(kubernetes::is_token_of(*opening, "another"));
    const auto written = co_await (*secured)->write_all(as_bytes(std::string_view("hello")));
    CHECK(written);
    const auto ended = co_await (*secured)->shutdown_write();
    CHECK(ended);
  }
  asio::awaitable<Result<std::string>> both(KubernetesEntry& entry, std::string name) {
    auto [ours, theirs] = net::stream_pair(co_await asio::this_coro::executor);
    asio::co_spawn(co_await asio::this_coro::executor, serve(&entry, std::move(ours)),
                   [](std::exception_ptr error) {
                     if (error) std::rethrow_exception(error);
                   });
    net::Trust trust;
    trust.ca_pem = authority;
    const auto tls = net::TlsClient::create(std::move(trust));
    REQUIRE(tls);
    auto stream = co_await tls->handshake(std::move(theirs), std::move(name), "h2",
                                          test::in(std::chrono::seconds(5)));
    if (!stream) co_return std::unexpected(std::move(stream).error());
    CHECK((*stream)->application_protocol().empty());  // HTTP/1.1 it is
    std::string out;
    Bytes buffer(64);
    for (;;) {
      const auto count = co_await (*stream)->read_some(buffer);
      if (!count) co_return std::unexpected(count.error());
      if (*count == 0) co_return out;
      out += as_text(ByteSpan(buffer).first(*count));
    }
  }
};

process::RuntimeDir a_folder(const test::TempDir& dir, Random& random) {
  auto made = process::RuntimeDir::create({dir.path(), ""}, 16, random);
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace

TEST_CASE("a kubeconfig has each cluster as a context, the first one as the current one") {
  std::vector<Cluster> clusters;
  clusters.push_back(a_cluster("k8s-prod", "https://127.0.0.1:4100/base"));
  clusters.push_back(a_cluster("k8s-old", "https://127.0.0.1:4200"));
  CHECK(kubeconfig(clusters).reveal() == R"(apiVersion: v1
kind: Config
current-context: "k8s-prod"
clusters:
- name: "k8s-prod"
  cluster:
    server: "https://127.0.0.1:4100/base"
    certificate-authority-data: UEVNIG9mIGs4cy1wcm9k
- name: "k8s-old"
  cluster:
    server: "https://127.0.0.1:4200"
    certificate-authority-data: UEVNIG9mIGs4cy1vbGQ=
contexts:
- name: "k8s-prod"
  context:
    cluster: "k8s-prod"
    user: "k8s-prod"
- name: "k8s-old"
  context:
    cluster: "k8s-old"
    user: "k8s-old"
users:
- name: "k8s-prod"
  user:
    token: token-of-k8s-prod
- name: "k8s-old"
  user:
    token: token-of-k8s-old
)");
}

TEST_CASE("a session's token and its authority are its own, and go into no file by themselves") {
  test::TempDir dir;
  crypto::SystemRandom random;
  const auto folder = a_folder(dir, random);
  KubernetesEntry one(random), other(random);
  REQUIRE(one.prepare(folder, false));
  REQUIRE(other.prepare(folder, false));
  const auto token = from_base64url(one.token().reveal());
  REQUIRE(token);
  CHECK(token->size() == 32);
  CHECK(one.token().reveal() != other.token().reveal());
  CHECK(one.authority_pem() != other.authority_pem());
  CHECK(one.authority_pem().find("PRIVATE") == std::string::npos);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"lock"});
}

TEST_CASE("an endpoint of a cluster speaks TLS, by an authority of the session's") {
  test::TempDir dir;
  crypto::SystemRandom random;
  const auto folder = a_folder(dir, random);
  KubernetesEntry entry(random), other(random);
  REQUIRE(entry.prepare(folder, false));
  REQUIRE(other.prepare(folder, false));
  SecuredConnection ours(entry.authority_pem());
  for (const char* name : {"127.0.0.1", "localhost"}) {
    INFO(name);
    const auto heard = ours.talk(entry, name);
    CHECK((heard ? *heard : heard.error().message) == "hello");
  }
  CHECK_FALSE(ours.talk(entry, "k8s.example"));
  CHECK_FALSE(SecuredConnection(other.authority_pem()).talk(entry, "127.0.0.1"));
}

TEST_CASE("what kubectl knows of a cluster outlasts the session's port, for hours") {
  using std::chrono::minutes;
  test::TempDir dir;
  const fs::path cache = dir.path();
  keep_cached(cache / "discovery/127.0.0.1_4100/servergroups.json", minutes(60));
  keep_cached(cache / "discovery/127.0.0.1_4200/servergroups.json", minutes(5));
  keep_cached(cache / "discovery/127.0.0.1_4300/servergroups.json", minutes(500));
  keep_cached(cache / "http/old", minutes(500));
  keep_cached(cache / "http/new", minutes(5));
  adopt_kubectl_cache(cache, 4400);
  CHECK(names_in(cache / "discovery") ==
        std::vector<std::string>{"127.0.0.1_4100", "127.0.0.1_4400"});
  CHECK(fs::exists(cache / "discovery/127.0.0.1_4400/servergroups.json"));
  CHECK(names_in(cache / "http") == std::vector<std::string>{"new"});
  // The system has chosen a port once more.
  adopt_kubectl_cache(cache, 4400);
  CHECK(fs::exists(cache / "discovery/127.0.0.1_4400/servergroups.json"));
  adopt_kubectl_cache(cache / "nothing", 4400);
  CHECK_FALSE(fs::exists(cache / "nothing"));
}

TEST_CASE("nothing is removed where a cache folder leads elsewhere") {
  test::TempDir dir;
  const fs::path cache = dir / "cache", elsewhere = dir / "elsewhere";
  keep_cached(elsewhere / "precious", std::chrono::minutes(5000));
  fs::create_directories(cache);
  fs::create_directory_symlink(elsewhere, cache / "http");
  fs::create_directories(cache / "discovery");
  fs::create_directory_symlink(elsewhere, cache / "discovery/127.0.0.1_1");
  adopt_kubectl_cache(cache, 4400);
  CHECK(fs::exists(elsewhere / "precious"));
  CHECK_FALSE(fs::exists(cache / "discovery/127.0.0.1_4400"));
}

}  // namespace hoop::cmd
