// SPDX-License-Identifier: Apache-2.0
#include "gateway/secret_reference.h"

#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;

TEST_CASE("secret: only references are accepted, and a literal is never repeated") {
  for (const std::string good : {"file:/a", "file:keys/x", "env:NAME", "exec:/bin/cat '/a b' c"})
    CHECK(check_secret_reference(good));
  for (const std::string bad :
       {"", "hunter2", "file:", "env:", "env:A=hunter2", "exec:", "exec:cat hunter2",
        "exec:/bin/cat 'hunter2", "FILE:/hunter2", "vault:hunter2"}) {
    INFO(bad);
    auto refused = check_secret_reference(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::config);
    CHECK(refused.error().message.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("secret: a file, without its last newline, unless everybody may read it") {
  test::TempDir dir;
  std::ofstream(dir / "secret") << "p w\n";
  ::chmod((dir / "secret").c_str(), 0600);
  CHECK(resolve_secret("file:" + (dir / "secret"), "/")->reveal() == "p w");
  CHECK(resolve_secret("file:secret", dir.path())->reveal() == "p w");
  ::chmod((dir / "secret").c_str(), 0644);
  CHECK(resolve_secret("file:secret", dir.path()).error().code == ErrorCode::config);
  CHECK(resolve_secret("file:missing", dir.path()).error().code == ErrorCode::io);
  std::ofstream(dir / "empty") << "\n";
  ::chmod((dir / "empty").c_str(), 0600);
  CHECK(resolve_secret("file:empty", dir.path()).error().code == ErrorCode::config);
  std::ofstream(dir / "long") << std::string(70'000, 'x');
  ::chmod((dir / "long").c_str(), 0600);
  CHECK_FALSE(resolve_secret("file:long", dir.path()));
}

TEST_CASE("secret: a variable") {
  ::setenv("HOOP_TEST_SECRET", "value", 1);
  CHECK(resolve_secret("env:HOOP_TEST_SECRET", "/")->reveal() == "value");
  ::unsetenv("HOOP_TEST_SECRET");
  CHECK(resolve_secret("env:HOOP_TEST_SECRET", "/").error().code == ErrorCode::config);
}

TEST_CASE("secret: a program, without a shell, with an end") {
  CHECK(resolve_secret("exec:/bin/echo 'a  $HOME' \"b;c\"", "/")->reveal() == "a  $HOME b;c");
  CHECK(resolve_secret("exec:/bin/false", "/").error().code == ErrorCode::config);
  CHECK(resolve_secret("exec:/nowhere/program", "/").error().code == ErrorCode::config);
  CHECK(resolve_secret("exec:/bin/true", "/").error().code == ErrorCode::config);  // wrote nothing
  CHECK(resolve_secret("exec:/usr/bin/yes", "/").error().code == ErrorCode::timeout);
  CHECK(resolve_secret("exec:/bin/cat", "/").error().code ==
        ErrorCode::config);  // stdin is empty, not ours
}
