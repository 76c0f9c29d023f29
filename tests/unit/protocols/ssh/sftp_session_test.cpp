// SPDX-License-Identifier: Apache-2.0
// A client and a server of SFTP that say what real ones do not.
#include "protocols/ssh/sftp_session.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace hoop::ssh {
namespace {

const Bytes kNoAttributes = {0, 0, 0, 0};

struct SftpWorld {
  std::string full;                 // why nothing more may move
  std::uint64_t most = UINT64_MAX;  // bytes of a file
  SftpSession session{{[this](std::uint64_t before, std::uint64_t more) {
                         return before + more > most ? "too much" : full;
                       },
                       {}}};
  Bytes to_target, to_client;
  std::vector<SftpEvent> events;

  void collect() {
    for (const auto& [from, to] : {std::pair(session.take_for_target(), &to_target),
                                   {session.take_for_client(), &to_client}})
      to->insert(to->end(), from.begin(), from.end());
    for (SftpEvent& event : session.take_events()) events.push_back(std::move(event));
  }
  Result<void> client(const SftpRequest& request) {
    Bytes bytes;
    append_sftp(bytes, request);
    const auto taken = session.from_client(bytes);
    collect();
    return taken;
  }
  Result<void> target(const SftpAnswer& answer) {
    Bytes bytes;
    append_sftp(bytes, answer);
    const auto taken = session.from_target(bytes);
    collect();
    return taken;
  }
  template <class Decode>
  static auto next(Bytes& bytes, Decode decode) {
    ByteReader reader(bytes);
    const auto size = reader.u32();
    REQUIRE(size);
    const auto packet = reader.take(*size);
    REQUIRE(packet);
    static Bytes kept;  // what is read is a view of it
    kept.assign(packet->begin(), packet->end());
    bytes.erase(bytes.begin(), bytes.begin() + 4 + static_cast<std::ptrdiff_t>(*size));
    auto read = decode(ByteSpan(kept));
    REQUIRE(read);
    return *read;
  }
  SftpRequest asked() { return next(to_target, decode_sftp_request); }
  SftpAnswer answered() { return next(to_client, decode_sftp_answer); }

  Result<void> name(std::uint32_t id, std::string_view path) {
    SftpAnswer out;
    out.type = SftpType::name;
    out.id = id;
    out.names = {{path, path, kNoAttributes}};
    return target(out);
  }
  Result<void> status(std::uint32_t id, SftpCode code) {
    SftpAnswer out;
    out.id = id;
    out.code = code;
    return target(out);
  }
  Result<void> allow(std::uint64_t action) {
    const auto done = session.allow(action);
    collect();
    return done;
  }
  Result<void> refuse(std::string_view words) {
    const auto done = session.refuse(words);
    collect();
    return done;
  }

  void greet() {
    const Bytes init = {0, 0, 0, 5, 1, 0, 0, 0, 6};  // a client that knows later versions
    REQUIRE(session.from_client(init));
    collect();
    CHECK(to_target == Bytes{0, 0, 0, 5, 1, 0, 0, 0, 3});
    to_target.clear();
    SftpAnswer version;
    version.type = SftpType::version;
    version.id = 3;
    version.extensions = {{"posix-rename@openssh.com", "1"}, {"copy-data", "1"}};
    REQUIRE(target(version));
    const SftpAnswer shown = answered();
    CHECK(shown.id == 3);
    // What is not understood is not offered.
    REQUIRE(shown.extensions.size() == 1);
    CHECK(shown.extensions[0].first == "posix-rename@openssh.com");
    const SftpRequest home = asked();
    CHECK(home.path == ".");
    REQUIRE(name(home.id, "/home/ann"));
  }
  /// Asks for a file and has it opened by the handle "h".
  void open(std::uint32_t flags, std::uint64_t action) {
    SftpRequest request;
    request.type = SftpType::open;
    request.id = 100;
    request.path = "f";
    request.flags = flags;
    request.attributes = kNoAttributes;
    REQUIRE(client(request));
    REQUIRE(name(asked().id, "/data/f"));
    REQUIRE(session.wish() != nullptr);
    REQUIRE(allow(action));
    const SftpRequest opened = asked();
    CHECK(opened.path == "/data/f");
    SftpAnswer handle;
    handle.type = SftpType::handle;
    handle.id = opened.id;
    handle.handle = as_bytes("h");
    REQUIRE(target(handle));
    CHECK(answered().id == 100);
  }
  static SftpRequest of_handle(SftpType type, std::uint32_t id) {
    SftpRequest out;
    out.type = type;
    out.id = id;
    out.handle = as_bytes("h");
    return out;
  }
  static SftpRequest of_path(SftpType type, std::uint32_t id, std::string path) {
    SftpRequest out;
    out.type = type;
    out.id = id;
    out.path = std::move(path);
    out.attributes = kNoAttributes;
    return out;
  }
};

bool is_malformed(const Result<void>& result) {
  return !result && result.error().code == ErrorCode::malformed;
}

}  // namespace

