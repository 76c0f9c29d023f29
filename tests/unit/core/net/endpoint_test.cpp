// SPDX-License-Identifier: Apache-2.0
#include "core/net/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "core/net/peer.h"
#include "core/net/process_tree.h"
#include "tests/support/catch.h"
#include "tests/support/run_task.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::net;
using namespace std::chrono_literals;

namespace {

int connect_unix(const std::string& path) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0
             ? socket
             : -1;
}

int connect_tcp_port(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0
             ? socket
             : -1;
}

/// A process that runs work and then waits to be killed. Its end is the test's end.
struct Child {
  pid_t pid = 0;
  template <class Work>
  explicit Child(Work work) : pid(::fork()) {
    if (pid == 0) {
      ::setpgid(0, 0);
      work();
      for (;;) ::pause();
    }
    ::setpgid(pid, pid);
  }
  ~Child() {
    ::kill(-pid, SIGKILL);  // its children too
    ::waitpid(pid, nullptr, 0);
  }
};

/// Accepts once, or answers an error after the patience has gone.
Result<StreamPtr> accept_within(asio::io_context& context, Endpoint& endpoint,
                                std::chrono::milliseconds patience) {
  asio::steady_timer timer(context, patience);
  timer.async_wait([&](const std::error_code& failure) {
    if (!failure) endpoint.close();
  });
  std::optional<Result<StreamPtr>> answer;
  asio::co_spawn(context, endpoint.accept(), [&](std::exception_ptr, Result<StreamPtr> stream) {
    answer.emplace(std::move(stream));
    timer.cancel();
  });
  context.restart();
  context.run();
  return std::move(*answer);
}

}  // namespace

TEST_CASE("a process of the program's tree gets in") {
  const test::TempDir folder;
  asio::io_context context;
  const std::string path = folder / "socket";
  std::optional<ProgramTree> tree;
  auto endpoint = listen_unix(context.get_executor(), path, [&] { return tree; }, {});
  REQUIRE(endpoint);
  struct stat status{};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  SECTION("the program itself") {
    const Child child([&] { connect_unix(path); });
    tree = ProgramTree{child.pid, 0};
    CHECK(accept_within(context, **endpoint, 5s));
  }
  SECTION("its grandchild") {
    const Child child([&] {
      if (::fork() == 0) {
        if (::fork() == 0) connect_unix(path);
        ::pause();
      }
    });
    tree = ProgramTree{child.pid, 0};
    CHECK(accept_within(context, **endpoint, 5s));
  }
  SECTION("an orphan that the subreaper inherited") {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const Child child([&] {
      if (::fork() == 0) {
        if (::fork() == 0) {
          ::usleep(200000);
          connect_unix(path);
          ::pause();
        }
        ::_exit(0);
      }
      ::wait(nullptr);
    });
    tree = ProgramTree{child.pid, ::getpid()};
    CHECK(accept_within(context, **endpoint, 5s));
    ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
  }
  (*endpoint)->close();
  CHECK(::lstat(path.c_str(), &status) != 0);
  CHECK(test::run(context, (*endpoint)->accept()).error().code == ErrorCode::cancelled);
}

TEST_CASE("a process of the same user that is not the program's is turned away without a byte") {
  const test::TempDir folder;
  asio::io_context context;
  const std::string path = folder / "socket";
  std::optional<ProgramTree> tree;
  std::vector<std::string> refusals;
  auto endpoint = listen_unix(
      context.get_executor(), path, [&] { return tree; },
      [&](std::string_view why) { refusals.emplace_back(why); });
  REQUIRE(endpoint);
  SECTION("before the program runs") {
    connect_unix(path);
    CHECK(accept_within(context, **endpoint, 300ms).error().code == ErrorCode::cancelled);
    REQUIRE(refusals.size() == 1);
    CHECK_THAT(refusals[0], Catch::Matchers::ContainsSubstring("no program"));
  }
  SECTION("beside the program") {
    const Child sleeper([] {});
    tree = ProgramTree{sleeper.pid, 0};
    const int socket = connect_unix(path);  // the test: the program's parent
    const Child sibling([&] { connect_unix(path); });
    CHECK(accept_within(context, **endpoint, 500ms).error().code == ErrorCode::cancelled);
    CHECK(refusals.size() == 2);
    char byte = 0;
    CHECK(::read(socket, &byte, 1) == 0);
  }
  SECTION("the reaper itself") {
    const Child sleeper([] {});
    tree = ProgramTree{sleeper.pid, ::getpid()};
    connect_unix(path);
    CHECK(accept_within(context, **endpoint, 300ms).error().code == ErrorCode::cancelled);
    CHECK(refusals.size() == 1);
  }
}

