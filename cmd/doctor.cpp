// SPDX-License-Identifier: Apache-2.0
// hoopctl doctor: what is wrong with this machine's set-up, one line each, with the fix.
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/findings.h"
#include "cmd/gateway_client.h"
#include "cmd/json_view.h"
#include "cmd/log_delivery.h"
#include "cmd/run.h"
#include "core/base/encoding.h"
#include "core/http/http_date.h"
#include "core/process/isolation.h"
#include "core/process/runtime_dir.h"

namespace hoop::cmd {
namespace {

// The answer's Date counts whole seconds, and comes a moment later. What lasts is measured by the
// gateway's clock; a wrong one here shows in the times of records, and certificates seem expired.
constexpr auto kMostSkew = std::chrono::seconds(5);
constexpr std::size_t kLongestRuntimeName = 16;

class Doctor {
 public:
  explicit Doctor(Environment& environment)
      : environment_(environment), findings_(environment.console) {}
  ExitStatus examine();

 private:
  Finding configuration() const;
  Finding state_folder() const;
  Finding runtime_folder() const;
  Finding spool() const;
  Finding isolation() const;
  Finding client(const std::string& name, const std::string& package) const;
  void gateway();
  Finding reach();
  Finding clock() const;
  Finding login();
  Finding targets();