TEST_CASE("sftp session: a file is judged by what the host says that its path means") {
  SftpWorld world;
  world.greet();
  REQUIRE(world.client(SftpWorld::of_path(SftpType::open, 5, "a/link")));
  const SftpRequest lookup = world.asked();
  CHECK(lookup.type == SftpType::realpath);
  CHECK(lookup.path == "a/link");
  CHECK(world.to_target.empty());  // nothing else goes before it is known
  REQUIRE(world.name(lookup.id, "/etc/shadow"));
  REQUIRE(world.session.wish() != nullptr);
  const access::Action action = *world.session.wish();
  CHECK(action.verb == "read_file");
  REQUIRE(action.resources.size() == 1);
  CHECK(action.resources[0].name == "/etc/shadow");
  CHECK(world.to_target.empty());
  REQUIRE(world.refuse("no"));
  CHECK(world.to_target.empty());
  const SftpAnswer answer = world.answered();
  CHECK(answer.id == 5);
  CHECK(answer.code == SftpCode::permission_denied);
  CHECK(answer.message == "no");
}

TEST_CASE("sftp session: a link itself is meant by what removes, renames and looks at it") {
  for (const SftpType type :
       {SftpType::remove, SftpType::lstat, SftpType::readlink, SftpType::mkdir, SftpType::rmdir}) {
    SftpWorld world;
    world.greet();
    REQUIRE(world.client(SftpWorld::of_path(type, 5, "way/link/")));
    const SftpRequest lookup = world.asked();
    CHECK(lookup.path == "way");
    REQUIRE(world.name(lookup.id, "/real"));
    REQUIRE(world.session.wish() != nullptr);
    CHECK(world.session.wish()->resources[0].name == "/real/link");
    REQUIRE(world.allow(1));
    CHECK(world.asked().path == "/real/link");
  }
}

TEST_CASE("sftp session: a name that is none of its own is looked up whole") {
  for (const char* path : {".", "/", "", "x/."}) {
    SftpWorld world;
    world.greet();
    REQUIRE(world.client(SftpWorld::of_path(SftpType::rmdir, 5, path)));
    const SftpRequest lookup = world.asked();
    CHECK(lookup.path == path);
    REQUIRE(world.name(lookup.id, "/real"));
    CHECK(world.session.wish()->resources[0].name == "/real");
  }
}

TEST_CASE("sftp session: both paths of a rename are looked up, and judged") {
  SftpWorld world;
  world.greet();
  SftpRequest rename = SftpWorld::of_path(SftpType::rename, 5, "a");
  rename.second = "up/b";
  REQUIRE(world.client(rename));
  const SftpRequest first = world.asked(), second = world.asked();
  REQUIRE(world.name(second.id, "/somewhere"));
  CHECK(world.session.wish() == nullptr);
  REQUIRE(world.name(first.id, "/home/ann"));
  REQUIRE(world.session.wish() != nullptr);
  const access::Action& action = *world.session.wish();
  CHECK(action.verb == "rename");
  REQUIRE(action.resources.size() == 2);
  CHECK(action.resources[0].name == "/home/ann/a");
  CHECK(action.resources[1].name == "/somewhere/b");
}

