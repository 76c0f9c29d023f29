// SPDX-License-Identifier: Apache-2.0
// The table of tests/conformance/ssh/commands.txt, and what it cannot say.
#include "protocols/ssh/command_line.h"

#include <unistd.h>

#include <fstream>

#include "core/access/policy.h"
#include "protocols/ssh/relay_action.h"
#include "tests/support/catch.h"
#include "tests/support/ssh_client.h"
#include "tests/support/temp_dir.h"

namespace hoop::ssh {
namespace {

using Words = std::vector<std::string>;

access::PolicyEngine table_policy() {
  access::Role role;
  role.name = "all";
  role.members = {"*"};
  role.targets = {"*"};
  access::Rule allow, deny;
  allow.name = "allow";
  allow.effect = access::Effect::allow;
  allow.when["command"] = {"uptime",
                           "df -h",
                           "id *",
                           "systemctl status *",
                           "systemctl restart nginx",
                           "sudo systemctl restart nginx",
                           "journalctl -u * -n *",
                           "cat /var/log/*",
                           "tail -n * /srv/**.log",
                           "ls **",
                           "echo **",
                           "grep -- * /var/log/syslog",
                           "git-upload-pack *",
                           "scp -f /srv/*"};
  deny.name = "deny";
  deny.effect = access::Effect::deny;
  deny.when["command"] = {"rm **",      "cat /etc/shadow", "shutdown **", "reboot **",   "mkfs* **",
                          "dd if=* **", "curl **",         "nc **",       "chmod 777 **"};
  access::PolicyDocument document;
  document.roles = {role};
  document.rules = {allow, deny};
  return access::PolicyEngine(std::move(document));
}

std::string verdict(const access::PolicyEngine& policy, const std::string& command) {
  access::Target target;
  target.name = "web-1";
  const access::Action action = action_of({1, 1, RelayAct::exec, command, {}, 0, 0});
  const access::Decision decision = policy.decide({}, target, action, {});
  return decision.rule == "default" ? "none" : decision.rule;
}

struct Row {
  int line;
  std::string form, verdict, command;
};

std::vector<Row> table() {
  std::ifstream in(HOOP_SOURCE_DIR "/tests/conformance/ssh/commands.txt");
  std::vector<Row> out;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const auto first = line.find('\t'), second = line.find('\t', first + 1);
    REQUIRE(second != std::string::npos);
    Row row{number, line.substr(0, first), line.substr(first + 1, second - first - 1),
            line.substr(second + 1)};
    for (std::size_t at = 0; (at = row.command.find("\\n", at)) != std::string::npos; ++at)
      row.command.replace(at, 2, "\n");
    out.push_back(std::move(row));
  }
  return out;
}

std::string all_of(const CommandLine& line) {
  std::string out;
  for (const auto& words : line.commands) out += access::join_command(words) + "\n";
  for (const auto& words : line.inner) out += "  " + access::join_command(words) + "\n";
  return out;
}

}  // namespace

TEST_CASE("command lines: the table") {
  const access::PolicyEngine policy = table_policy();
  const auto rows = table();
  CHECK(rows.size() >= 250);
  for (const Row& row : rows) {
    const CommandLine line = read_command_line(row.command);
    INFO("line " << row.line << ": " << row.command << "\n" << all_of(line));
    CHECK(to_string(line.form) == row.form);
    CHECK(verdict(policy, row.command) == row.verdict);
  }
}

TEST_CASE("command lines: what is plain runs as it is read, in a real shell") {
  test::TempDir folder;
  // Each program of the table, in a folder of its own, says what its words are.
  const std::string bin = folder / "bin";
  std::filesystem::create_directory(bin);
  int looked_at = 0;
  for (const Row& row : table()) {
    const CommandLine line = read_command_line(row.command);
    if (line.form != CommandForm::plain || line.commands.size() != 1 || !line.inner.empty())
      continue;
    const auto& words = line.commands.front();
    const std::string& program = words.front().text;
    // A shell's own words and paths are not looked up.
    if (program.find('/') != std::string::npos || program == "echo" || program == "exec") continue;
    std::ofstream(bin + "/" + program) << "#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\"\n";
    std::filesystem::permissions(bin + "/" + program, std::filesystem::perms::owner_all);
    std::string expected = bin + "/" + program + "\n";
    for (std::size_t i = 1; i < words.size(); ++i) expected += words[i].text + "\n";
    for (const char* shell : {"/bin/sh", "/bin/bash"}) {
      const std::string out = folder / "out";
      const auto child = test::start_process([&] {
        ::setenv("PATH", bin.c_str(), 1);
        if (std::freopen(out.c_str(), "w", stdout) == nullptr) ::_exit(1);
        ::execl(shell, shell, "-c", row.command.c_str(), nullptr);
      });
      INFO(shell << ": " << row.command);
      CHECK(test::status_of(child) == 0);
      std::ifstream in(out);
      CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == expected);
    }
    ++looked_at;
  }
  CHECK(looked_at >= 50);
}

