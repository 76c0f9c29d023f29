// SPDX-License-Identifier: Apache-2.0
#include "core/mask/detectors.h"

#include <time.h>
#include <algorithm>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::mask;

namespace {

std::shared_ptr<const DetectorSet> all_detectors() {
  std::vector<DetectorClass> classes;
  for (std::size_t i = 0; i < kDetectorClasses; ++i)
    classes.push_back(static_cast<DetectorClass>(i));
  auto set = DetectorSet::create(classes);
  REQUIRE(set);
  return *set;
}

std::vector<Hit> scan_all(DetectorScan& scan, std::string_view text) {
  std::vector<Hit> hits;
  REQUIRE(scan.scan({&text, 1}, hits));
  return hits;
}

/// One line of the corpus: "class<TAB>text" with the value between « and »; "none" for what must
/// not be found. A ~ in the text is left out when it is read, so that the file holds no token that
/// a secret scanner would take for real; ~~ stands for one, \n for a line end.
struct Line {
  std::size_t number = 0;
  std::string wanted;
  std::string text;
  std::optional<std::pair<std::size_t, std::size_t>> span;
};

std::vector<Line> read_corpus() {
  std::ifstream file(HOOP_SOURCE_DIR "/tests/conformance/detectors/corpus.txt");
  REQUIRE(file);
  std::vector<Line> lines;
  std::string raw;
  for (std::size_t number = 1; std::getline(file, raw); ++number) {
    if (raw.empty() || raw.starts_with('#')) continue;
    const auto tab = raw.find('\t');
    INFO("line " << number);
    REQUIRE(tab != std::string::npos);
    Line line{number, raw.substr(0, tab), {}, {}};
    std::size_t begin = std::string::npos;
    for (std::size_t i = tab + 1; i < raw.size(); ++i) {
      const std::string_view rest = std::string_view(raw).substr(i);
      if (rest.starts_with("\xc2\xab")) {
        begin = line.text.size();
        ++i;
      } else if (rest.starts_with("\xc2\xbb")) {
        line.span = {begin, line.text.size()};
        ++i;
      } else if (rest.starts_with("\\n")) {
        line.text += '\n';
        ++i;
      } else if (rest.starts_with("~~")) {
        line.text += '~';
        ++i;
      } else if (raw[i] != '~') {
        line.text += raw[i];
      }
    }
    REQUIRE((line.wanted == "none") == !line.span);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

TEST_CASE("detector names go both ways") {
  for (std::size_t i = 0; i < kDetectorClasses; ++i) {
    const auto detector = static_cast<DetectorClass>(i);
    CHECK(parse_detector(to_string(detector)) == detector);
  }
  const auto unknown = parse_detector("passport");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == ErrorCode::not_found);
  CHECK(unknown.error().hint.find("payment_card") != std::string::npos);
}

TEST_CASE("the corpus is found: recall and precision of every class") {
  const auto lines = read_corpus();
  CHECK(lines.size() >= 600);
  DetectorScan scan(all_detectors());
  struct Score {
    unsigned wanted = 0;
    unsigned found = 0;
    unsigned wrong = 0;
  };
  std::map<std::string, Score> scores;
  for (const Line& line : lines) {
    if (line.span) ++scores[line.wanted].wanted;
    bool found = false;
    for (const Hit& hit : scan_all(scan, line.text)) {
      const std::string name(to_string(hit.detector));
      const bool right = line.span && name == line.wanted && hit.begin == line.span->first &&
                         hit.end == line.span->second;
      found |= right;
      if (right) continue;
      ++scores[name].wrong;
      WARN("corpus.txt:" << line.number << ": " << name << " found '"
                         << line.text.substr(hit.begin, hit.end - hit.begin) << "'");
    }
    if (found) ++scores[line.wanted].found;
    if (line.span && !found)
      WARN("corpus.txt:" << line.number << ": " << line.wanted << " missed in '" << line.text
                         << "'");
  }
  for (const auto& [name, score] : scores) {
    const double recall = score.wanted == 0 ? 1.0 : static_cast<double>(score.found) / score.wanted;
    const double precision = score.found + score.wrong == 0
                                 ? 1.0
                                 : static_cast<double>(score.found) / (score.found + score.wrong);
    std::printf("%-20s %3u values  recall %.3f  precision %.3f\n", name.c_str(), score.wanted,
                recall, precision);
    INFO(name);
    CHECK(score.wanted >= 5);
    CHECK(recall >= 0.98);
    CHECK(precision >= 0.99);
  }
  CHECK(scores.size() == kDetectorClasses);
}

TEST_CASE("a value is found at either edge, and at every offset of a block") {
  DetectorScan scan(all_detectors());
  for (const std::string_view value :
       {"bob@example.com", "4111111111111111", "5500 0000 0000 0004", "123-45-6789",
        "AKIA2Q7EXAMPLE3KZ7YX", "DE89370400440532013000", "+442071838750", "(212) 555-0123",
        "10.20.30.40", "2001:db8::1"}) {
    for (std::size_t before = 0; before < 200; ++before) {
      const std::string text = std::string(before, '.') + std::string(value);
      for (const std::string& tail :
           {std::string(), std::string(" "), std::string(70, '.') + " x"}) {
        const std::string whole =
            (before == 0 ? std::string() : std::string(before - 1, '.') + " ") +
            std::string(value) + tail;
        const auto hits = scan_all(scan, whole);
        if (hits.size() != 1 || hits[0].begin != before || hits[0].end != before + value.size())
          FAIL("'" << whole << "'");
      }
    }
  }
}

TEST_CASE("a field above the chunk size is scanned like a small one") {
  DetectorScan scan(all_detectors());
  const std::string text =
      std::string(200'000, 'a') + " bob@example.com " + std::string(200'000, '1') + " 123-45-6789";
  const auto hits = scan_all(scan, text);
  REQUIRE(hits.size() == 2);
  CHECK(hits[0] == Hit{0, 200'001, 200'016, DetectorClass::email});
  CHECK(hits[1].detector == DetectorClass::us_ssn);
}

TEST_CASE("hits come by field and place, and overlaps are one") {
  DetectorScan scan(all_detectors());
  const std::vector<std::string_view> fields = {
      "x bob@example.com 123-45-6789 a@b.org", "",
      "-----BEGIN PRIVATE KEY-----\nbob@example.com\n-----END PRIVATE KEY-----"};
  std::vector<Hit> hits = {Hit{7, 1, 2, DetectorClass::jwt}};
  REQUIRE(scan.scan(fields, hits));
  REQUIRE(hits.size() == 5);
  CHECK(hits[0].field == 7);
  CHECK(hits[1] == Hit{0, 2, 17, DetectorClass::email});
  CHECK(hits[2] == Hit{0, 18, 29, DetectorClass::us_ssn});
  CHECK(hits[3] == Hit{0, 30, 37, DetectorClass::email});
  CHECK(hits[4] ==
        Hit{2, 0, static_cast<std::uint32_t>(fields[2].size()), DetectorClass::private_key});
}

TEST_CASE("an access key id in one column leads to the secret in the next") {
  DetectorScan scan(all_detectors());
  const std::string secret = std::string("aB3dE5gH7jK9mN1pQ3sT") + "5vW7yZ9bC1dF3gH5jK7m";
  const std::vector<std::string_view> fields = {"ci", "AKIA2Q7EXAMPLE3KZ7YX", secret, secret};
  std::vector<Hit> hits;
  REQUIRE(scan.scan(fields, hits));
  REQUIRE(hits.size() == 2);
  CHECK(hits[0].detector == DetectorClass::aws_access_key);
  CHECK(hits[1] == Hit{2, 0, 40, DetectorClass::aws_secret_key});
}

TEST_CASE("a set has what it was made of and nothing else") {
  const std::vector<DetectorClass> classes = {DetectorClass::email};
  auto set = DetectorSet::create(classes);
  REQUIRE(set);
  CHECK((*set)->has(DetectorClass::email));
  CHECK_FALSE((*set)->has(DetectorClass::us_ssn));
  DetectorScan scan(*set);
  CHECK(scan_all(scan, "123-45-6789 AKIA2Q7EXAMPLE3KZ7YX").empty());
}

TEST_CASE("hostile repetition stays cheap") {
  const auto processor_time = [] {
    timespec now{};
    REQUIRE(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  DetectorScan scan(all_detectors());
  const auto repeated = [](std::string_view unit, std::size_t bytes) {
    std::string out;
    while (out.size() < bytes) out += unit;
    return out;
  };
  for (const std::string_view unit : {"-----BEGIN RSA PRIVATE KEY-----",
                                      "eyJ",
                                      "eyJhbGciOiJub25lIn0.",
                                      "eyJhbGciOiJub25lIn0 ",
                                      "a@",
                                      "@",
                                      "1 ",
                                      "1-",
                                      "4111 ",
                                      "4",
                                      "AKIA",
                                      "aws_secret ",
                                      "ghp_",
                                      "xoxb-",
                                      "hooks.slack.com/services/",
                                      "\\",
                                      "\"",
                                      "[\"a@b.co\",",
                                      "a://b:c@",
                                      "a://b:c@ ",
                                      "://",
                                      "password=",
                                      "password",
                                      "token: ",
                                      "host= pwd=",
                                      "$1$",
                                      "$argon2",
                                      "&sig=",
                                      "glpat-",
                                      "twilio ",
                                      "AccountKey=",
                                      "8Q~",
                                      "+1 ",
                                      "+4420",
                                      "DE89",
                                      "DE89 ",
                                      "212-555-0123",
                                      "(212) ",
                                      "1.",
                                      "1:",
                                      "::",
                                      "basic ",
                                      "bearer a1b2"}) {
    INFO(unit);
    // What looks at every pair of places would take minutes; the processor's time, since a machine
    // that does other things too must not fail this.
    const std::string text = repeated(unit, 256U << 10);
    const auto begin = processor_time();
    scan_all(scan, text);
    CHECK(processor_time() - begin < std::chrono::seconds(5));
  }
}

TEST_CASE("detector speed at one hit in a hundred fields", "[.bench]") {
  // Fields as database rows have them: 15 bytes on average, numbers, dates, words; goal 500 MB/s a
  // core.
  std::vector<std::string> fields;
  const std::vector<std::string> kinds = {
      "10422",  "Margaret",      "2026-11-20 18:30:00",    "active",
      "149.90", "San Francisco", "8f14e45f-ceea-467f-a9c1"};
  for (std::size_t i = 0; i < 70'000; ++i)
    fields.push_back(i % 100 == 99 ? "bob.smith@example.com" : kinds[i % kinds.size()]);
  const std::vector<std::string_view> views(fields.begin(), fields.end());
  std::size_t bytes = 0;
  for (const auto view : views) bytes += view.size();
  DetectorScan scan(all_detectors());
  std::vector<Hit> hits;
  double best = 0;
  for (int round = 0; round < 30; ++round) {
    hits.clear();
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(scan.scan(views, hits));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best = std::max(best, static_cast<double>(bytes) / took.count() / 1e6);
  }
  std::printf("detectors: %.0f MB/s, %zu hits of %zu fields\n", best, hits.size(), fields.size());
  CHECK(hits.size() == 700);
  CHECK(best >= 500);
}