TEST_CASE("sftp session: a symbolic link is judged also by what it says") {
  SftpWorld world;
  world.greet();
  SftpRequest link = SftpWorld::of_path(SftpType::symlink, 5, "sub/./file");
  link.second = "up/mine";
  REQUIRE(world.client(link));
  REQUIRE(world.name(world.asked().id, "/data/up"));
  REQUIRE(world.session.wish() != nullptr);
  const access::Action& action = *world.session.wish();
  CHECK(action.verb == "symlink");
  REQUIRE(action.resources.size() == 2);
  CHECK(action.resources[0].name == "/data/up/mine");
  CHECK(action.resources[1].name == "/data/up/sub/file");
  REQUIRE(world.allow(1));
  const SftpRequest sent = world.asked();
  CHECK(sent.path == "sub/./file");
  CHECK(sent.second == "/data/up/mine");
  // Where ".." leads depends on where the link will stand, and on other links.
  for (const char* text : {"../../etc/shadow", "a/..", "..", "/a/../b"}) {
    link.path = text;
    REQUIRE(world.client(link));
    CHECK(world.session.wish() == nullptr);
    CHECK(world.to_target.empty());
  }
}

TEST_CASE("sftp session: a file that is made is written, whatever is read of it") {
  struct Case {
    std::uint32_t flags;
    std::string verb, verbs;
  };
  for (const Case& one :
       std::vector<Case>{{kSftpRead, "read_file", ""},
                         {kSftpWrite, "write_file", ""},
                         {kSftpRead | kSftpWrite, "write_file", "read_file,write_file"},
                         {kSftpRead | kSftpCreate, "write_file", "read_file,write_file"},
                         {kSftpRead | kSftpTruncate, "write_file", "read_file,write_file"},
                         {kSftpAppend, "write_file", ""},
                         {0, "read_file", ""}}) {
    SftpWorld world;
    world.greet();
    SftpRequest open = SftpWorld::of_path(SftpType::open, 5, "f");
    open.flags = one.flags;
    REQUIRE(world.client(open));
    REQUIRE(world.name(world.asked().id, "/f"));
    const access::Action& action = *world.session.wish();
    CHECK(action.verb == one.verb);
    CHECK((action.attributes.contains("verbs") ? action.attributes.at("verbs") : "") == one.verbs);
  }
}

TEST_CASE(
    "sftp session: what a path means is no secret where it is allowed, and is not told where not") {
  SftpWorld world;
  world.greet();
  REQUIRE(world.client(SftpWorld::of_path(SftpType::realpath, 5, "x/../way")));
  REQUIRE(world.name(world.asked().id, "/secret/place"));
  CHECK(world.session.wishes_meaning());
  CHECK(world.session.wish()->resources[0].name == "/secret/place");
  REQUIRE(world.refuse({}));
  SftpAnswer answer = world.answered();
  REQUIRE(answer.names.size() == 1);
  CHECK(answer.names[0].name == "/home/ann/way");
  REQUIRE(world.client(SftpWorld::of_path(SftpType::realpath, 6, "none/x")));
  for (const char* asked : {"none/x", "none"}) {
    const SftpRequest lookup = world.asked();
    CHECK(lookup.path == asked);
    REQUIRE(world.status(lookup.id, SftpCode::no_such_file));
  }
  const SftpRequest above = world.asked();
  CHECK(above.path == ".");
  REQUIRE(world.name(above.id, "/home/ann"));
  CHECK(world.session.wish()->resources[0].name == "/home/ann/none/x");
  REQUIRE(world.refuse({}));
  answer = world.answered();
  CHECK(answer.names[0].name == "/home/ann/none/x");
  REQUIRE(world.client(SftpWorld::of_path(SftpType::realpath, 7, "way")));
  REQUIRE(world.name(world.asked().id, "/secret/place"));
  REQUIRE(world.allow(1));
  answer = world.answered();
  CHECK(answer.names[0].name == "/secret/place");
}

