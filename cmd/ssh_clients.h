// SPDX-License-Identifier: Apache-2.0
// How OpenSSH's programs, and what runs them, find endpoints: by a configuration that has each
// target as a host, and by scripts of their names that give it to them.
#pragma once

#include <string>

#include "cmd/environment.h"
#include "cmd/postgres_clients.h"

namespace hoop::cmd {

/// The blocks of these hosts, and what the user has configured behind them. Fails with internal.
Result<std::string> ssh_configuration(const Endpoints& endpoints);

/// What a program is told of hosts. Writes configuration and scripts into the first one's folder.
/// Fails with not_found where there is no ssh.
Result<Variables> ssh_variables(const Environment& environment, const Endpoints& endpoints);

/// The key that the endpoint of `proxy --stdio` shows, of the user's own state folder; made at
/// first. Fails with storage, config.
Result<crypto::Ed25519Key> stream_host_key(const Environment& environment);
/// A file in which ssh finds it. Fails as stream_host_key().
Result<std::string> keep_stream_host_key(const Environment& environment);
/// The block of a host that ssh reaches by `proxy --stdio`. Names are plain.
Result<std::string> stream_host_block(const std::string& gateway, const std::string& target,
                                      const std::string& host, const std::string& login,
                                      const std::string& known_hosts);

/// "--pass-ssh-socket PATH": what the configuration has ssh run. Hands a connection to the socket
/// to the ssh that runs it, by standard output, and waits until the other end speaks: ssh waits for
/// it too, and who has come is known by then. Answers an exit status.
int pass_ssh_socket(const char* path);
inline constexpr std::string_view kPassSshSocket = "--pass-ssh-socket";

}  // namespace hoop::cmd
