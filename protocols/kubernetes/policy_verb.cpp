// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/policy_verb.h"

#include <algorithm>
#include <array>

namespace hoop::kubernetes {
namespace {

constexpr std::string_view kUnknown = "unknown";

struct Word {
  std::string_view name, verb;
};
// Whatever the method: the API server's own verb for a GET of "exec" is "get".
constexpr std::array kSubresources{
    Word{"exec", "exec"},
    Word{"attach", "attach"},
    Word{"portforward", "portforward"},
    Word{"proxy", "proxy"},
    Word{"log", "logs"},
    Word{"ephemeralcontainers", "ephemeralcontainers"},
    Word{"token", "token"},
    Word{"eviction", "evict"},
    Word{"approval", "approve_csr"},
};
// Parts of an object: what is done to one of them is done to it.
constexpr std::array<std::string_view, 5> kParts{"status", "scale", "resize", "binding",
                                                 "finalize"};

// What a role or a binding says is a right that somebody has from then on.
constexpr std::array kGrants{
    Word{"rolebindings", "bind"},
    Word{"clusterrolebindings", "bind"},
    Word{"roles", "escalate"},
    Word{"clusterroles", "escalate"},
};

constexpr std::array<std::string_view, 11> kNamed{
    "exec", "attach",   "portforward", "proxy", "ephemeralcontainers", "token",
    "bind", "escalate", "impersonate", "csr",   "approve_csr"};

struct Kind {
  std::string_view group, resource;
};
constexpr std::array kWorkloads{
    Kind{"", "pods"},
    Kind{"", "replicationcontrollers"},
    Kind{"apps", "deployments"},
    Kind{"apps", "statefulsets"},
    Kind{"apps", "daemonsets"},
    Kind{"apps", "replicasets"},
    Kind{"apps", "controllerrevisions"},
    Kind{"batch", "jobs"},
    Kind{"batch", "cronjobs"},
    Kind{"extensions", "deployments"},
    Kind{"extensions", "daemonsets"},
    Kind{"extensions", "replicasets"},
};

// kubectl api-resources --namespaced=false, of 1.20 to 1.36. What is missing here counts as being
// in all namespaces where it is listed: that is the stricter reading.
constexpr std::array kClusterScoped{
    Kind{"", "componentstatuses"},
    Kind{"", "namespaces"},
    Kind{"", "nodes"},
    Kind{"", "persistentvolumes"},
    Kind{"admissionregistration.k8s.io", "mutatingadmissionpolicies"},
    Kind{"admissionregistration.k8s.io", "mutatingadmissionpolicybindings"},
    Kind{"admissionregistration.k8s.io", "mutatingwebhookconfigurations"},
    Kind{"admissionregistration.k8s.io", "validatingadmissionpolicies"},
    Kind{"admissionregistration.k8s.io", "validatingadmissionpolicybindings"},
    Kind{"admissionregistration.k8s.io", "validatingwebhookconfigurations"},
    Kind{"apiextensions.k8s.io", "customresourcedefinitions"},
    Kind{"apiregistration.k8s.io", "apiservices"},
    Kind{"authentication.k8s.io", "selfsubjectreviews"},
    Kind{"authentication.k8s.io", "tokenreviews"},
    Kind{"authorization.k8s.io", "selfsubjectaccessreviews"},
    Kind{"authorization.k8s.io", "selfsubjectrulesreviews"},
    Kind{"authorization.k8s.io", "subjectaccessreviews"},
    Kind{"certificates.k8s.io", "certificatesigningrequests"},
    Kind{"certificates.k8s.io", "clustertrustbundles"},
    Kind{"flowcontrol.apiserver.k8s.io", "flowschemas"},
    Kind{"flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"},
    Kind{"internal.apiserver.k8s.io", "storageversions"},
    Kind{"metrics.k8s.io", "nodes"},
    Kind{"networking.k8s.io", "ingressclasses"},
    Kind{"networking.k8s.io", "ipaddresses"},
    Kind{"networking.k8s.io", "servicecidrs"},
    Kind{"node.k8s.io", "runtimeclasses"},
    Kind{"policy", "podsecuritypolicies"},
    Kind{"rbac.authorization.k8s.io", "clusterrolebindings"},
    Kind{"rbac.authorization.k8s.io", "clusterroles"},
    Kind{"resource.k8s.io", "deviceclasses"},
    Kind{"resource.k8s.io", "devicetaintrules"},
    Kind{"resource.k8s.io", "resourceslices"},
    Kind{"scheduling.k8s.io", "priorityclasses"},
    Kind{"storage.k8s.io", "csidrivers"},
    Kind{"storage.k8s.io", "csinodes"},
    Kind{"storage.k8s.io", "storageclasses"},
    Kind{"storage.k8s.io", "volumeattachments"},
    Kind{"storage.k8s.io", "volumeattributesclasses"},
    Kind{"storagemigration.k8s.io", "storageversionmigrations"},
};

template <std::size_t N>
bool holds(const std::array<Kind, N>& all, std::string_view group, std::string_view resource) {
  return std::ranges::any_of(
      all, [&](const Kind& one) { return one.resource == resource && one.group == group; });
}

template <std::size_t N>
std::string_view verb_of_word(const std::array<Word, N>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &Word::name);
  return found == all.end() ? std::string_view() : found->verb;
}

bool gives(std::string_view verb) {
  return verb == "create" || verb == "update" || verb == "patch";
}

bool is_core(const RequestInfo& info, std::string_view resource) {
  return info.group.empty() && info.resource == resource;
}

std::string_view subresource_verb(const RequestInfo& info) {
  const std::string_view own = verb_of_word(kSubresources, info.subresource);
  if (own == "proxy") return own;
  // Nothing of Kubernetes' own is further down.
  if (!info.rest.empty()) return kUnknown;
  if (!own.empty()) return own;
  if (std::ranges::find(kParts, info.subresource) == kParts.end()) return kUnknown;
  // By its status a request for a certificate is given one.
  if (info.resource == "certificatesigningrequests" && gives(info.verb)) return "approve_csr";
  return info.verb;
}

}  // namespace

std::string_view policy_verb(const RequestInfo& info) {
  if (!info.is_resource || info.verb == "proxy") return info.verb;
  const std::string_view of_part =
      info.subresource.empty() ? std::string_view(info.verb) : subresource_verb(info);
  if (of_part.empty()) return kUnknown;
  if (!info.subresource.empty()) return of_part;
  if (info.verb == "create" && is_core(info, "pods")) return "create_pod";
  if (info.verb == "create" && info.resource == "certificatesigningrequests") return "csr";
  const std::string_view grant = verb_of_word(kGrants, info.resource);
  return gives(info.verb) && !grant.empty() ? grant : of_part;
}

std::string_view apply_verb(const RequestInfo& info, std::string_view content_type) {
  if (info.verb != "patch" || !info.subresource.empty() ||
      !content_type.starts_with("application/apply-patch"))
    return {};
  return is_core(info, "pods") ? "create_pod" : "create";
}

bool must_be_named(std::string_view verb) {
  return std::ranges::find(kNamed, verb) != kNamed.end();
}

bool is_workload(const RequestInfo& info) { return holds(kWorkloads, info.group, info.resource); }

bool is_cluster_scoped(std::string_view group, std::string_view resource) {
  return holds(kClusterScoped, group, resource);
}

}  // namespace hoop::kubernetes