TEST_CASE("an endpoint for the user lets in what nobody of us started, and no other user") {
  const test::TempDir folder;
  REQUIRE(::chmod(folder.path().c_str(), 0711) == 0);
  asio::io_context context;
  const std::string path = folder / "socket";
  std::vector<std::string> refusals;
  auto endpoint = listen_unix_for_user(context.get_executor(), path,
                                       [&](std::string_view why) { refusals.emplace_back(why); });
  REQUIRE(endpoint);
  REQUIRE(::chmod(path.c_str(), 0666) == 0);  // the check, and not the mode, is what is tested
  const bool root = ::geteuid() == 0;
  const Child other([&] {
    if (root && ::setuid(4242) != 0) ::_exit(1);
    if (root) connect_unix(path);
  });
  const Child ours([&] {
    ::usleep(200000);
    connect_unix(path);
  });
  CHECK(accept_within(context, **endpoint, 5s));
  REQUIRE(refusals.size() == (root ? 1 : 0));
  if (root) CHECK_THAT(refusals[0], Catch::Matchers::ContainsSubstring("4242"));
}

TEST_CASE("a port that was asked for is had again at once") {
  asio::io_context context;
  std::uint16_t port = 0;
  for (int round = 0; round < 3; ++round) {
    auto endpoint = listen_loopback(context.get_executor(), port, {});
    REQUIRE(endpoint);
    if (round > 0) CHECK((*endpoint)->port() == port);
    port = (*endpoint)->port();
    CHECK_FALSE(listen_loopback(context.get_executor(), port, {}));  // not beside one who listens
    const Child ours([&] { connect_tcp_port(port); });
    const auto stream = accept_within(context, **endpoint, 5s);
    REQUIRE(stream);
    (*stream)->close();  // our side first: TIME_WAIT is here
  }
}

TEST_CASE("a refused peer does not keep the next one out") {
  const test::TempDir folder;
  asio::io_context context;
  const std::string path = folder / "socket";
  std::optional<ProgramTree> tree;
  int refused = 0;
  auto endpoint = listen_unix(
      context.get_executor(), path, [&] { return tree; }, [&](std::string_view) { ++refused; });
  REQUIRE(endpoint);
  connect_unix(path);
  const Child child([&] { connect_unix(path); });
  tree = ProgramTree{child.pid, 0};
  CHECK(accept_within(context, **endpoint, 5s));
  CHECK(refused == 1);
}

TEST_CASE("a socket path that does not fit is refused") {
  asio::io_context context;
  const auto endpoint = listen_unix(context.get_executor(), "/tmp/" + std::string(110, 'x'),
                                    [] { return std::nullopt; }, {});
  REQUIRE(!endpoint);
  CHECK_THAT(endpoint.error().message, Catch::Matchers::ContainsSubstring("107"));
}

TEST_CASE("the owner of a loopback connection is told by both ways") {
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  const std::uint16_t port = acceptor.local_endpoint().port();
  constexpr uid_t kOther = 4242;
  const bool root = ::geteuid() == 0;
  const Child child([&] {
    if (root && ::setuid(kOther) != 0) ::_exit(1);
    connect_tcp_port(port);
  });
  asio::ip::tcp::socket socket = acceptor.accept();
  const uid_t expected = root ? kOther : ::geteuid();
  const auto by_netlink = tcp_peer_by_sock_diag(socket.local_endpoint(), socket.remote_endpoint());
  const auto by_table = tcp_peer_by_proc(socket.local_endpoint(), socket.remote_endpoint());
  REQUIRE(by_netlink);
  REQUIRE(by_table);
  CHECK(by_netlink->uid == expected);
  CHECK(by_table->uid == expected);
  CHECK(by_netlink->inode == by_table->inode);
  CHECK(tree_holds_socket(by_table->inode, child.pid, 0));
  // The same question about a connection that does not exist.
  const asio::ip::tcp::endpoint nobody(asio::ip::address_v4::loopback(), 1);
  CHECK(!tcp_peer_by_sock_diag(socket.local_endpoint(), nobody));
  CHECK(!tcp_peer_by_proc(socket.local_endpoint(), nobody));
}

TEST_CASE("on TCP another user is turned away") {
  asio::io_context context;
  std::vector<std::string> refusals;
  auto endpoint = listen_loopback(context.get_executor(), 0,
                                  [&](std::string_view why) { refusals.emplace_back(why); });
  REQUIRE(endpoint);
  const std::uint16_t port = (*endpoint)->port();
  REQUIRE(port != 0);
  if (::geteuid() == 0) {
    const Child other([&] {
      if (::setuid(4242) != 0) ::_exit(1);
      connect_tcp_port(port);
    });
    const Child ours([&] {
      ::usleep(200000);
      connect_tcp_port(port);
    });
    CHECK(accept_within(context, **endpoint, 5s));
    REQUIRE(refusals.size() == 1);
    CHECK_THAT(refusals[0], Catch::Matchers::ContainsSubstring("4242"));
  } else {
    const Child ours([&] { connect_tcp_port(port); });
    CHECK(accept_within(context, **endpoint, 5s));
  }
}