TEST_CASE("sftp session: a path that leads nowhere is judged before anybody hears so") {
  SftpWorld world;
  world.greet();
  REQUIRE(world.client(SftpWorld::of_path(SftpType::open, 5, "/way/none/f")));
  for (const char* asked : {"/way/none/f", "/way/none"}) {
    const SftpRequest lookup = world.asked();
    CHECK(lookup.path == asked);
    REQUIRE(world.status(lookup.id, SftpCode::no_such_file));
    CHECK(world.session.wish() == nullptr);
  }
  // The link on the way to it counts.
  REQUIRE(world.name(world.asked().id, "/secret"));
  REQUIRE(world.session.wish() != nullptr);
  CHECK(world.session.wish()->resources[0].name == "/secret/none/f");
  CHECK(world.to_client.empty());
  REQUIRE(world.allow(1));
  CHECK(world.to_target.empty());  // it may be there by now, and be something else
  CHECK(world.answered().code == SftpCode::no_such_file);
}

TEST_CASE("sftp session: what is there is not told by the way around it") {
  // Whether there is a /secret/x the host would have to look for.
  SftpWorld world;
  world.greet();
  REQUIRE(world.client(SftpWorld::of_path(SftpType::stat, 5, "/secret/x/../../allowed/f")));
  const SftpRequest lookup = world.asked();
  CHECK(lookup.path == "/allowed/f");
  REQUIRE(world.name(lookup.id, "/allowed/f"));
  REQUIRE(world.allow(1));
  CHECK(world.asked().path == "/allowed/f");
  REQUIRE(world.client(SftpWorld::of_path(SftpType::realpath, 6, "secret/x/..")));
  CHECK(world.asked().path == "/home/ann/secret");
}

TEST_CASE("sftp session: what is too deep in what is not there is refused") {
  SftpWorld world;
  world.greet();
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "/x";
  REQUIRE(world.client(SftpWorld::of_path(SftpType::stat, 5, deep)));
  int asked = 0;
  for (; !world.to_target.empty(); ++asked)
    REQUIRE(world.status(world.asked().id, SftpCode::no_such_file));
  CHECK(asked < 70);
  CHECK(world.session.wish() == nullptr);
  CHECK(world.answered().code == SftpCode::permission_denied);
}

TEST_CASE("sftp session: reads and writes only by what was opened for it") {
  SftpWorld world;
  world.greet();
  world.open(kSftpRead, 1);
  SftpRequest write = SftpWorld::of_handle(SftpType::write, 6);
  write.data = as_bytes("x");
  REQUIRE(world.client(write));
  CHECK(world.to_target.empty());
  CHECK(world.answered().code == SftpCode::failure);
  SftpRequest other = SftpWorld::of_handle(SftpType::read, 7);
  other.handle = as_bytes("g");
  REQUIRE(world.client(other));
  CHECK(world.to_target.empty());
  CHECK(world.answered().code == SftpCode::failure);
  REQUIRE(world.client(SftpWorld::of_handle(SftpType::close, 8)));
  const SftpRequest closed = world.asked();
  REQUIRE(world.client(SftpWorld::of_handle(SftpType::read, 9)));
  CHECK(world.to_target.empty());
  REQUIRE(world.status(closed.id, SftpCode::ok));
  CHECK(world.answered().id == 8);
  CHECK(world.answered().code == SftpCode::failure);
  // What it sets by a handle is judged for the path.
  world.open(kSftpWrite, 2);
  SftpRequest set = SftpWorld::of_handle(SftpType::fsetstat, 10);
  const Bytes mode = {0, 0, 0, 4, 0, 0, 0x89, 0xed};
  set.attributes = mode;
  REQUIRE(world.client(set));
  CHECK(world.to_target.empty());
  REQUIRE(world.session.wish() != nullptr);
  CHECK(world.session.wish()->verb == "setstat");
  CHECK(world.session.wish()->resources[0].name == "/data/f");
  CHECK(world.session.wish()->attributes.at("mode") == "4755");
  REQUIRE(world.allow(3));
  CHECK(world.asked().type == SftpType::fsetstat);
}