  Environment& environment_;
  Findings findings_;
  asio::io_context context_;
  std::unique_ptr<GatewayClient> client_;
  std::optional<http::Response> hello_;
  SystemTime answered_at_{};
};

// ---- This machine ----

/// A file that cannot be read has ended the command before.
Finding Doctor::configuration() const {
  const auto file = environment_.config_file();
  if (!file) return {Health::ok, "there is none: no home directory"};
  std::error_code ignored;
  if (!std::filesystem::exists(*file, ignored))
    return {Health::ok, fmt::format("'{}' is not there, and need not be", *file)};
  return {Health::ok, fmt::format("'{}' can be read", *file)};
}

Finding Doctor::state_folder() const {
  const auto folder = environment_.state_folder();
  if (!folder) return failed(folder.error());
  if (const auto store = identity::TokenStore::open(*folder); !store) return failed(store.error());
  const auto disk = record::disk_space(*folder);
  if (!disk) return failed(disk.error());
  if (disk->room == record::DiskRoom::critical)
    return {Health::failed,
            fmt::format("'{}' has {} KiB of disk left: no session is opened", *folder,
                        disk->free_bytes >> 10),
            "free some disk space", ExitStatus::record_lost};
  if (disk->room == record::DiskRoom::low)
    return {Health::warning,
            fmt::format("'{}' has {} MiB of disk left, and nothing is released that cannot be "
                        "recorded there",
                        *folder, disk->free_bytes >> 20),
            "free some disk space"};
  return {Health::ok, fmt::format("'{}' is private, and has {} MiB of disk left", *folder,
                                  disk->free_bytes >> 20)};
}

Finding Doctor::runtime_folder() const {
  const process::RuntimeBases bases{environment_.variable("XDG_RUNTIME_DIR").value_or(""),
                                    environment_.variable("TMPDIR").value_or("")};
  const auto made = process::RuntimeDir::create(bases, kLongestRuntimeName, environment_.random);
  if (!made) return failed(made.error());
  return {Health::ok, fmt::format("endpoints are made in '{}'",
                                  made->path().substr(0, made->path().rfind('/')))};
}

Finding Doctor::spool() const {
  const auto opened = open_spool(environment_);
  if (!opened) return failed(opened.error());
  const auto waiting = opened->list(), refused = opened->list_refused();
  if (!waiting) return failed(waiting.error());
  if (!refused) return failed(refused.error());
  if (!waiting->empty())
    return {Health::warning,
            fmt::format("{} session log{} for delivery", waiting->size(),
                        waiting->size() == 1 ? " waits" : "s wait"),
            "hoopctl sessions upload"};
  if (!refused->empty())
    return {Health::warning,
            fmt::format("{} session log{} refused by a gateway and set aside", refused->size(),
                        refused->size() == 1 ? " was" : "s were"),
            "hoopctl sessions pending lists them; show them to the gateway's operator"};
  return {Health::ok, "no session log waits for delivery"};
}

Finding Doctor::client(const std::string& name, const std::string& package) const {
  std::string_view path = environment_.variables.contains("PATH")
                              ? std::string_view(environment_.variables.at("PATH"))
                              : std::string_view();
  while (!path.empty()) {
    const std::size_t end = std::min(path.find(':'), path.size());
    const std::string file = fmt::format("{}/{}", path.substr(0, end), name);
    if (::access(file.c_str(), X_OK) == 0) return {Health::ok, file};
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return {Health::warning, fmt::format("there is no {} in PATH", name),
          fmt::format("install {}, or name another program after --", package)};
}

Finding Doctor::isolation() const {
  if (const auto checked = process::check_isolation(); !checked)
    return {Health::warning, checked.error().message, checked.error().hint};
  return {Health::ok, "programs can be isolated: --isolate of connect and run"};
}

// ---- The gateway ----

Finding Doctor::reach() {
  const SteadyTime asked = environment_.clock.steady_now();
  auto answer = run(context_, client_->hello());
  answered_at_ = environment_.clock.system_now();
  if (!answer) return failed(answer.error());
  const std::string& url = client_->record().url;
  const auto document = identity::parse_json(answer->body);
  const std::string* version = document ? document->text("version") : nullptr;
  if (answer->status != 200 || version == nullptr)
    return {Health::failed, fmt::format("what answers at {} is no gateway", url),
            "hoopctl login --gateway https://HOST[:PORT]", ExitStatus::unreachable};
  hello_ = std::move(*answer);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      environment_.clock.steady_now() - asked);
  const identity::GatewayRecord& record = client_->record();
  const std::string_view trust = !record.ca_sha256.empty() ? "the pinned authority"
                                 : !record.ca_pem.empty()  ? "the authorities of the login"
                                                           : "the system's authorities";
  if (*version != HOOPCTL_VERSION)
    return {Health::warning,
            fmt::format("{} has version {}, and this is {}", url, *version, HOOPCTL_VERSION),
            "use the same on both sides where something does not work"};
  return {Health::ok, fmt::format("{} answered in {} ms; trusted by {}", url, took.count(), trust)};
}

Finding Doctor::clock() const {
  const auto date = http::parse_http_date(hello_->headers.only("Date").value_or(""));
  if (!date) return {Health::warning, "the gateway does not say what time it is"};
  const auto apart = std::chrono::duration_cast<std::chrono::seconds>(answered_at_ - *date);
  const auto size = std::chrono::abs(apart);
  if (size <= kMostSkew) return {Health::ok, "this clock and the gateway's agree"};
  return {Health::warning,
          fmt::format("this clock is {} s {} the gateway's: the record's times will be wrong",
                      size.count(), apart.count() > 0 ? "ahead of" : "behind"),
          "synchronise both by NTP"};
}

Finding Doctor::login() {
  const auto me = run(context_, client_->get("/v1/whoami"));
  if (!me) return failed(me.error());
  return {Health::ok,
          fmt::format("{}, in groups {}", text_at(*me, "subject"), shown(value_at(*me, "groups")))};
}

Finding Doctor::targets() {
  const auto answer = run(context_, client_->get("/v1/targets"));
  if (!answer) return failed(answer.error());
  const identity::Json* list = answer->find("targets");
  const std::size_t count = list != nullptr && list->array() != nullptr ? list->array()->size() : 0;
  if (count == 0)
    return {Health::warning, "there is none that you may open",
            "ask the gateway's operator for a role"};
  return {Health::ok, fmt::format("{} that you may open", count)};
}

void Doctor::gateway() {
  const Finding skipped{Health::skipped, "needs a gateway that answers"};
  const auto url = chosen_gateway(environment_);
  auto opened = url ? GatewayClient::open(environment_, context_.get_executor(), *url)
                    : std::unexpected(url.error());
  Finding reached = opened ? Finding{} : failed(opened.error());
  if (opened) {
    client_ = std::move(*opened);
    reached = reach();
  }
  findings_.tell("gateway", reached);
  const bool there = hello_.has_value();
  findings_.tell("clock", there ? clock() : skipped);
  const Finding logged_in = there ? login() : skipped;
  findings_.tell("login", logged_in);
  findings_.tell("targets", logged_in.health == Health::ok
                                ? targets()
                                : Finding{Health::skipped, "needs a login"});
  if (client_) client_->close();
}

ExitStatus Doctor::examine() {
  findings_.tell("configuration", configuration());
  findings_.tell("state", state_folder());
  findings_.tell("runtime", runtime_folder());
  gateway();
  findings_.tell("spool", spool());
  findings_.tell("isolation", isolation());
  findings_.tell("psql", client("psql", "postgresql-client"));
  return findings_.status();
}

}  // namespace

void add_doctor(CLI::App& app, Environment& environment) {
  CLI::App* command =
      app.add_subcommand("doctor", "say what is wrong with this machine's set-up, and the fix");
  command->footer(examples({"hoopctl doctor", "hoopctl --output json doctor"}));
  command->callback([&environment] {
    environment.work = [&environment] { return Doctor(environment).examine(); };
  });
}

}  // namespace hoop::cmd
