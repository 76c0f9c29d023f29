// SPDX-License-Identifier: Apache-2.0
// The stock ssh or scp, connecting to the test. Throws, which fails the test, when it is missing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/base/descriptor.h"

namespace hoop::test {

struct SshRan {
  int status = -1;  // 128+N for signal N
  std::string out, err;
};

class SshClient {
 public:
  struct Options {
    std::string host_key;            // the line of the one that it trusts
    std::vector<std::string> words;  // options, where to, what to run
    std::string input = {};
    std::string program = "/usr/bin/ssh";
  };
  explicit SshClient(const Options& options);
  ~SshClient();
  SshClient(const SshClient&) = delete;
  SshClient& operator=(const SshClient&) = delete;

  /// Its connection.
  Descriptor accept();
  /// Makes it go, as SIGTERM does.
  void leave();
  /// Its end.
  SshRan wait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A process that runs body, and dies with the test.
template <class Body>
pid_t start_process(Body body);
/// 128+N for signal N.
int status_of(pid_t child);

pid_t fork_with_parent();
template <class Body>
pid_t start_process(Body body) {
  const pid_t child = fork_with_parent();
  if (child == 0) {
    body();
    ::_exit(127);
  }
  return child;
}

}  // namespace hoop::test
