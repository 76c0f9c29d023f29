// SPDX-License-Identifier: Apache-2.0
#include "gateway/directory_session_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

const std::string kSession = "s_abcdefghijklmnopqrstuvwxyz";

std::string contents(SessionStore& store, const std::string& session) {
  std::string out;
  CHECK(store.read(session, [&](ByteSpan piece) -> Result<void> {
    out += as_text(piece);
    return {};
  }));
  return out;
}

}  // namespace

TEST_CASE("session store: chunks are appended only where the log ends") {
  test::TempDir dir;
  DirectorySessionStore store(dir.path());
  CHECK(store.size(kSession) == 0U);
  CHECK(store.append(kSession, 0, as_bytes("hello ")) == 6U);
  CHECK(store.append(kSession, 6, as_bytes("world")) == 11U);
  CHECK(store.append(kSession, 6, as_bytes("again")) == 11U);  // a retry of what has arrived
  CHECK(store.append(kSession, 12, as_bytes("gap")) == 11U);
  CHECK(store.append(kSession, 0, as_bytes("over")) == 11U);
  CHECK(store.append(kSession, 11, {}) == 11U);
  CHECK(store.size(kSession) == 11U);
  CHECK(store.sync(kSession));
  CHECK(contents(store, kSession) == "hello world");
  struct stat facts{};
  REQUIRE(::stat(store.file(kSession)->c_str(), &facts) == 0);
  CHECK((facts.st_mode & 07777) == 0600);
}

TEST_CASE("session store: only session ids name files") {
  test::TempDir dir;
  DirectorySessionStore store(dir.path());
  for (const std::string bad : {"", "s_", "../../etc/passwd", "s_../../../../../../etc/pass",
                                "s_abcdefghijklmnopqrstuvwxy", "s_abcdefghijklmnopqrstuvwxyzz",
                                "s_ABCDEFGHIJKLMNOPQRSTUVWXYZ", "s_abcdefghijklmnopqrstuvwxy/",
                                "s_abcdefghijklmnopqrstuvwxy0", "x_abcdefghijklmnopqrstuvwxyz"}) {
    INFO(bad);
    CHECK_FALSE(is_session_id(bad));
    CHECK(store.size(bad).error().code == ErrorCode::not_found);
    CHECK(store.append(bad, 0, as_bytes("x")).error().code == ErrorCode::not_found);
    CHECK(store.sync(bad).error().code == ErrorCode::not_found);
    CHECK_FALSE(store.file(bad).has_value());
  }
  CHECK_FALSE(is_session_id(std::string("s_abcdefghijklmnopqrstuvwx\0z", 28)));
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("session store: a symbolic link is not followed") {
  test::TempDir dir, elsewhere;
  DirectorySessionStore store(dir.path());
  std::filesystem::create_symlink(elsewhere / "stolen", dir / (kSession + ".hslog"));
  CHECK(store.append(kSession, 0, as_bytes("x")).error().code == ErrorCode::storage);
  CHECK_FALSE(std::filesystem::exists(elsewhere / "stolen"));
  CHECK_FALSE(store.file(kSession).has_value());
}
