// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/exec_command.h"

#include "tests/support/catch.h"

using namespace hoop::kubernetes;
using CommandWords = std::vector<std::string>;

TEST_CASE("exec: how much of a command its words tell") {
  CHECK(form_of_command({"id", "-u"}) == "plain");
  CHECK(form_of_command({"/usr/bin/cat", "/etc/*"}) == "plain");
  CHECK(form_of_command({"sh", "-c", "id"}) == "script");
  CHECK(form_of_command({"/bin/bash", "-lc", "id"}) == "script");
  CHECK(form_of_command({"sh"}) == "opaque");
  CHECK(form_of_command({"sh", "-c"}) == "opaque");
  CHECK(form_of_command({"bash", "--rcfile", "x"}) == "opaque");
  CHECK(form_of_command({"sh", "script.sh", "x"}) == "opaque");
  CHECK(form_of_command({"python3.11", "-c", "1"}) == "opaque");
  CHECK(form_of_command({"busybox", "sh"}) == "opaque");
  CHECK(form_of_command({"env", "A=b", "sh"}) == "opaque");
  CHECK(form_of_command({"/usr/bin/find", ".", "-exec", "sh"}) == "opaque");
  CHECK(form_of_command({}) == "opaque");
  CHECK(form_of_command({""}) == "opaque");
}

TEST_CASE("exec: what kubectl cp runs, and what looks like it") {
  CHECK(transfer_of_command({"tar", "cf", "-", "/var/log"}) == "download");
  CHECK(transfer_of_command({"tar", "-xmf", "-", "-C", "/tmp"}) == "upload");
  CHECK(transfer_of_command({"tar", "xmf", "-"}) == "upload");
  CHECK(transfer_of_command({"tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-", "-C",
                             "/tmp"}) == "upload");
  for (const CommandWords& words : {CommandWords{"tar", "cf", "-", "/etc", "/root"},
                                    {"tar", "cf", "-", "--to-command=sh"},
                                    {"tar", "cf", "-"},
                                    {"tar", "xf", "-", "-I", "sh"},
                                    {"tar", "-xmf", "-", "-C"},
                                    {"/bin/tar", "cf", "-", "/etc"},
                                    {"tar", "cf", "/tmp/x", "/etc"},
                                    {"cat"},
                                    {}})
    CHECK(transfer_of_command(words) == "absent");
}
