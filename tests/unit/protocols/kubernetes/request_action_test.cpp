// SPDX-License-Identifier: Apache-2.0
// What rules make of requests to an API server.
#include "protocols/kubernetes/request_action.h"

#include <algorithm>

#include "core/access/policy.h"
#include "core/access/policy_parser.h"
#include "core/access/vocabulary.h"
#include "core/base/encoding.h"
#include "protocols/kubernetes/policy_verb.h"
#include "protocols/kubernetes/request_fields.h"
#include "tests/support/catch.h"

namespace hoop::kubernetes {
namespace {

struct Sent {
  std::string method = "GET";
  std::string target;
  http::Headers headers = {};
  std::string body = {};
};

access::Action action_for(const Sent& sent, std::vector<std::string> detectors = {}) {
  access::Mask mask;
  mask.name = "m";
  mask.detectors = std::move(detectors);
  auto masker = mask::Masker::create({mask}, SecretBytes(Bytes(32, 7)));
  REQUIRE(masker);
  const auto info = read_request_info(sent.method, sent.target);
  INFO(sent.target);
  REQUIRE(info);
  const http::Headers forwarded = forwarded_fields(sent.headers, *info);
  auto action = action_of(
      {*info, sent.headers, forwarded, as_bytes(sent.body), true, /*is_shown=*/true}, *masker);
  REQUIRE(action);
  return std::move(*action);
}

std::string names(const access::Action& action, std::string_view kind) {
  std::string out;
  for (const access::Resource& resource : action.resources) {
    if (resource.kind == kind) out += (out.empty() ? "" : " ") + resource.name;
  }
  return out;
}

std::string attribute(const access::Action& action, const std::string& name) {
  const auto found = action.attributes.find(name);
  return found == action.attributes.end() ? "none" : found->second;
}

/// The effect of rules, each like "allow { verb = \"get\" }".
std::string verdict(std::vector<std::string_view> rules, const access::Action& action,
                    access::IdentityKind client = access::IdentityKind::person) {
  std::string text = "[[role]]\nname = \"all\"\nmembers = [\"*\"]\ntargets = [\"*\"]\n";
  int number = 0;
  for (const std::string_view rule : rules) {
    const std::size_t blank = rule.find(' ');
    text += "[[rule]]\nname = \"r" + std::to_string(number++) +
            "\"\nwhen = " + std::string(rule.substr(blank + 1)) + "\neffect = \"" +
            std::string(rule.substr(0, blank)) + "\"\n";
    if (rule.starts_with("require_approval")) text += "approvers = [\"group:ops\"]\n";
  }
  auto document = access::parse_policy({{"policy.toml", text}});
  INFO((document ? std::string() : document.error().message) << "\n" << text);
  REQUIRE(document);
  const access::PolicyEngine policy(std::move(*document));
  access::Target target;
  target.name = "k8s";
  access::Identity identity;
  identity.kind = client;
  return std::string(to_string(policy.decide(identity, target, action, {}).effect));
}

std::string verdict(std::string_view rule, const Sent& sent) {
  return verdict(std::vector{rule}, action_for(sent));
}

const std::string kShop = "/api/v1/namespaces/shop/";

}  // namespace

TEST_CASE("kubernetes actions: what a request is about") {
  const auto list = action_for({"GET", kShop + "secrets?limit=500"});
  CHECK(list.protocol == "kubernetes");
  CHECK(list.verb == "list");
  CHECK(names(list, "resource") == "secrets");
  CHECK(names(list, "namespace") == "shop");
  CHECK(names(list, "name") == "*");
  CHECK(list.text == "list secrets in shop");
  CHECK(list.resources.front().access == access::Access::read);
  CHECK(attribute(list, "dry_run") == "none");
  CHECK(attribute(list, "all_namespaces") == "false");

  const auto get = action_for({"GET", "/apis/apps/v1/namespaces/shop/deployments/web/scale"});
  CHECK(names(get, "resource") == "deployments.apps/scale");
  CHECK(attribute(get, "subresource") == "scale");
  CHECK(names(get, "name") == "web");
  CHECK(get.text == "get deployments.apps/scale web in shop");

  const auto url = action_for({"GET", "/metrics"});
  CHECK(url.verb == "get");
  CHECK(names(url, "path") == "/metrics");
  CHECK(names(url, "resource").empty());
  CHECK(url.text == "get /metrics");
}

TEST_CASE("kubernetes actions: which namespaces a request is over") {
  const auto space = [](const char* method, const char* target) {
    return "<" + names(action_for({method, target}), "namespace") + ">";
  };
  CHECK(space("GET", "/api/v1/pods") == "<*>");
  CHECK(space("GET", "/api/v1/pods?watch=1") == "<*>");
  CHECK(space("GET", "/api/v1/watch/secrets") == "<*>");
  CHECK(space("GET", "/apis/example.com/v1/widgets") == "<*>");
  CHECK(space("DELETE", "/apis/example.com/v1/widgets") == "<*>");
  CHECK(space("GET", "/apis/example.com/v1/widgets/w1") == "<>");
  CHECK(space("POST", "/apis/example.com/v1/widgets") == "<>");
  CHECK(space("GET", "/api/v1/nodes") == "<>");
  CHECK(space("GET", "/api/v1/nodes/n1") == "<>");
  CHECK(space("GET", "/api/v1/namespaces") == "<>");
  CHECK(space("GET", "/api/v1/namespaces/shop") == "<shop>");
  CHECK(space("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles") == "<>");
  CHECK(attribute(action_for({"GET", "/api/v1/pods"}), "all_namespaces") == "true");
  CHECK(action_for({"GET", "/api/v1/pods"}).text == "list pods in all namespaces");
}

TEST_CASE(
    "kubernetes actions: an allow for one namespace is none for all, a deny of one meets all") {
  const Sent all{"GET", "/api/v1/secrets"};
  const Sent shop{"GET", kShop + "secrets"};
  const Sent nodes{"GET", "/api/v1/nodes"};
  for (const char* pattern : {"shop", "*-shop", "s*", "*o*", "*s*p*", "*-*", "**p"}) {
    const std::string rule = "allow { verb = \"*\", namespace = \"" + std::string(pattern) + "\" }";
    CHECK(verdict(rule, all) == "deny");
    CHECK(verdict(rule, nodes) == "deny");
  }
  CHECK(verdict("allow { verb = \"list\", namespace = \"shop\" }", shop) == "allow");
  CHECK(verdict("allow { verb = \"list\", namespace = \"*\" }", all) == "allow");
  CHECK(verdict("allow { verb = \"list\", namespace = \"*\" }", nodes) == "allow");
  const auto guarded = [](const char* deny, const Sent& sent) {
    return verdict({"allow { protocol = \"kubernetes\" }", deny}, action_for(sent));
  };
  CHECK(guarded("deny { namespace = \"kube-system\" }", all) == "deny");
  CHECK(guarded("deny { namespace = \"kube-system\" }", shop) == "allow");
  CHECK(guarded("deny { namespace = \"kube-system\" }", nodes) == "allow");
  CHECK(guarded("require_approval { namespace = \"prod-*\" }", all) == "require_approval");
}

TEST_CASE("kubernetes actions: names, of one object and of many") {
  const auto guarded = [](const char* deny, const Sent& sent) {
    return verdict({"allow { protocol = \"kubernetes\" }", deny}, action_for(sent));
  };
  const char* deny = "deny { resource = \"secrets\", name = \"db-cred\" }";
  CHECK(guarded(deny, {"GET", kShop + "secrets/db-cred"}) == "deny");
  CHECK(guarded(deny, {"GET", kShop + "secrets/other"}) == "allow");
  CHECK(guarded(deny, {"GET", kShop + "secrets"}) == "deny");
  CHECK(guarded(deny, {"GET", kShop + "secrets?fieldSelector=metadata.name%3Dother"}) == "allow");
  CHECK(guarded(deny, {"GET", kShop + "secrets?fieldSelector=metadata.name!=other"}) == "deny");
  const char* one = "allow { verb = \"*\", resource = \"configmaps\", name = \"app-*\" }";
  CHECK(verdict(one, {"GET", kShop + "configmaps/app-1"}) == "allow");
  CHECK(verdict(one, {"GET", kShop + "configmaps"}) == "deny");
  CHECK(verdict(one, {"GET", kShop + "configmaps?fieldSelector=metadata.name=app-1"}) == "allow");
  CHECK(verdict(one, {"DELETE", kShop + "configmaps?fieldSelector=metadata.name=app-1"}) == "deny");
  // Of what is created it stands in the body.
  const auto create = [&](const char* body) {
    return verdict(one, {"POST", kShop + "configmaps", {}, body});
  };
  CHECK(create(R"({"metadata":{"name":"app-1"}})") == "allow");
  CHECK(create(R"({"metadata":{"name":"other"}})") == "deny");
  CHECK(create(R"({"metadata":{"generateName":"app-"}})") == "deny");
  CHECK(create(R"({"metadata":{"name":"app-1"},"metadata":{"name":"other"}})") == "deny");
  CHECK(create(R"({"metadata":{"name":"app-1","name":"other"}})") == "deny");
  CHECK(create("k8s\0protobuf") == "deny");
  CHECK(create("metadata:\n  name: app-1\n") == "deny");
  // The name in the URL counts, whatever a body says.
  CHECK(
      names(action_for({"PUT", kShop + "configmaps/other", {}, R"({"metadata":{"name":"app-1"}})"}),
            "name") == "other");
}

TEST_CASE("kubernetes actions: what must be named is covered by no star") {
  const std::vector<Sent> dangerous = {
      {"POST", kShop + "pods/web-0/exec?command=id"},
      {"GET", kShop + "pods/web-0/exec?command=id"},
      {"GET", kShop + "pods/web-0/attach"},
      {"GET", kShop + "pods/web-0/portforward"},
      {"GET", kShop + "services/web/proxy/metrics"},
      {"GET", "/api/v1/nodes/n1/proxy/pods"},
      {"PATCH", kShop + "pods/web-0/ephemeralcontainers"},
      {"POST", kShop + "serviceaccounts/default/token"},
      {"POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests"},
      {"PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/me/approval"},
      {"POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"},
      {"PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterroles/admin"},
      {"GET", kShop + "pods", {{"Impersonate-User", "root"}}},
      {"GET", kShop + "pods/web-0/whatever"},
  };
  for (const Sent& sent : dangerous) {
    const access::Action action = action_for(sent);
    INFO(sent.target << ": " << action.verb);
    for (const char* rule :
         {"allow { protocol = \"kubernetes\" }", "allow { protocol = \"*\", verb = \"*\" }",
          "allow { verb = [\"*e*\", \"*o*\", \"p*\", \"*i*\", \"*c*\"] }",
          "allow { verb = [\"read\", \"write\"] }",
          "allow { namespace = \"*\", resource = \"*\" }"})
      CHECK(verdict({rule}, action) == "deny");
    const std::string named = "allow { verb = \"" + action.verb + "\" }";
    CHECK(verdict({named}, action) == "allow");
    CHECK(verdict({named, "deny { verb = \"*\" }"}, action) == "deny");
  }
  // An approval that is wanted for everything is wanted for them too.
  const access::Action exec = action_for(dangerous.front());
  CHECK(verdict({"allow { verb = \"exec\" }", "require_approval { verb = \"*\" }"}, exec) ==
        "require_approval");
  CHECK(verdict({"require_approval { protocol = \"kubernetes\" }"}, exec) == "require_approval");
  for (const Sent& plain : {Sent{"GET", kShop + "pods"}, Sent{"POST", kShop + "pods"},
                            Sent{"GET", kShop + "pods/web-0/log"}})
    CHECK(verdict("allow { protocol = \"kubernetes\" }", plain) == "allow");
}

TEST_CASE("kubernetes actions: URLs that are no resources") {
  CHECK(verdict("allow { verb = \"get\" }", {"GET", "/api/v1"}) == "allow");
  CHECK(verdict("allow { verb = \"get\" }", {"GET", "/logs/kube-apiserver.log"}) == "deny");
  CHECK(verdict("allow { protocol = \"kubernetes\" }", {"GET", "/debug/pprof/heap"}) == "deny");
  CHECK(verdict("allow { path = \"/metrics\" }", {"GET", "/metrics"}) == "allow");
  CHECK(verdict("allow { path = \"/logs/**\" }", {"GET", "/logs/x"}) == "allow");
  // A path opens no resource.
  CHECK(verdict("allow { path = [\"/api/**\", \"/apis/**\"] }", {"GET", kShop + "secrets"}) ==
        "deny");
  CHECK(verdict("allow { path = [\"/api/**\", \"/apis/**\"] }", {"GET", "/api/v1"}) == "allow");
  CHECK(verdict("allow { resource = \"*\" }", {"GET", "/api/v1"}) == "deny");
}

TEST_CASE("kubernetes actions: a part of an object is none of it to an allow, and one to a deny") {
  CHECK(verdict("allow { verb = \"*\", resource = \"pods\" }", {"GET", kShop + "pods/web-0/log"}) ==
        "deny");
  CHECK(verdict("allow { verb = \"*\", resource = [\"pods\", \"pods/log\"] }",
                {"GET", kShop + "pods/web-0/log"}) == "allow");
  const auto scale = action_for({"PATCH", "/apis/apps/v1/namespaces/shop/deployments/web/scale"});
  CHECK(verdict({"allow { verb = \"write\" }", "deny { resource = \"deployments.apps\" }"},
                scale) == "deny");
  CHECK(verdict({"allow { verb = \"write\" }", "deny { resource = \"deployments\" }"}, scale) ==
        "allow");
}

TEST_CASE("kubernetes actions: programs in containers") {
  const auto exec = action_for(
      {"POST",
       kShop + "pods/web-0/exec?container=web&command=ls&command=-l&command=/tmp/a+b&stdout=1"});
  CHECK(exec.verb == "exec");
  CHECK(names(exec, "command") == "ls -l '/tmp/a b'");
  CHECK(names(exec, "container") == "web");
  CHECK(attribute(exec, "form") == "plain");
  CHECK(attribute(exec, "stdin") == "false");
  CHECK(exec.text == "exec pods/exec web-0 in shop: ls -l '/tmp/a b'");
  CHECK_FALSE(exec.unjudged);
  const char* only_ls = "allow { verb = \"exec\", command = \"ls **\" }";
  CHECK(verdict({only_ls}, exec) == "allow");
  const auto with = [](const std::string& query) {
    return action_for({"GET", kShop + "pods/web-0/exec?" + query});
  };
  CHECK(verdict({only_ls}, with("command=sh&command=-c&command=ls")) == "deny");
  CHECK(verdict({only_ls}, with("command=cat")) == "deny");
  CHECK(verdict({only_ls}, with("command=ls+-l%3Brm")) == "deny");
  CHECK(verdict({only_ls}, with("")) == "deny");
  CHECK(verdict({"allow { verb = \"exec\" }"}, with("command=sh"), access::IdentityKind::agent) ==
        "deny");
  CHECK(verdict({"allow { verb = \"exec\", client = \"agent\" }"}, with("command=sh"),
                access::IdentityKind::agent) == "allow");
  CHECK(attribute(with("command=tar&command=cf&command=-&command=/etc"), "transfer") == "download");
  // The server chooses the container where none is said.
  const char* web = "allow { verb = \"exec\", container = \"web\" }";
  CHECK(verdict({web}, exec) == "allow");
  CHECK(verdict({web}, with("command=ls")) == "deny");
  CHECK(verdict({web}, with("command=ls&container=web&container=vault")) == "allow");
  CHECK(verdict({"allow { verb = \"exec\" }", "deny { container = \"vault\" }"},
                with("command=ls")) == "deny");
  const auto attach = action_for({"POST", kShop + "pods/web-0/attach?stdin=true&tty=true"});
  CHECK(attach.unjudged);
  CHECK(attribute(attach, "tty") == "true");
  CHECK_FALSE(action_for({"POST", kShop + "pods/web-0/attach?stdout=true"}).unjudged);
}

TEST_CASE("kubernetes actions: ports") {
  const char* postgres = "allow { verb = \"portforward\", name = \"db-0\", port = \"5432\" }";
  const auto forward = action_for({"GET", kShop + "pods/db-0/portforward"});
  CHECK(names(forward, "port") == "*");
  CHECK(verdict({postgres}, forward) == "deny");
  CHECK(verdict({postgres}, with_port(forward, 5432)) == "allow");
  CHECK(verdict({postgres}, with_port(forward, 22)) == "deny");
  CHECK(with_port(forward, 22).digest != with_port(forward, 5432).digest);
  const auto two = action_for({"GET", kShop + "pods/db-0/portforward?ports=5432&ports=22"});
  CHECK(verdict({postgres}, two) == "deny");
  CHECK(verdict({"allow { verb = \"portforward\" }", "deny { port = \"22\" }"}, two) == "deny");
  CHECK(verdict({"allow { verb = \"portforward\" }", "deny { port = \"22\" }"}, forward) == "deny");

  const auto proxy = action_for({"GET", kShop + "services/https:web:8443/proxy/metrics"});
  CHECK(names(proxy, "name") == "web");
  CHECK(names(proxy, "port") == "8443");
  CHECK(attribute(proxy, "scheme") == "https");
  CHECK(names(proxy, "path") == "/metrics");
  CHECK(proxy.text == "proxy services/proxy https:web:8443 in shop: GET /metrics");
  CHECK(verdict({"allow { verb = \"proxy\", name = \"web\", path = \"/metrics\" }"}, proxy) ==
        "allow");
  CHECK(verdict({"allow { verb = \"proxy\" }", "deny { name = \"web\" }"}, proxy) == "deny");
}

TEST_CASE("kubernetes actions: dry runs, where they are some") {
  const auto dry = [](const char* method, const std::string& target, std::string body = {}) {
    return attribute(action_for({method, target, {}, std::move(body)}), "dry_run");
  };
  const std::string one = kShop + "configmaps/a?dryRun=All";
  CHECK(dry("PATCH", one) == "all");
  CHECK(dry("PUT", one) == "all");
  CHECK(dry("PATCH", kShop + "configmaps/a") == "absent");
  CHECK(dry("PATCH", kShop + "configmaps/a?dryRun=all") == "absent");
  CHECK(dry("PATCH", kShop + "configmaps/a?dryRun=All&dryRun=None") == "absent");
  CHECK(dry("DELETE", one) == "all");
  // The server takes the options from the body then.
  CHECK(dry("DELETE", one, R"({"kind":"DeleteOptions","apiVersion":"v1"})") == "absent");
  CHECK(dry("POST", kShop + "pods/web-0/eviction?dryRun=All") == "all");
  CHECK(dry("POST", kShop + "pods/web-0/exec?dryRun=All&command=id") == "absent");
  CHECK(dry("POST", kShop + "serviceaccounts/default/token?dryRun=All") == "absent");
  CHECK(dry("GET", one) == "none");
}

TEST_CASE("kubernetes actions: what makes pods") {
  const auto makes = [](const char* method, const std::string& target) {
    return attribute(action_for({method, target}), "makes_pods");
  };
  const std::string apps = "/apis/apps/v1/namespaces/shop/";
  CHECK(makes("POST", kShop + "pods") == "true");
  CHECK(makes("POST", apps + "deployments") == "true");
  CHECK(makes("PATCH", apps + "daemonsets/d") == "true");
  CHECK(makes("POST", "/apis/batch/v1/namespaces/shop/cronjobs") == "true");
  CHECK(makes("DELETE", apps + "deployments/web") == "false");
  CHECK(makes("PATCH", apps + "deployments/web/scale") == "false");
  CHECK(makes("POST", kShop + "configmaps") == "false");
  CHECK(makes("GET", kShop + "pods") == "none");
}

TEST_CASE("kubernetes actions: a server-side apply may create what is not there") {
  const auto apply = [](const std::string& target, const char* type) {
    return action_for({"PATCH", target, {{"Content-Type", type}}, "{}"});
  };
  const auto pod = apply(kShop + "pods/web-0", "application/apply-patch+yaml");
  CHECK(pod.verb == "patch");
  CHECK(verdict({"allow { verb = \"patch\" }"}, pod) == "deny");
  CHECK(verdict({"allow { verb = [\"patch\", \"create_pod\"] }"}, pod) == "allow");
  CHECK(verdict({"allow { verb = \"write\" }", "deny { verb = \"create_pod\" }"}, pod) == "deny");
  const auto map = apply(kShop + "configmaps/a", "Application/Apply-Patch+YAML; charset=utf-8");
  CHECK(verdict({"allow { verb = \"patch\" }"}, map) == "deny");
  CHECK(verdict({"allow { verb = \"write\" }"}, map) == "allow");
  const auto merge = apply(kShop + "pods/web-0", "application/strategic-merge-patch+json");
  CHECK(verdict({"allow { verb = \"patch\" }"}, merge) == "allow");
}

TEST_CASE("kubernetes actions: what the log and an approver are shown") {
  const Sent sent{"POST",
                  kShop + "configmaps",
                  {{"Content-Type", "application/json"}},
                  R"({"metadata":{"name":"a"},"data":{"owner":"alice@example.com"}})"};
  const auto action = action_for(sent, {"email"});
  CHECK(action.shown.find("alice@") == std::string::npos);
  CHECK(action.shown.starts_with("POST /api/v1/namespaces/shop/configmaps\n"));
  CHECK(action.shown.find("[redacted]") != std::string::npos);
  CHECK_FALSE(action.is_cut);
  const auto other =
      action_for({sent.method, sent.target, sent.headers, sent.body + " "}, {"email"});
  CHECK(other.digest != action.digest);
  const auto exec = action_for(
      {"GET", kShop + "pods/web-0/exec?command=mail&command=alice%40example.com"}, {"email"});
  CHECK(exec.text.find("alice") == std::string::npos);
  CHECK(exec.recorded.find("alice") == std::string::npos);
  CHECK(exec.recorded.find("\"kind\":\"command\"") != std::string::npos);
  const auto binary = action_for({"POST", kShop + "configmaps", {}, std::string("k8s\0\x0a", 5)});
  CHECK(binary.is_cut);
}

TEST_CASE("kubernetes actions: every verb is one that a policy may name") {
  const auto& words = access::verbs_of("kubernetes");
  const auto known = [&](std::string_view verb) {
    return std::ranges::find(words, verb) != words.end();
  };
  for (const char* verb : {"get", "list", "watch", "create", "update", "patch", "delete",
                           "deletecollection", "exec", "impersonate", "unknown"})
    CHECK(known(verb));
  for (const std::string& group : access::verb_groups("kubernetes")) {
    for (const std::string& verb : access::verb_group("kubernetes", group)) {
      INFO(verb);
      CHECK(known(verb));
      CHECK_FALSE(must_be_named(verb));
    }
  }
}

}  // namespace hoop::kubernetes
