// SPDX-License-Identifier: Apache-2.0
#include "agent/allow_list.h"

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::agent;

namespace {

AllowList list(const std::vector<std::string>& entries) {
  auto out = AllowList::parse(entries);
  INFO((out ? "" : out.error().message));
  REQUIRE(out);
  return std::move(*out);
}

bool allows(const AllowList& allow, const std::string& host, const std::string& address,
            std::uint16_t port = 5432) {
  return allow.may_look_up(host, port) && allow.allows(host, asio::ip::make_address(address), port);
}

}  // namespace

TEST_CASE("allow-list: an address is that address and that port") {
  const auto allow = list({"10.0.0.7:5432", "[fd00::7]:6432"});
  CHECK(allows(allow, "10.0.0.7", "10.0.0.7"));
  CHECK(allows(allow, "10.0.0.7", "::ffff:10.0.0.7"));
  CHECK_FALSE(allows(allow, "10.0.0.7", "10.0.0.7", 5433));
  CHECK_FALSE(allows(allow, "10.0.0.8", "10.0.0.8"));
  CHECK(allows(allow, "fd00::7", "fd00::7", 6432));
  CHECK_FALSE(allows(allow, "fd00::7", "fd00::7"));
  CHECK_FALSE(allows(allow, "127.0.0.1", "127.0.0.1"));
  // A name that leads to it is as good as the address; one that leads elsewhere is not.
  CHECK(allows(allow, "db", "10.0.0.7"));
  CHECK_FALSE(allows(allow, "db", "10.0.0.8"));
}

TEST_CASE("allow-list: a network is every address in it") {
  const auto allow = list({"10.1.0.0/16:5432", "[fd00::/9]:5432", "0.0.0.0/0:99"});
  CHECK(allows(allow, "10.1.255.1", "10.1.255.1"));
  CHECK_FALSE(allows(allow, "10.2.0.1", "10.2.0.1"));
  CHECK(allows(allow, "fd7f::1", "fd7f::1"));
  CHECK_FALSE(allows(allow, "fd80::1", "fd80::1"));
  CHECK(allows(allow, "203.0.113.9", "203.0.113.9", 99));
  CHECK_FALSE(allows(allow, "::1", "::1", 99));
}

TEST_CASE("allow-list: a name server cannot lead a name to where it must not") {
  const auto allow = list({"DB.internal:5432", "pinned.internal:5432@10.1.0.0/16", "localhost:1"});
  CHECK(allows(allow, "db.INTERNAL", "10.9.9.9"));
  CHECK_FALSE(allows(allow, "other.internal", "10.9.9.9"));
  for (const char* address :
       {"127.0.0.1", "127.9.9.9", "::1", "169.254.169.254", "0.0.0.0", "::", "224.0.0.1",
        "255.255.255.255", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"}) {
    INFO(address);
    CHECK_FALSE(allows(allow, "db.internal", address));
    CHECK_FALSE(allows(allow, "pinned.internal", address));
  }
  CHECK(allows(allow, "pinned.internal", "10.1.2.3"));
  CHECK_FALSE(allows(allow, "pinned.internal", "10.2.0.1"));
  CHECK_FALSE(allows(allow, "10.1.2.3", "10.1.2.3"));  // the address itself is not on the list
  CHECK(allows(allow, "localhost", "127.0.0.1", 1));
  CHECK_FALSE(allows(allow, "localhost", "10.0.0.1", 2));
}

TEST_CASE("allow-list: names are not looked up for nothing") {
  const auto names = list({"db.internal:5432"});
  CHECK(names.may_look_up("db.internal", 5432));
  CHECK_FALSE(names.may_look_up("db.internal", 5433));
  CHECK_FALSE(names.may_look_up("c2VjcmV0.evil.example", 5432));
  CHECK(list({"10.0.0.0/8:5432"}).may_look_up("anything", 5432));
}

TEST_CASE("allow-list: what is no entry is a mistake, and so is an empty list") {
  CHECK_FALSE(AllowList::parse({}));
  for (const char* entry : {"",
                            "db",
                            "db:",
                            ":5432",
                            "db:0",
                            "db:65536",
                            "db:54x",
                            "10.0.0.7",
                            "10.0.0.7/33:5432",
                            "10.0.0:5432",
                            "fd00::7:5432",
                            "[fd00::7]",
                            "[10.0.0.7]:5432",
                            "[db]:5432",
                            "a b:1",
                            "db:5432@",
                            "db:5432@db2",
                            "10.0.0.7:5432@10.0.0.0/8",
                            "[fd00::/129]:1",
                            "10.0.0.0/:1"}) {
    INFO(entry);
    const auto parsed = AllowList::parse({entry});
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == ErrorCode::usage);
  }
}
