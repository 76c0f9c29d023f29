// SPDX-License-Identifier: Apache-2.0
#include "cmd/kubernetes_clients.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "cmd/gateway_client.h"
#include "core/base/encoding.h"
#include "core/identity/private_file.h"

namespace hoop::cmd {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKubeconfigFile = "kubeconfig";
constexpr const char* kCacheFolder = "kube-cache";
// kubectl's own idea of how long what a cluster has stays true.
constexpr std::chrono::hours kCacheLife{6};
constexpr std::size_t kMostKubeconfigEntry = 4096;  // two certificates in base64, and the token

/// A JSON string is one of YAML.
std::string yaml_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

/// Its name has a port, and is no name of a file elsewhere.
std::string cache_of_port(std::uint16_t port) { return fmt::format("127.0.0.1_{}", port); }

/// Nobody is to lead us to a folder of something else.
bool is_own_folder(const fs::path& path) {
  std::error_code failure;
  return fs::is_directory(fs::symlink_status(path, failure));
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code failure;
  if (!is_own_folder(folder)) return out;
  for (auto entry = fs::directory_iterator(folder, failure);
       !failure && entry != fs::directory_iterator(); entry.increment(failure))
    out.push_back(entry->path());
  return out;
}

std::optional<fs::file_time_type> time_of(const fs::path& entry) {
  std::error_code failure;
  const auto time = fs::last_write_time(entry, failure);
  return failure ? std::nullopt : std::optional(time);
}

void remove_old(const fs::path& folder) {
  std::error_code ignored;
  for (const fs::path& entry : entries_of(folder)) {
    const auto time = time_of(entry);
    if (time && *time + kCacheLife < fs::file_time_type::clock::now())
      fs::remove_all(entry, ignored);
  }
}

Result<std::string> make_cache_folder(const Environment& environment, const Endpoints& endpoints) {
  HOOP_TRY(const std::string state, environment.state_folder());
  HOOP_TRY(const std::string gateway, chosen_gateway(environment));
  const std::size_t scheme = gateway.find("://");
  std::string host = scheme == std::string::npos ? gateway : gateway.substr(scheme + 3);
  std::ranges::replace_if(
      host, [](char c) { return c == ':' || c == '/' || c == '[' || c == ']'; }, '_');
  std::string targets;
  // '+' is in no target's name.
  for (const TargetEndpoint* one : endpoints)
    targets += (targets.empty() ? "" : "+") + one->target().name;
  const fs::path folder = fs::path(state) / kCacheFolder / host / targets;
  HOOP_CHECK(identity::make_private_directory(folder));
  if (endpoints.size() == 1)
    adopt_kubectl_cache(folder, endpoints.front()->port());
  else
    prune_kubectl_cache(folder);
  return folder.string();
}

}  // namespace

Cluster cluster_of(const TargetEndpoint& endpoint) {
  const auto& entry = endpoint.entry_as<KubernetesEntry>();
  return {
      endpoint.target().name,
      fmt::format("https://{}:{}{}", endpoint.host(), endpoint.port(), endpoint.target().base_path),
      entry.authority_pem(), entry.token().clone()};
}

SecretText kubeconfig(const std::vector<Cluster>& clusters) {
  std::string out;
  out.reserve(clusters.size() * kMostKubeconfigEntry);  // growing would leave copies behind
  out += "apiVersion: v1\nkind: Config\n";
  out += "current-context: " + yaml_text(clusters.front().target) + "\nclusters:\n";
  for (const Cluster& one : clusters) {
    out += "- name: " + yaml_text(one.target) +
           "\n  cluster:\n    server: " + yaml_text(one.server) +
           "\n    certificate-authority-data: " + to_base64(as_bytes(one.authority_pem)) + "\n";
  }
  out += "contexts:\n";
  for (const Cluster& one : clusters) {
    const std::string name = yaml_text(one.target);
    out += fmt::format("- name: {0}\n  context:\n    cluster: {0}\n    user: {0}\n", name);
  }
  out += "users:\n";
  for (const Cluster& one : clusters) {
    out += "- name: " + yaml_text(one.target) + "\n  user:\n    token: ";
    out += one.token.reveal();
    out += '\n';
  }
  return SecretText(std::move(out));
}

Result<std::string> keep_kubeconfig(const Endpoints& endpoints) {
  std::vector<Cluster> clusters;
  for (const TargetEndpoint* one : endpoints) clusters.push_back(cluster_of(*one));
  return endpoints.front()->keep(kKubeconfigFile, kubeconfig(clusters));
}

Result<Variables> kubernetes_variables(const Environment& environment, const Endpoints& endpoints) {
  HOOP_TRY(std::string file, keep_kubeconfig(endpoints));
  HOOP_TRY(std::string cache, make_cache_folder(environment, endpoints));
  return Variables{{"KUBECONFIG", std::move(file)}, {"KUBECACHEDIR", std::move(cache)}};
}

void prune_kubectl_cache(const fs::path& folder) {
  remove_old(folder / "discovery");
  remove_old(folder / "http");
}

void adopt_kubectl_cache(const fs::path& folder, std::uint16_t port) {
  prune_kubectl_cache(folder);
  const fs::path ours = folder / "discovery" / cache_of_port(port);
  std::vector<fs::path> all = entries_of(folder / "discovery");
  std::erase_if(all, [](const fs::path& one) {
    return !one.filename().string().starts_with("127.0.0.1_") || !is_own_folder(one);
  });
  const auto newest =
      std::ranges::max_element(all, {}, [](const fs::path& one) { return time_of(one); });
  std::error_code ignored;
  if (newest != all.end() && *newest != ours) {
    fs::remove_all(ours, ignored);
    fs::rename(*newest, ours, ignored);
  }
}

}  // namespace hoop::cmd
