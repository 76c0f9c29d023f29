// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/sqlstate.h"

namespace hoop::postgres {

std::string_view sqlstate(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return "22023";            // invalid_parameter_value
    case ErrorCode::config: return "F0000";           // config_file_error
    case ErrorCode::unauthenticated: return "28P01";  // invalid_password
    case ErrorCode::denied: return "42501";           // insufficient_privilege
    case ErrorCode::not_found: return "42704";        // undefined_object
    case ErrorCode::malformed: return "08P01";        // protocol_violation
    case ErrorCode::unsupported: return "0A000";      // feature_not_supported
    case ErrorCode::too_large: return "54000";        // program_limit_exceeded
    case ErrorCode::upstream_unreachable:
      return "08001";  // sqlclient_unable_to_establish_sqlconnection
    case ErrorCode::upstream_refused:
      return "08004";                           // sqlserver_rejected_establishment_of_sqlconnection
    case ErrorCode::timeout: return "08006";    // connection_failure
    case ErrorCode::cancelled: return "57P01";  // admin_shutdown
    case ErrorCode::io: return "08006";         // connection_failure
    case ErrorCode::storage: return "58030";    // io_error
    case ErrorCode::integrity: return "08001";  // sqlclient_unable_to_establish_sqlconnection
    case ErrorCode::internal: return "XX000";   // internal_error
  }
  return "XX000";
}

Report to_report(const Error& error, Severity severity) {
  Report report;
  report.severity = severity;
  report.sqlstate = sqlstate(error.code);
  report.message = error.message;
  report.hint = error.hint;
  return report;
}

}  // namespace hoop::postgres
