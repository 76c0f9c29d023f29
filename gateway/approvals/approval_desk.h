// SPDX-License-Identifier: Apache-2.0
// Where sessions ask for approvals, and people decide. Who may decide is judged by the policy of
// the moment, never by that of the request.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/access/policy.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/net/asio.h"
#include "core/net/ask_loop.h"
#include "core/net/task_group.h"
#include "gateway/approvals/approval_store.h"
#include "gateway/approvals/approval_waiters.h"
#include "gateway/audit.h"

namespace hoop::gateway {

/// A session that asks, as the gateway knows it: nothing of this comes with the question.
struct Asker {
  std::string subject;
  access::IdentityKind kind = access::IdentityKind::person;
  std::string claimed_agent;
  std::string session;
  std::string target;
  std::string role;    // the policy's, by which the session opens the target
  std::string reason;  // of the session
};

/// A request as somebody may see it.
struct ApprovalView {
  ApprovalRequest request;             // its state is what is so now
  std::vector<std::string> approvers;  // of the rule now; of the request, where the rule has gone
  /// This person could decide it now, after a fresh sign-in.
  bool may_decide = false;
};

/// What a list is asked for.
struct ApprovalFilter {
  std::vector<access::ApprovalState> states;  // empty: all
  bool mine = false;                          // only what the viewer has asked for
};

struct ApprovalList {
  std::vector<ApprovalView> requests;  // the latest first
  bool more = false;                   // there are older ones, which did not fit
};

/// Why a decision was not taken, in the order in which it is looked at.
enum class Undecided {
  unknown,         // also: not for these eyes
  not_a_person,    // agents and CI decide nothing
  own_request,     // nor does anybody their own
  policy_changed,  // there is no such rule any more
  not_an_approver,
  stale_sign_in,
  other_bytes,  // what was shown is not what is asked for
  decided,      // by somebody else before, or too late
  failed        // the store
};
struct NotDecided {
  Undecided why = Undecided::failed;
  Error error;
};

/// On the gateway's first loop. The store is asked on the loop's thread: each call is short.
class ApprovalDesk {
 public:
  /// What is borrowed outlives it.
  struct Parts {
    ApprovalStore& store;
    Audit& audit;
    /// That of new grants.
    std::function<std::shared_ptr<const access::PolicyEngine>()> policy;
    const Clock& clock;
    Random& random;
    Log& log;
    asio::any_io_executor executor;
    std::chrono::seconds lifetime{std::chrono::hours(1)};  // of what nobody decides
  };
  explicit ApprovalDesk(Parts parts);
  ~ApprovalDesk();
  ApprovalDesk(const ApprovalDesk&) = delete;
  ApprovalDesk& operator=(const ApprovalDesk&) = delete;

  enum class Made { anew, joined };
  struct Requested {
    access::Approval approval;
    Made made = Made::joined;
  };
  /// Joins the asker's open request for exactly this, or one that was rejected a moment ago, else
  /// makes one. Fails with denied (there is no rule that concerns the session and wants an
  /// approval), malformed (nothing that people could read), too_large (too many of the asker's
  /// requests wait), storage.
  Result<Requested> request(const Asker& asker, access::ApprovalQuestion question);
  /// Returns when it is not pending any more, or after some time that is not longer than patience.
  /// Fails with not_found, storage, and cancelled: the gateway is stopping.
  Task<access::Approval> wait(std::string id, std::chrono::milliseconds patience);
  /// As wait(), for who cannot await it here.
  void answer_later(std::string id, std::chrono::milliseconds patience,
                    net::Answer<access::Approval> answer);
  /// True once: the approval lets its one action pass now. False where it does not, whatever the
  /// reason: not approved, spent, expired, of somebody else or at another target, for no agent and
  /// an agent asks, or its rule has gone. Fails with storage.
  Result<bool> spend(const std::string& id, const Asker& asker);

  /// An approved request that a session of this identity at the target can spend. Fails with
  /// denied, in words that follow its id, and with storage.
  Result<ApprovalRequest> usable(const std::string& id, const access::Identity& identity,
                                 const std::string& target);

  enum class Choice { approve, reject };
  struct Decided {
    Choice choice = Choice::reject;
    std::string words;           // the reason; may be empty
    crypto::Digest256 digest{};  // of what was shown
  };
  /// Recorded before it counts; wakes who waits for it.
  std::expected<ApprovalView, NotDecided> decide(const std::string& id,
                                                 const access::Identity& approver,
                                                 const Decided& decided);

  /// As it is now, whoever asks. Fails with not_found, storage.
  Result<ApprovalRequest> find(const std::string& id);
  /// Fails with not_found, also where it is not for the viewer: its asker, who may decide it, and
  /// auditors see it.
  Result<ApprovalView> show(const std::string& id, const access::Identity& viewer);
  Result<ApprovalList> list(const access::Identity& viewer, const ApprovalFilter& filter);

  /// Lets everybody who waits go, now and from now on.
  asio::awaitable<void> stop();

 private:
  using PolicyPtr = std::shared_ptr<const access::PolicyEngine>;
  Result<std::optional<ApprovalRequest>> look_up(const std::string& id, const PolicyPtr& policy);
  ApprovalView view_of(ApprovalRequest request, const PolicyPtr& policy,
                       const access::Identity& viewer) const;
  std::optional<NotDecided> obstacle(const ApprovalRequest& request, const PolicyPtr& policy,
                                     const access::Identity& approver,
                                     const Decided& decided) const;
  asio::awaitable<void> answer(std::string id, std::chrono::milliseconds patience,
                               net::Answer<access::Approval> answer);
  void tidy();

  Parts parts_;
  std::shared_ptr<ApprovalWaiters> waiters_;  // with what awaits there, which may outlive the desk
  std::optional<SteadyTime> tidied_;
  net::TaskGroup tasks_;
};

access::Approval to_approval(const ApprovalRequest& request);
/// "apr_" and 26 characters of base32.
bool is_approval_id(std::string_view text);

}  // namespace hoop::gateway
