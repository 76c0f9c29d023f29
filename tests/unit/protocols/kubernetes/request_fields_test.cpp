// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/request_fields.h"

#include "protocols/kubernetes/accepted_types.h"
#include "tests/support/catch.h"

namespace hoop::kubernetes {
namespace {

RequestInfo read_info(const char* target) {
  auto out = read_request_info("GET", target);
  REQUIRE(out);
  return std::move(*out);
}

std::string accepted(std::string value) { return accepted_types({{"Accept", std::move(value)}}); }

}  // namespace

TEST_CASE("kubernetes fields: what says who asks does not go on") {
  const RequestInfo info = read_info("/api/v1/pods");
  const http::Headers sent = {{"Host", "127.0.0.1:1"},
                              {"Authorization", "Bearer session"},
                              {"Impersonate-User", "root"},
                              {"impersonate-group", "system:masters"},
                              {"Impersonate-Extra-scopes", "x"},
                              {"X-Remote-User", "root"},
                              {"x-remote-group", "system:masters"},
                              {"X-Forwarded-For", "10.0.0.1"},
                              {"X-Remote_User", "root"},
                              {"Cookie", "a=b"},
                              {"Proxy-Authorization", "Basic x"},
                              {"Connection", "keep-alive, X-Hop"},
                              {"X-Hop", "1"},
                              {"Upgrade", "websocket"},
                              {"Sec-WebSocket-Protocol", "v5.channel.k8s.io"},
                              {"Origin", "https://example.com"},
                              {"Range", "bytes=0-1"},
                              {"Accept-Encoding", "gzip"},
                              {"Audit-ID", "mine"},
                              {"X-HTTP-Method-Override", "DELETE"},
                              {"User-Agent", "kubectl/v1.32.4"},
                              {"Kubectl-Command", "kubectl get"},
                              {"Content-Type", "application/json"},
                              {"X-Stream-Protocol-Version", "v4.channel.k8s.io"}};
  CHECK(forwarded_fields(sent, info) ==
        http::Headers{{"User-Agent", "kubectl/v1.32.4"},
                      {"Kubectl-Command", "kubectl get"},
                      {"Content-Type", "application/json"},
                      {"X-Stream-Protocol-Version", "v4.channel.k8s.io"},
                      {"Accept", "application/json"},
                      {"Accept-Encoding", "identity"}});
  CHECK(asks_impersonation(sent));
  CHECK(asks_impersonation({{"IMPERSONATE-UID", "1"}}));
  CHECK(asks_impersonation({{"Impersonate_User", "root"}}));
  CHECK_FALSE(asks_impersonation({{"Impersonator", "x"}, {"X-Impersonate-User", "x"}}));
}

TEST_CASE("kubernetes fields: a workload behind a proxy is asked for what the program wants") {
  const http::Headers sent = {{"Accept", "text/html"}, {"Authorization", "Bearer session"}};
  CHECK(forwarded_fields(sent, read_info("/api/v1/namespaces/shop/services/web/proxy/")) ==
        http::Headers{{"Accept", "text/html"}, {"Accept-Encoding", "identity"}});
}

TEST_CASE("kubernetes fields: only JSON is asked for, in the shape that was") {
  CHECK(accepted("application/json") == "application/json");
  CHECK(accepted("*/*") == "application/json");
  CHECK(accepted("") == "application/json");
  CHECK(accepted_types({}) == "application/json");
  CHECK(accepted("application/vnd.kubernetes.protobuf,application/json") == "application/json");
  CHECK(accepted("application/yaml") == "application/json");
  CHECK(accepted("application/cbor, application/vnd.kubernetes.protobuf;stream=watch") ==
        "application/json");
  CHECK(accepted("application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;"
                 "g=meta.k8s.io,application/json") ==
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta."
        "k8s.io,application/json");
  CHECK(accepted("application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;"
                 "v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1") ==
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
  CHECK(accepted("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList") ==
        "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io");
  CHECK(accepted("application/json; as=Table ;q=0.5 , application/yaml;q=1.000") ==
        "application/json;as=Table;q=0.5,application/json;q=1.000");
  CHECK(accepted("application/json;as=Secrets;v=v1;g=x") == "application/json");
  CHECK(accepted("application/json;as=Table;v=\"v1\"") == "application/json;as=Table");
  CHECK(accepted("application/json;q=2;export=1;pretty=1;q=0.1234") == "application/json");
  CHECK(accepted_types({{"Accept", "text/plain;q=0.1"}, {"accept", "application/json;as=Table"}}) ==
        "application/json;q=0.1,application/json;as=Table");
}

TEST_CASE("kubernetes fields: subprotocols, of which none holds a token") {
  CHECK(stream_protocols(
            {{"Sec-WebSocket-Protocol",
              "v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.c2VjcmV0,"
              "v4.base64.channel.k8s.io,\tv4.channel.k8s.io"},
             {"sec-websocket-protocol", "SPDY/3.1+portforward.k8s.io,v5.channel.k8s.io"}}) ==
        std::vector<std::string>{"v5.channel.k8s.io", "v4.channel.k8s.io",
                                 "SPDY/3.1+portforward.k8s.io"});
  CHECK(stream_protocols({}).empty());
}

}  // namespace hoop::kubernetes