TEST_CASE("command lines: ways to read a file, each of which does") {
  test::TempDir folder;
  const std::string secret = folder / "secret";
  std::filesystem::create_directory(folder / "sub");
  std::ofstream(secret) << "xyzzy-secret\n";
  access::PolicyDocument document = table_policy().document();
  access::Rule allow, guard, opaque;
  allow.name = "allow";
  allow.effect = access::Effect::allow;
  const std::string shown = folder / "shown";
  allow.when["command"] = {"uptime", "cat " + shown + "/*", "grep -- * " + shown + "/*",
                           "tail -n * " + shown + "/**"};
  guard.name = "guard";
  guard.when["command"] = {"* " + secret + " **", "* * " + secret + " **",
                           "* * * " + secret + " **", "* *" + secret};
  opaque.name = "opaque";
  opaque.when["form"] = {"opaque"};
  const auto with = [&](std::vector<access::Rule> rules) {
    document.rules = std::move(rules);
    return access::PolicyEngine(document);
  };
  const access::PolicyEngine control = with({allow}), rail = with({guard, opaque});
  std::ifstream in(HOOP_SOURCE_DIR "/tests/conformance/ssh/reads.txt");
  int number = 0, rows = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const auto tab = line.find('\t');
    REQUIRE(tab != std::string::npos);
    std::string command = line.substr(tab + 1);
    for (const auto& [mark, path] :
         {std::pair(std::string("@"), secret), std::pair(std::string("%%"), folder.path())}) {
      for (std::size_t at = 0; (at = command.find(mark, at)) != std::string::npos;
           at += path.size())
        command.replace(at, mark.size(), path);
    }
    INFO("line " << number << ": " << command);
    // What only lists what may run lets none of them pass.
    CHECK(verdict(control, command) == "none");
    CHECK(verdict(rail, command) == line.substr(0, tab));
    const std::string out = folder / "out";
    const auto child = test::start_process([&] {
      if (std::freopen(out.c_str(), "w", stdout) == nullptr || ::dup2(1, 2) < 0 ||
          std::freopen("/dev/null", "r", stdin) == nullptr)
        ::_exit(1);
      ::execl("/bin/bash", "bash", "-c", command.c_str(), nullptr);
    });
    test::status_of(child);
    std::ifstream said(out);
    CHECK(std::string(std::istreambuf_iterator<char>(said), {}).find("xyzzy-secret") !=
          std::string::npos);
    ++rows;
  }
  CHECK(rows >= 140);
}

TEST_CASE("command lines: transfers are recognised, whatever stands beside them") {
  access::PolicyDocument document = table_policy().document();
  access::Rule up, down;
  up.name = "no-uploads";
  up.when["transfer"] = {"upload"};
  down.name = "downloads";
  down.effect = access::Effect::allow;
  down.when["transfer"] = {"download"};
  document.rules = {up, down};
  const access::PolicyEngine policy(document);
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"scp -t /tmp", "no-uploads"},
      {"scp -r -f /tmp", "downloads"},
      {"rsync --server -logDtpre.iLsfxCIvu . /srv", "no-uploads"},
      {"rsync --server --sender -logDtpre.iLsfxCIvu . /srv", "downloads"},
      {"true; scp -t /tmp", "no-uploads"},
      {"sudo scp -t /tmp", "no-uploads"},
      {"sh -c 'scp -t /tmp'", "no-uploads"},
      {"scp -f /srv/x; touch /tmp/x", "none"},
      {"scp -f /srv/x > /tmp/x", "none"},
      {"scp -f /srv/x; case x in x) touch y;; esac", "none"},
      {"scp -f $X", "none"},
      {"scp a b:c", "none"},
      {"uptime", "none"}};
  for (const auto& [line, rule] : rows) {
    INFO(line);
    CHECK(verdict(policy, line) == rule);
  }
}

TEST_CASE("command lines: depth and number are bounded") {
  std::string deep = "rm x";
  for (int i = 0; i < 12; ++i) deep = "echo $(" + deep + ")";
  CHECK(read_command_line(deep).form == CommandForm::opaque);
  std::string sudo = "rm x";
  for (int i = 0; i < 12; ++i) sudo = "sudo " + sudo;
  CHECK(read_command_line(sudo).form == CommandForm::opaque);
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "a;";
  const CommandLine line = read_command_line(many);
  CHECK(line.form == CommandForm::opaque);
  CHECK(line.commands.size() <= 600);
  CHECK(read_command_line(std::string("a\0b", 3)).form == CommandForm::opaque);
  CHECK(read_command_line("a\x1b"
                          "b")
            .form == CommandForm::opaque);
}

}  // namespace hoop::ssh
