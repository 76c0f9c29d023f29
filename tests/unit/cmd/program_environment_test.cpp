// SPDX-License-Identifier: Apache-2.0
#include "cmd/program_environment.h"

#include <algorithm>

#include "tests/support/catch.h"

using namespace hoop::cmd;

TEST_CASE("the program's environment leads to the endpoint and nowhere else") {
  const std::map<std::string, std::string> user{{"PATH", "/bin"},
                                                {"HOME", "/home/me"},
                                                {"PGHOST", "elsewhere"},
                                                {"PGHOSTADDR", "10.0.0.1"},
                                                {"PGSERVICE", "prod"},
                                                {"PGSERVICEFILE", "/x"},
                                                {"PGSYSCONFDIR", "/x"},
                                                {"PGPASSWORD", "secret"},
                                                {"PGOPTIONS", "-c role=x"},
                                                {"PGSSLROOTCERT", "/x"},
                                                {"PGREQUIREPEER", "root"},
                                                {"PGTARGETSESSIONATTRS", "any"},
                                                {"PGAPPNAME", "mine"},
                                                {"PGTZ", "UTC"},
                                                {"PGDATESTYLE", "ISO"},
                                                {"HOOPCTL_TOKEN", "eyJ"},
                                                {"HOOPCTL_TOKEN_FILE", "/x"},
                                                {"HOOPCTL_CLIENT_SECRET", "s"},
                                                {"HOOPCTL_GATEWAY", "https://gw"},
                                                {"HOOPCTL_SESSION", "old"}};
  auto out = program_environment(user, {{"PGHOST", "/run/x"}, {"HOOPCTL_SESSION", "s_1"}});
  std::ranges::sort(out);
  CHECK(out == std::vector<std::string>{"HOME=/home/me", "HOOPCTL_GATEWAY=https://gw",
                                        "HOOPCTL_SESSION=s_1", "PATH=/bin", "PGAPPNAME=mine",
                                        "PGDATESTYLE=ISO", "PGHOST=/run/x", "PGTZ=UTC"});
}

TEST_CASE("the variable of a target's URL") {
  CHECK(url_variable("pg-prod") == "HOOPCTL_URL_PG_PROD");
  CHECK(url_variable("PG_prod.2") == "HOOPCTL_URL_PG_PROD_2");
  CHECK(url_variable("a=b\n") == "HOOPCTL_URL_A_B_");
}

TEST_CASE("a program that reaches hosts is given none of the user's own keys") {
  CHECK(is_withheld_from_ssh("SSH_AUTH_SOCK"));
  CHECK(is_withheld_from_ssh("GIT_SSH_COMMAND"));
  CHECK_FALSE(is_withheld_from_ssh("SSH_CONNECTION"));
  const std::map<std::string, std::string> user{{"SSH_AUTH_SOCK", "/a"}, {"RSYNC_RSH", "x"}};
  CHECK(program_environment(user, {}).size() == 2);
  CHECK(program_environment(user, {{"RSYNC_RSH", "ours"}}, Reached{true, false}) ==
        std::vector<std::string>{"RSYNC_RSH=ours"});
}

TEST_CASE("a program that reaches clusters is led to no other by kubectl's variables, or a pod's") {
  const std::map<std::string, std::string> user{{"KUBECONFIG", "/home/me/.kube/config"},
                                                {"KUBECACHEDIR", "/x"},
                                                {"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                                                {"KUBERNETES_MASTER", "https://prod"},
                                                {"KUBECTL_KUBERC", "true"},
                                                {"EDITOR", "vi"}};
  CHECK(program_environment(user, {}).size() == 6);
  CHECK(program_environment(user, {{"KUBECONFIG", "/run/k"}}, Reached{false, true}) ==
        std::vector<std::string>{"EDITOR=vi", "KUBECONFIG=/run/k"});
}

TEST_CASE("the log keeps no statement of a command line, and only so much of it") {
  CHECK(recorded_command({"psql", "-X", "-c", "select * from t where ssn = '1'"}) ==
        std::vector<std::string>{"psql", "-X", "-c", "[31 bytes]"});
  CHECK(recorded_command({std::string(5000, 'x')}) == std::vector<std::string>{"[5000 bytes]"});
  const auto many = recorded_command(std::vector<std::string>(5000, "word"));
  CHECK(many.size() == 101);
  CHECK(many.back() == "[4900 more words]");
}