TEST_CASE("sftp session: what moves is counted, and hashed where it is one run") {
  SftpWorld world;
  world.greet();
  world.open(kSftpRead, 1);
  const auto read = [&](std::uint64_t offset, std::string_view data) {
    SftpRequest ask = SftpWorld::of_handle(SftpType::read, 6);
    ask.offset = offset;
    ask.length = 100;
    REQUIRE(world.client(ask));
    SftpAnswer answer;
    answer.id = world.asked().id;
    answer.type = data.empty() ? SftpType::status : SftpType::data;
    answer.code = SftpCode::eof;
    answer.data = as_bytes(data);
    REQUIRE(world.target(answer));
    CHECK(as_text(world.answered().data) == data);
  };
  const auto close = [&]() -> SftpOutcome {
    REQUIRE(world.client(SftpWorld::of_handle(SftpType::close, 8)));
    REQUIRE(world.status(world.asked().id, SftpCode::ok));
    world.answered();
    REQUIRE(!world.events.empty());
    return std::get<SftpOutcome>(world.events.back());
  };
  read(0, "one");
  read(3, "two");
  read(6, "");
  SftpOutcome outcome = close();
  CHECK(outcome.action == 1);
  CHECK(outcome.bytes == 6);
  REQUIRE(outcome.transfers.size() == 1);
  CHECK(outcome.transfers[0].path == "/data/f");
  CHECK(outcome.transfers[0].whole);
  CHECK(outcome.transfers[0].sha256 == crypto::sha256(as_bytes("onetwo")));
  world.open(kSftpRead, 2);
  read(3, "two");
  read(0, "one");
  outcome = close();
  CHECK(outcome.bytes == 6);
  CHECK_FALSE(outcome.transfers[0].sha256);
  CHECK_FALSE(outcome.transfers[0].whole);
  world.open(kSftpRead, 3);
  read(1ULL << 40U, "");
  read(0, "one");
  outcome = close();
  CHECK_FALSE(outcome.transfers[0].whole);  // its end is not where somebody has looked for one
}

TEST_CASE("sftp session: a file that is new, and what others would run as its owner") {
  const Bytes plain = {0, 0, 0, 4, 0, 0, 1, 0xa4}, special = {0, 0, 0, 4, 0, 0, 9, 0xed};
  for (const SftpType type : {SftpType::open, SftpType::mkdir}) {
    for (const bool is_special : {false, true}) {
      SftpWorld world;
      world.greet();
      SftpRequest request = SftpWorld::of_path(type, 5, "f");
      request.flags = kSftpWrite | kSftpCreate;
      request.attributes = is_special ? special : plain;
      REQUIRE(world.client(request));
      REQUIRE(world.name(world.asked().id, "/data"));
      const access::Action& action = *world.session.wish();
      CHECK(action.attributes.at("mode") == (is_special ? "4755" : "0644"));
      CHECK(action.attributes.contains("verbs") == is_special);
      if (is_special) CHECK(action.attributes.at("verbs") == action.verb + ",setstat");
    }
  }
}

TEST_CASE("sftp session: an end of input waits for what is looked up") {
  SftpWorld world;
  world.greet();
  REQUIRE(world.client(SftpWorld::of_path(SftpType::remove, 5, "f")));
  CHECK(world.session.is_stalled());
  REQUIRE(world.name(world.asked().id, "/data"));
  REQUIRE(world.allow(1));
  CHECK_FALSE(world.session.is_stalled());
}

TEST_CASE("sftp session: a server that sends of a file behind its end") {
  SftpWorld world;
  world.greet();
  world.open(kSftpRead, 1);
  SftpRequest read = SftpWorld::of_handle(SftpType::read, 6);
  read.length = 2;
  REQUIRE(world.client(read));
  const std::uint32_t owed = world.asked().id;
  REQUIRE(world.client(SftpWorld::of_handle(SftpType::close, 7)));
  REQUIRE(world.status(world.asked().id, SftpCode::ok));
  SftpAnswer late;
  late.type = SftpType::data;
  late.id = owed;
  late.data = as_bytes("x");
  CHECK(is_malformed(world.target(late)));
}

