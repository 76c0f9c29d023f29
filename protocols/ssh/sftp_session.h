// SPDX-License-Identifier: Apache-2.0
// What an SFTP client and its server say to each other, taken apart, so that each file is judged
// by the path that it has at the host, and known by its name, size and digest.
//
// Sans I/O. Bytes go in on both sides and come out on both sides. The host itself is asked what
// a path means (REALPATH), and what goes on is written anew with that path: neither a symbolic link
// nor ".." leads past a rule, unless somebody at the host changes the links in that moment.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/access/action.h"
#include "core/base/byte_queue.h"
#include "core/crypto/digest.h"
#include "protocols/ssh/sftp_packets.h"

namespace hoop::ssh {

/// Bytes of one file in one direction.
struct SftpTransfer {
  std::string path;
  bool upload = false;
  std::uint64_t bytes = 0;
  /// Of what moved, where that was one run from the beginning of the file on.
  std::optional<crypto::Digest256> sha256;
  /// A download has reached the end of the file.
  bool whole = false;
};

/// An action has ended.
struct SftpOutcome {
  std::uint64_t action = 0;
  std::string status;       // "ok", "error 2", "lost"
  std::uint64_t bytes = 0;  // of its file, both ways
  std::vector<SftpTransfer> transfers;
};
/// So many bytes of an action's file have moved, what is handed out next included.
struct SftpProgress {
  std::uint64_t action = 0;
  std::uint64_t bytes = 0;
};
/// A transfer was cut off by a limit.
struct SftpCut {
  std::uint64_t action = 0;
  std::string words;
};
using SftpEvent = std::variant<SftpOutcome, SftpProgress, SftpCut>;

class SftpSession {
 public:
  struct Parts {
    /// Whether that many more bytes of a file may move, of which before have; else why not.
    std::function<std::string(std::uint64_t before, std::uint64_t more)> charge;
    /// What stands for a name in what a client is shown; none: the name itself.
    std::function<Result<std::string>(std::string_view)> hide;
  };
  explicit SftpSession(Parts parts);
  ~SftpSession();

  /// Fail with malformed: framing that cannot be followed any more, or a server that answers what
  /// was not asked.
  Result<void> from_client(ByteSpan piece);
  Result<void> from_target(ByteSpan piece);

  /// What has to be judged before anything else of the client goes on.
  const access::Action* wish() const { return wish_ ? &wish_->action : nullptr; }
  /// The wish is a question for what a path means, which every client asks of everything: refused,
  /// it is answered without the host's help, and nobody is told.
  bool wishes_meaning() const { return wish_ && wish_->request.type == SftpType::realpath; }
  /// Answers of it. action: its number, for events. words: for the client.
  Result<void> allow(std::uint64_t action);
  Result<void> refuse(std::string_view words);

  /// Whether what the client has sent waits for something: it should send no more.
  bool is_stalled() const;
  /// What goes on, since the last call.
  Bytes take_for_target() { return std::exchange(for_target_, {}); }
  Bytes take_for_client() { return std::exchange(for_client_, {}); }
  /// To be recorded before what goes on does.
  std::vector<SftpEvent> take_events() { return std::exchange(events_, {}); }
  /// The channel is over: events of all that was not.
  void end();

 private:
  /// Whole packets out of pieces.
  class Packets {
   public:
    void append(ByteSpan piece);
    /// The first one, without its length; it stands until drop(). Fails with malformed.
    Result<std::optional<ByteSpan>> next() const;
    void drop();

   private:
    ByteQueue bytes_;
  };
  struct Flow {
    std::uint64_t bytes = 0;
    std::uint64_t next = 0;  // where the run from the beginning has come to
    bool in_order = true;
    bool at_end = false;
    std::optional<crypto::Sha256> hash;
    void take(std::uint64_t offset, ByteSpan data);
    /// Its digest will not be known.
    void lose();
  };
  struct File {
    std::uint64_t action = 0;
    std::string path;
    bool reads = false, writes = false, is_folder = false, appends = false;
    Flow down, up;
    std::uint64_t reported = 0;
    std::string cut;  // why nothing moves any more
    bool ended = false;
  };
  using FilePtr = std::shared_ptr<File>;
  /// What the server has been asked for.
  struct Pending {
    enum class Purpose { home, lookup, open, read, write, close, act, plain };
    Purpose purpose = Purpose::plain;
    SftpType expected = SftpType::status;  // beside a status
    std::uint32_t client_id = 0;
    std::uint64_t action = 0;
    std::size_t lookup = 0;
    FilePtr file;
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
  };
  /// A request whose paths are looked up, then judged.
  struct Wish {
    SftpRequest request;
    Bytes attributes, handle;  // the request's
    struct Lookup {
      std::string as_written;
      std::string asked, behind;  // what the server resolves; names in there that it must not
      std::string path;
      int steps = 0;         // up from what is not there
      bool unclear = false;  // what it means nobody can tell
      std::optional<SftpCode> failure;
      bool done = false;
    };
    std::vector<Lookup> lookups;
    FilePtr file;  // of a request by handle
    access::Action action;
    std::uint64_t number = 0;
  };

  Result<void> advance();
  Result<void> take_request(ByteSpan packet);
  Result<void> greet(const SftpRequest& request);
  void by_handle(const SftpRequest& request);
  void by_path(SftpRequest request);
  void look_up(Wish wish);
  bool look_above(std::size_t number);
  void ask_meaning(std::size_t number);
  void judge_now();
  void turn_down(const Wish& wish, std::string_view words);
  void carry_out(Wish wish);
  Result<void> take_answer(ByteSpan packet);
  Result<void> take_version(const SftpAnswer& answer);
  Result<void> take_lookup(const Pending& pending, const SftpAnswer& answer);
  Result<void> pass_on(const Pending& pending, const SftpAnswer& answer);
  bool move(const FilePtr& file, Flow& flow, std::uint64_t offset, ByteSpan data);
  void send(SftpRequest request, Pending pending);
  void answer(std::uint32_t client_id, SftpCode code, std::string_view words);
  void answer_in_turn(const SftpAnswer& answer);
  void release_answers();
  std::size_t in_flight() const { return pending_.size() + own_answers_.size(); }
  void end(File& file, std::string status);
  std::string lexical(std::string_view path) const;

  Parts parts_;
  Packets client_, target_;
  Bytes for_target_, for_client_;
  std::vector<SftpEvent> events_;
  std::map<std::uint32_t, Pending> pending_;  // by our ids
  /// Ours, behind those that the server still owes for what was asked before: some clients take the
  /// last answer for how all of it went.
  struct OwnAnswer {
    std::uint32_t before = 0;  // the first id that is not waited for
    Bytes bytes;
  };
  std::deque<OwnAnswer> own_answers_;
  std::map<std::string, FilePtr, std::less<>> files_;  // by handle
  std::uint32_t next_id_ = 0;
  enum class Stage { silent, greeted, known, ready } stage_ = Stage::silent;
  std::string home_ = "/";
  std::optional<Wish> looking_;  // its lookups are on their way
  std::optional<Wish> wish_;
};

}  // namespace hoop::ssh
