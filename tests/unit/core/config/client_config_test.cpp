// SPDX-License-Identifier: Apache-2.0
#include "core/config/client_config.h"

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::config;

TEST_CASE("a client configuration says gateway, output and quiet") {
  const auto config = parse_client_config(
      "c.toml", "gateway = \"https://gw.example\"\noutput = \"json\"\nquiet = true\n");
  REQUIRE(config);
  CHECK(*config == ClientConfig{"https://gw.example", OutputFormat::json, true});
  CHECK(parse_client_config("c.toml", "").value() == ClientConfig{});
}

TEST_CASE("a wrong client configuration is told by line and column") {
  struct Row {
    const char* text;
    const char* place;
  };
  for (const Row& row :
       {Row{"gateway = 1", "c.toml:1:"}, Row{"gateway = \"http://x\"", "c.toml:1:"},
        Row{"\noutput = \"xml\"", "c.toml:2:"}, Row{"quiet = \"yes\"", "c.toml:1:"},
        Row{"gatway = \"https://x\"", "c.toml:1:"}, Row{"[broken", "c.toml:1:"}}) {
    INFO(row.text);
    const auto config = parse_client_config("c.toml", row.text);
    REQUIRE_FALSE(config);
    CHECK(config.error().code == ErrorCode::config);
    CHECK(config.error().message.starts_with(row.place));
  }
}

TEST_CASE("a missing file is empty only if nobody named it") {
  const test::TempDir dir;
  CHECK(load_client_config(dir / "none.toml", Missing::is_empty).value() == ClientConfig{});
  CHECK(load_client_config(dir / "none.toml", Missing::is_error).error().code == ErrorCode::config);
  CHECK(load_client_config(dir.path(), Missing::is_empty).error().code == ErrorCode::config);
}