TEST_CASE("sftp session: a write that fails takes the digest with it") {
  SftpWorld world;
  world.greet();
  world.open(kSftpWrite, 1);
  SftpRequest write = SftpWorld::of_handle(SftpType::write, 6);
  write.data = as_bytes("x");
  REQUIRE(world.client(write));
  REQUIRE(world.status(world.asked().id, SftpCode::failure));
  world.session.end();
  world.collect();
  const auto outcome = std::get<SftpOutcome>(world.events.back());
  CHECK(outcome.status == "lost");
  CHECK_FALSE(outcome.transfers[0].sha256);
}

TEST_CASE("sftp session: a limit cuts a file off, and no other") {
  SftpWorld world;
  world.greet();
  world.open(kSftpWrite, 1);
  world.most = 4;
  SftpRequest write = SftpWorld::of_handle(SftpType::write, 6);
  write.data = as_bytes("1234");
  REQUIRE(world.client(write));
  REQUIRE(world.status(world.asked().id, SftpCode::ok));
  world.answered();
  write.offset = 4;
  write.data = as_bytes("5");
  for (int i = 0; i < 2; ++i) {
    REQUIRE(world.client(write));
    CHECK(world.to_target.empty());
    CHECK(world.answered().code == SftpCode::permission_denied);
  }
  CHECK(std::ranges::count_if(world.events, [](const SftpEvent& event) {
          return std::holds_alternative<SftpCut>(event);
        }) == 1);
  REQUIRE(world.client(SftpWorld::of_handle(SftpType::close, 8)));
  REQUIRE(world.status(world.asked().id, SftpCode::ok));
  CHECK(std::get<SftpOutcome>(world.events.back()).bytes == 4);
}

TEST_CASE("sftp session: what we refuse is answered behind what the server still owes") {
  SftpWorld world;
  world.greet();
  world.open(kSftpWrite, 1);
  world.most = 4;
  SftpRequest write = SftpWorld::of_handle(SftpType::write, 6);
  write.data = as_bytes("1234");
  REQUIRE(world.client(write));
  const std::uint32_t owed = world.asked().id;
  write.id = 7;
  write.offset = 4;
  REQUIRE(world.client(write));
  write.id = 8;
  write.handle = as_bytes("none");
  REQUIRE(world.client(write));
  CHECK(world.to_client.empty());
  REQUIRE(world.status(owed, SftpCode::ok));
  for (const std::uint32_t id : {6U, 7U, 8U}) CHECK(world.answered().id == id);
}

TEST_CASE("sftp session: a client that does not begin as one, or begins twice") {
  SftpWorld world;
  CHECK(is_malformed(world.client(SftpWorld::of_path(SftpType::stat, 5, "/"))));
  SftpWorld twice;
  twice.greet();
  CHECK(is_malformed(twice.session.from_client(Bytes{0, 0, 0, 5, 1, 0, 0, 0, 3})));
  SftpWorld old;
  CHECK(is_malformed(old.session.from_client(Bytes{0, 0, 0, 5, 1, 0, 0, 0, 2})));
  SftpWorld later;
  CHECK(is_malformed(later.session.from_client(Bytes{0, 0, 0, 5, 250, 0, 0, 0, 3})));
  SftpWorld empty;
  CHECK(is_malformed(empty.session.from_client(Bytes{0, 0, 0, 0})));
  SftpWorld endless;
  CHECK(is_malformed(endless.session.from_client(Bytes{255, 255, 255, 255})));
}

TEST_CASE("sftp session: what comes before the greeting is answered waits") {
  SftpWorld world;
  Bytes early = {0, 0, 0, 5, 1, 0, 0, 0, 3};
  append_sftp(early, SftpWorld::of_path(SftpType::stat, 5, "/x"));
  REQUIRE(world.session.from_client(early));
  world.collect();
  CHECK(world.to_target == Bytes{0, 0, 0, 5, 1, 0, 0, 0, 3});
  CHECK(world.session.is_stalled());
  world.to_target.clear();
  SftpAnswer version;
  version.type = SftpType::version;
  version.id = 3;
  REQUIRE(world.target(version));
  REQUIRE(world.status(world.asked().id, SftpCode::failure));  // not even where it is
  CHECK(world.asked().path == "/x");
}

