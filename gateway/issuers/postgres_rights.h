// SPDX-License-Identifier: Apache-2.0
// What a role may be and reach for sessions to be given its rights.
#pragma once

#include <string_view>

namespace hoop::gateway {

/// The beginning of a statement: WITH reachable(oid): the role named by $1 and all that it is a
/// member of, directly or not, which SET ROLE would reach; forbidden(why): what forbids one of
/// them. reachable is empty if there is no such role.
inline constexpr std::string_view kReachableRoles = R"sql(
WITH RECURSIVE reachable(oid) AS (
    SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1
  UNION
    SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN reachable ON m.member = reachable.oid
), forbidden(why) AS (
    SELECT CASE
      WHEN r.rolsuper THEN 'SUPERUSER' WHEN r.rolbypassrls THEN 'BYPASSRLS' WHEN r.rolreplication THEN 'REPLICATION'
      WHEN r.rolcreaterole THEN 'CREATEROLE'
      WHEN r.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program',
                         'pg_signal_backend', 'pg_create_subscription') THEN r.rolname::text
      WHEN r.rolname LIKE 'hoop\_%' THEN 'a role of hoopctl' END
    FROM pg_catalog.pg_roles r JOIN reachable USING (oid)
)
)sql";

}  // namespace hoop::gateway