TEST_CASE("on TCP, too, an endpoint for the program lets its tree in") {
  asio::io_context context;
  std::optional<ProgramTree> tree;
  std::vector<std::string> refusals;
  auto endpoint = listen_loopback_for_program(
      context.get_executor(), 0, [&] { return tree; },
      [&](std::string_view why) { refusals.emplace_back(why); });
  REQUIRE(endpoint);
  const std::uint16_t port = (*endpoint)->port();
  SECTION("the program itself") {
    const Child child([&] { connect_tcp_port(port); });
    tree = ProgramTree{child.pid, 0};
    CHECK(accept_within(context, **endpoint, 5s));
  }
  SECTION("its grandchild") {
    const Child child([&] {
      if (::fork() == 0) {
        if (::fork() == 0) connect_tcp_port(port);
        ::pause();
      }
    });
    tree = ProgramTree{child.pid, 0};
    CHECK(accept_within(context, **endpoint, 5s));
  }
  SECTION("a thread's child") {
    const Child child([&] {
      std::thread([&] {
        if (::fork() == 0) connect_tcp_port(port);
        ::pause();
      }).join();
    });
    tree = ProgramTree{child.pid, 0};
    CHECK(accept_within(context, **endpoint, 5s));
  }
  SECTION("an orphan that the subreaper inherited") {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const Child child([&] {
      if (::fork() == 0) {
        if (::fork() == 0) {
          ::usleep(200000);
          connect_tcp_port(port);
          ::pause();
        }
        ::_exit(0);
      }
      ::wait(nullptr);
    });
    tree = ProgramTree{child.pid, ::getpid()};
    CHECK(accept_within(context, **endpoint, 5s));
    ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
  }
  SECTION("one whose connection its own child has, too") {
    const Child child([&] {
      const int socket = connect_tcp_port(port);
      if (::fork() == 0) ::pause();
      ::close(socket);
    });
    tree = ProgramTree{child.pid, 0};
    CHECK(accept_within(context, **endpoint, 5s));
  }
  CHECK(refusals.empty());
}

TEST_CASE("on TCP a process of the same user that is not the program's is turned away") {
  asio::io_context context;
  std::optional<ProgramTree> tree;
  std::vector<std::string> refusals;
  auto endpoint = listen_loopback_for_program(
      context.get_executor(), 0, [&] { return tree; },
      [&](std::string_view why) { refusals.emplace_back(why); });
  REQUIRE(endpoint);
  const std::uint16_t port = (*endpoint)->port();
  const auto nobody_in = [&](std::size_t count, std::string_view why) {
    CHECK(accept_within(context, **endpoint, 500ms).error().code == ErrorCode::cancelled);
    REQUIRE(refusals.size() == count);
    for (const std::string& refusal : refusals)
      CHECK_THAT(refusal, Catch::Matchers::ContainsSubstring(std::string(why)));
  };
  SECTION("before the program runs") {
    connect_tcp_port(port);
    nobody_in(1, "no program");
  }
  SECTION("beside the program, and before it") {
    const Child sleeper([] {});
    tree = ProgramTree{sleeper.pid, 0};
    const int socket = connect_tcp_port(port);  // the test: the program's parent
    const Child sibling([&] { connect_tcp_port(port); });
    nobody_in(2, "is not the program");
    char byte = 0;
    CHECK(::read(socket, &byte, 1) <= 0);
  }
  SECTION("the reaper itself") {
    const Child sleeper([] {});
    tree = ProgramTree{sleeper.pid, ::getpid()};
    connect_tcp_port(port);
    nobody_in(1, "is not the program");
  }
  SECTION("one that has gone before anybody looked") {
    const Child sleeper([] {});
    tree = ProgramTree{sleeper.pid, 0};
    ::close(connect_tcp_port(port));
    nobody_in(1, "");
  }
}

TEST_CASE("who holds a socket is found from above and from below") {
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  const std::uint16_t port = acceptor.local_endpoint().port();
  const Child child([&] {
    if (::fork() == 0) {
      if (::fork() == 0) connect_tcp_port(port);
      ::pause();
    }
  });
  const Child other([] {});
  asio::ip::tcp::socket socket = acceptor.accept();
  const auto peer = tcp_peer(socket.local_endpoint(), socket.remote_endpoint());
  REQUIRE(peer);
  REQUIRE(peer->inode != 0);
  for (const auto holds :
       {&tree_holds_socket, &tree_holds_socket_by_children, &tree_holds_socket_by_parents}) {
    CHECK(holds(peer->inode, child.pid, 0));
    CHECK(holds(peer->inode, other.pid, ::getpid()));  // as children of ours both are the program's
    CHECK_FALSE(holds(peer->inode, other.pid, 0));
    CHECK_FALSE(holds(peer->inode + 1, child.pid, 0));
    CHECK_FALSE(holds(0, child.pid, 0));
    CHECK_FALSE(holds(peer->inode, 0, 0));
    // Our own end of it: the children were made before it.
    struct stat ours{};
    REQUIRE(::fstat(socket.native_handle(), &ours) == 0);
    CHECK_FALSE(holds(ours.st_ino, child.pid, ::getpid()));
  }
}