TEST_CASE("sftp session: what a client asks for in advance waits, and is bounded") {
  SftpWorld world;
  world.greet();
  world.open(kSftpRead, 1);
  Bytes many;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    SftpRequest read = SftpWorld::of_handle(SftpType::read, i);
    read.length = 10;
    append_sftp(many, read);
  }
  REQUIRE(world.session.from_client(many));
  world.collect();
  CHECK(world.session.is_stalled());
  std::size_t sent = 0;
  while (!world.to_target.empty()) {
    const SftpRequest asked = world.asked();
    ++sent;
    REQUIRE(world.status(asked.id, SftpCode::eof));
  }
  CHECK(sent == 2000);
  CHECK_FALSE(world.session.is_stalled());
}

TEST_CASE("sftp session: a server that answers what was not asked") {
  const auto fresh = [](SftpWorld& world) {
    world.greet();
    world.open(kSftpRead, 1);
    SftpRequest read = SftpWorld::of_handle(SftpType::read, 6);
    read.length = 2;
    REQUIRE(world.client(read));
    return world.asked().id;
  };
  SftpAnswer answer;
  SECTION("twice") {
    SftpWorld world;
    const auto id = fresh(world);
    REQUIRE(world.status(id, SftpCode::eof));
    CHECK(is_malformed(world.status(id, SftpCode::eof)));
  }
  SECTION("of another kind") {
    SftpWorld world;
    answer.id = fresh(world);
    answer.type = SftpType::attrs;
    answer.attributes = kNoAttributes;
    CHECK(is_malformed(world.target(answer)));
  }
  SECTION("more than was asked for") {
    SftpWorld world;
    answer.id = fresh(world);
    answer.type = SftpType::data;
    answer.data = as_bytes("abc");
    CHECK(is_malformed(world.target(answer)));
  }
  SECTION("a second greeting") {
    SftpWorld world;
    fresh(world);
    answer.type = SftpType::version;
    answer.id = 3;
    CHECK(is_malformed(world.target(answer)));
  }
  SECTION("another version") {
    SftpWorld world;
    REQUIRE(world.session.from_client(Bytes{0, 0, 0, 5, 1, 0, 0, 0, 3}));
    answer.type = SftpType::version;
    answer.id = 4;
    CHECK(is_malformed(world.target(answer)));
  }
  SECTION("one handle for two files") {
    SftpWorld world;
    fresh(world);
    REQUIRE(world.client(SftpWorld::of_path(SftpType::open, 9, "g")));
    REQUIRE(world.name(world.asked().id, "/g"));
    REQUIRE(world.allow(2));
    answer.id = world.asked().id;
    answer.type = SftpType::handle;
    answer.handle = as_bytes("h");
    CHECK(is_malformed(world.target(answer)));
  }
  SECTION("a path that is none") {
    for (const std::string& path :
         {std::string("relative"), std::string("/a\0b", 4), std::string()}) {
      SftpWorld world;
      world.greet();
      REQUIRE(world.client(SftpWorld::of_path(SftpType::stat, 5, "x")));
      CHECK(is_malformed(world.name(world.asked().id, path)));
    }
  }
}

TEST_CASE("sftp session: what the server's paths still hold is taken out") {
  SftpWorld world;
  world.greet();
  REQUIRE(world.client(SftpWorld::of_path(SftpType::stat, 5, "x")));
  REQUIRE(world.name(world.asked().id, "/allowed//../secret/./f"));
  CHECK(world.session.wish()->resources[0].name == "/secret/f");
  REQUIRE(world.allow(1));
  CHECK(world.asked().path == "/secret/f");
}

TEST_CASE("sftp session: in pieces of any size") {
  for (std::size_t size = 1; size < 8; ++size) {
    SftpWorld world;
    world.greet();
    Bytes bytes;
    append_sftp(bytes, SftpWorld::of_path(SftpType::stat, 5, "/x"));
    for (ByteSpan rest(bytes); !rest.empty(); rest = rest.subspan(std::min(size, rest.size())))
      REQUIRE(world.session.from_client(rest.first(std::min(size, rest.size()))));
    world.collect();
    CHECK(world.asked().path == "/x");
  }
}

}  // namespace hoop::ssh
