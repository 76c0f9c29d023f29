// SPDX-License-Identifier: Apache-2.0
#include "gateway/measured.h"

namespace hoop::gateway {
namespace {

Stage stage_of(session::Stage stage) {
  switch (stage) {
    case session::Stage::decide: return Stage::decide;
    case session::Stage::commit: return Stage::commit;
    case session::Stage::answer: return Stage::answer;
  }
  return Stage::answer;
}

class MeasuredHandler final : public session::ProtocolHandler, public session::GateObserver {
 public:
  explicit MeasuredHandler(std::shared_ptr<Metrics> metrics) : metrics_(std::move(metrics)) {
    metrics_->session_began();
  }
  ~MeasuredHandler() override { metrics_->session_ended(); }

  /// Call before anything else.
  void wrap(std::unique_ptr<session::ProtocolHandler> inner) { inner_ = std::move(inner); }

  Task<void> serve(std::uint64_t connection, net::StreamPtr downstream,
                   session::Opening opening) override {
    const Open open(metrics_);
    co_return co_await inner_->serve(connection, std::move(downstream), std::move(opening));
  }
  void end_all(std::string reason) override { inner_->end_all(std::move(reason)); }
  void announce(std::string words) override { inner_->announce(std::move(words)); }
  bool can_judge_by(const access::PolicyDocument& part) const override {
    return inner_->can_judge_by(part);
  }

  void decided(const access::Decision& decision) override { metrics_->decided(decision); }
  void masked(std::uint64_t values) override { metrics_->masked(values); }
  void took(session::Stage stage, std::chrono::nanoseconds span) override {
    metrics_->took(stage_of(stage), span);
  }

 private:
  /// A connection that is counted as long as it is served, however that ends.
  class Open {
   public:
    explicit Open(std::shared_ptr<Metrics> metrics) : metrics_(std::move(metrics)) {
      metrics_->tunnel_began();
    }
    ~Open() { metrics_->tunnel_ended(); }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

   private:
    std::shared_ptr<Metrics> metrics_;
  };
  std::shared_ptr<Metrics> metrics_;
  std::unique_ptr<session::ProtocolHandler> inner_;
};

class MeasuredIssuer final : public CredentialIssuer {
 public:
  MeasuredIssuer(std::unique_ptr<CredentialIssuer> inner, Metrics& metrics)
      : inner_(std::move(inner)), metrics_(metrics) {}

  std::string name_for(const std::string& session) const override {
    return inner_->name_for(session);
  }
  Result<access::Credential> issue(const access::Authorization& authorization,
                                   const std::string& name) override {
    return inner_->issue(authorization, name);
  }
  bool can_extend() const override { return inner_->can_extend(); }
  Result<void> extend(const access::Authorization& authorization,
                      const std::string& name) override {
    return inner_->extend(authorization, name);
  }
  Result<void> revoke(const std::string& name) override {
    auto revoked = inner_->revoke(name);
    metrics_.revoked(revoked.has_value());
    return revoked;
  }
  Result<std::vector<Issued>> list() override { return inner_->list(); }
  void drop_idle() override { inner_->drop_idle(); }

 private:
  std::unique_ptr<CredentialIssuer> inner_;
  Metrics& metrics_;
};

}  // namespace

session::HandlerFactory measured(session::HandlerFactory make, std::shared_ptr<Metrics> metrics) {
  return [make = std::move(make), metrics = std::move(metrics)](
             session::SessionContext context) -> Result<std::unique_ptr<session::ProtocolHandler>> {
    auto handler = std::make_unique<MeasuredHandler>(metrics);
    context.gate.observe(*handler);
    HOOP_TRY(auto inner, make(context));
    handler->wrap(std::move(inner));
    return handler;
  };
}

std::unique_ptr<CredentialIssuer> measured(std::unique_ptr<CredentialIssuer> issuer,
                                           Metrics& metrics) {
  return std::make_unique<MeasuredIssuer>(std::move(issuer), metrics);
}

}  // namespace hoop::gateway
