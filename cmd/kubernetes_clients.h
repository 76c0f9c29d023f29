// SPDX-License-Identifier: Apache-2.0
// How kubectl and its kin find endpoints: by a kubeconfig.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cmd/environment.h"
#include "cmd/postgres_clients.h"

namespace hoop::cmd {

/// A cluster as a program is told of it.
struct Cluster {
  std::string target;
  std::string server;         // "https://127.0.0.1:PORT" and the target's base path
  std::string authority_pem;  // of the endpoint's certificate
  SecretText token;
};
/// That of an endpoint on 127.0.0.1.
Cluster cluster_of(const TargetEndpoint& endpoint);

/// A kubeconfig that has each cluster, by the target's name, as a context; the first one is the
/// current one.
SecretText kubeconfig(const std::vector<Cluster>& clusters);

/// Writes it into the first one's folder; answers its path. Once. Fails with io.
Result<std::string> keep_kubeconfig(const Endpoints& endpoints);

/// What a program is told of clusters: KUBECONFIG and KUBECACHEDIR. endpoints: of clusters, in
/// their order. Fails as keep_kubeconfig(), and with storage, config (the state folder).
Result<Variables> kubernetes_variables(const Environment& environment, const Endpoints& endpoints);

/// What kubectl has kept of earlier sessions in this cache folder is taken over by the session
/// whose endpoint is at this port: it keeps what a cluster has by host and port, and ours change.
/// Removes what is too old to be used. Failures are no matter: it asks again.
void adopt_kubectl_cache(const std::filesystem::path& folder, std::uint16_t port);
/// Removes what is too old, and no more.
void prune_kubectl_cache(const std::filesystem::path& folder);

}  // namespace hoop::cmd
