// SPDX-License-Identifier: Apache-2.0
//
// muster-load: loads a BitTorrent tracker by UDP or HTTP and says how it answered. See --help.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/text.h"
#include "load/plan.h"
#include "load/run.h"
#include "muster/version.h"

namespace muster::load {
namespace {

using nlohmann::ordered_json;

constexpr int kWrong = 1;  // exit: answers wrong, or more lost than allowed
constexpr int kUsage = 2;  // exit: options that make no sense, or sockets that cannot be opened

constexpr char kAbout[] =
    R"(Loads a BitTorrent tracker by UDP (BEP 15) or HTTP (BEP 3, 23) and says how it answered.

  muster-load udp://127.0.0.1:6969 --torrents 10000 --peers 100000 --fill
  muster-load udp://127.0.0.1:6969 --torrents 10000 --peers 100000 --seconds 10
  muster-load http://127.0.0.1:6969/announce --keep-alive --json

The same --torrents, --peers, --popularity, --seeders, --sources and --seed give the same peers in
the same torrents: fill a tracker first, then load it with announces of peers that it knows. The
checks assume that the tracker holds nothing else of these torrents; another --seed names others.)";

constexpr char kNotes[] =
    R"(A tracker tells peers apart by address and port. On IPv4 loopback every source has an address of
its own, 127.1.0.1 and up. IPv6 loopback has one address, ::1, and so has this machine towards a
remote target: there peers differ only by the port that they announce, 64512 to a torrent at most.

A question is asked when an earlier one was answered (closed loop). The generator does not sleep
while it waits, so give it a core of its own: taskset -c 0 muster-load ...

Exit status: 0 good, 1 wrong answers or too many lost, 2 options or sockets.)";

struct Options {
  std::string url;
  PlanOptions plan;
  RunOptions run;
  std::string popularity = "zipf:1";
  std::string mix = "announce:1";
  std::string events = "none:1";
  std::optional<double> seconds;
  unsigned threads = 1;
  double max_loss = 0.001;
  bool fill = false;
  bool show_plan = false;
  bool json = false;
  bool allow_remote = false;
  bool no_verify = false;
  std::string write_hashes;
};

// "name:weight,name:weight" into the weights of `names`.
template <std::size_t N>
absl::Status ParseWeights(const std::string& text, const std::array<std::string_view, N>& names,
                          std::array<std::uint32_t, N>& to) {
  to.fill(0);
  std::uint64_t sum = 0;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits(':', 1));
    const auto at = std::find(names.begin(), names.end(), FromAbsl(pair.first));
    std::uint32_t weight = 1;
    if (at == names.end() || (!pair.second.empty() && !absl::SimpleAtoi(pair.second, &weight)) ||
        weight > 1'000'000) {
      return absl::InvalidArgumentError(
          absl::StrCat("not a weight: \"", part, "\"; it is NAME:NUMBER"));
    }
    to[static_cast<std::size_t>(at - names.begin())] = weight;
    sum += weight;
  }
  return sum > 0 ? absl::OkStatus() : absl::InvalidArgumentError("all weights are 0");
}

void Declare(CLI::App& app, Options& o) {
  app.footer(kNotes);
  app.set_version_flag("--version", std::string(Version()));
  app.add_option("target", o.url, "udp://HOST:PORT or http://HOST:PORT/announce");
  app.add_flag("--allow-remote", o.allow_remote,
               "Allow a target that is not this machine's loopback. Only where you may load it.");

  const char* who = "Who announces";
  app.add_option("--torrents", o.plan.torrents, "Number of torrents")
      ->capture_default_str()
      ->group(who);
  app.add_option("--peers", o.plan.peers, "Number of peers, of all torrents together")
      ->capture_default_str()
      ->group(who);
  app.add_option(
         "--popularity", o.popularity,
         "How peers are divided over torrents. zipf[:EXPONENT]: one each, the rest as "
         "1/rank^EXPONENT; uniform; single: one each; mixed: half of the torrents with one, "
         "the others with two and more and a long tail; one: all in one torrent")
      ->capture_default_str()
      ->group(who);
  app.add_option("--seeders", o.plan.seeders, "Part of the peers that are seeders, 0 to 1")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0))
      ->group(who);
  app.add_option(
         "--sources", o.plan.sources,
         "Sockets (UDP) or local ends (HTTP), each with an address of 127.0.0.0/8 where the "
         "target is there")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536))
      ->group(who);
  app.add_option("--seed", o.plan.seed, "Names other torrents, peers and order")
      ->capture_default_str()
      ->group(who);

  const char* what = "What is asked";
  app.add_option("--mix", o.mix, "Weights of announce, scrape and connect (UDP)")
      ->capture_default_str()
      ->group(what);
  app.add_option("--events", o.events, "Weights of none, started, completed and stopped")
      ->capture_default_str()
      ->group(what);
  app.add_option("--numwant", o.run.numwant, "Peers asked for")
      ->capture_default_str()
      ->check(CLI::Range(0, 200))
      ->group(what);
  app.add_flag("--fill", o.fill,
               "Announce each peer exactly once, asking again where an answer is lost; then scrape "
               "some torrents, the largest among them, and compare their counts")
      ->group(what);
  app.add_flag("--keep-alive", o.run.keep_alive,
               "HTTP: keep connections; without it each question has its own")
      ->group(what);

  app.add_flag("--at-once", o.run.at_once,
               "HTTP: send a new connection's request in the same breath as connect(); without it "
               "the request follows when the connection is found to be there, as clients do that "
               "wait for several things")
      ->group(what);

  const char* much = "How much";
  app.add_option("--seconds", o.seconds, "Longest time (default: 10, with --fill 600)")
      ->group(much);
  app.add_option("--requests", o.run.requests, "Largest number of questions; 0: no limit")
      ->capture_default_str()
      ->group(much);
  app.add_option("--rate", o.run.rate, "Questions a second; 0: as fast as answers come")
      ->capture_default_str()
      ->group(much);
  app.add_option("--window", o.run.window, "Questions under way per source (HTTP: connections)")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096))
      ->group(much);
  app.add_option("--threads", o.threads, "Threads; sources are shared out among them")
      ->capture_default_str()
      ->check(CLI::Range(1, 256))
      ->group(much);

  const char* good = "What is good";
  app.add_option("--timeout", o.run.timeout, "Seconds after which a question counts as lost")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 60.0))
      ->group(good);
  app.add_option("--max-loss", o.max_loss,
                 "Part of the questions that may be lost; --fill: none may")
      ->capture_default_str()
      ->group(good);
  app.add_option("--verify-every", o.run.verify_every, "Look at each peer of one answer in so many")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->group(good);
  app.add_option("--samples", o.run.samples, "--fill: scrape so many torrents")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->group(good);
  app.add_flag("--allow-self", o.run.allow_self,
               "A peer may find itself in the answer (opentracker does that)")
      ->group(good);
  app.add_flag("--no-verify", o.no_verify, "Look at nothing but the transaction (for an echo)")
      ->group(good);

  const char* out = "Output";
  app.add_flag("--json", o.json, "JSON instead of text")->group(out);
  app.add_option("--write-hashes", o.write_hashes,
                 "Write the torrents' info hashes there, one a line in hex (for an access list); "
                 "without a target nothing else is done")
      ->group(out);
  app.add_flag("--plan", o.show_plan, "Show who would announce what, without asking anything")
      ->group(out);
}

bool WriteHashes(const Plan& plan, const std::string& path) {
  std::ofstream file(path);
  for (std::uint32_t t = 0; t < plan.torrents(); ++t) file << plan.Hash(t).ToHex() << '\n';
  return file.flush().good();
}

ordered_json PlanJson(const Plan& plan, const Options& o) {
  return {{"torrents", plan.torrents()},
          {"peers", plan.options().peers},
          {"popularity", o.popularity},
          {"seeders", plan.options().seeders},
          {"sources", plan.options().sources},
          {"seed", plan.options().seed},
          {"largest_swarm", plan.LargestSwarm()},
          {"numwant", o.run.numwant},
          {"mean_answer_peers", plan.MeanAnswerPeers(o.run.numwant)}};
}

ordered_json TallyJson(const Tally& t) {
  ordered_json faults = ordered_json::object();
  for (std::size_t i = 0; i < kFaults; ++i) {
    if (t.faults[i] > 0) faults[std::string(FaultName(static_cast<Fault>(i)))] = t.faults[i];
  }
  const std::uint64_t announces = t.answered[1];
  const auto us = [&](double percent) {
    return static_cast<double>(t.latency.Percentile(percent)) * 1e-3;
  };
  return {
      {"seconds", t.seconds},
      {"sent", t.sent},
      {"answered", t.all_answered()},
      {"answers_per_second", t.seconds > 0 ? static_cast<double>(t.all_answered()) / t.seconds : 0},
      {"connects", t.answered[0]},
      {"announces", announces},
      {"scrapes", t.answered[2]},
      {"lost", t.lost},
      {"asked_again", t.again},
      {"late", t.late},
      {"reopened", t.reopened},
      {"wrong", t.wrong()},
      {"faults", faults},
      {"first_wrong", t.example},
      {"inspected", t.inspected},
      {"mean_peers",
       announces > 0 ? static_cast<double>(t.peers) / static_cast<double>(announces) : 0},
      {"mean_bytes",
       announces > 0 ? static_cast<double>(t.bytes) / static_cast<double>(announces) : 0},
      {"latency_us",
       {{"p50", us(50)},
        {"p90", us(90)},
        {"p99", us(99)},
        {"p99.9", us(99.9)},
        {"max", static_cast<double>(t.latency.max()) * 1e-3}}}};
}

void PrintText(const char* name, const ordered_json& j) {
  const auto& l = j["latency_us"];
  std::printf(
      "%s: %llu answers in %.2f s, %.0f a second; %llu wrong, %llu lost, %llu asked again\n", name,
      j["answered"].get<unsigned long long>(), j["seconds"].get<double>(),
      j["answers_per_second"].get<double>(), j["wrong"].get<unsigned long long>(),
      j["lost"].get<unsigned long long>(), j["asked_again"].get<unsigned long long>());
  std::printf(
      "  announces %llu, scrapes %llu, connects %llu; %.1f peers and %.0f bytes an announce\n",
      j["announces"].get<unsigned long long>(), j["scrapes"].get<unsigned long long>(),
      j["connects"].get<unsigned long long>(), j["mean_peers"].get<double>(),
      j["mean_bytes"].get<double>());
  std::printf("  latency us: p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n",
              l["p50"].get<double>(), l["p90"].get<double>(), l["p99"].get<double>(),
              l["p99.9"].get<double>(), l["max"].get<double>());
  for (const auto& [fault, n] : j["faults"].items()) {
    std::printf("  wrong: %s %llu\n", fault.c_str(), n.get<unsigned long long>());
  }
  if (const auto& first = j["first_wrong"].get_ref<const std::string&>(); !first.empty()) {
    std::printf("  the first: %s\n", first.c_str());
  }
}

absl::StatusOr<Tally> RunPhase(Phase phase, const Options& o, const Plan& plan) {
  const unsigned threads = std::min(o.threads, plan.options().sources);
  RunOptions run = o.run;
  run.rate /= threads;
  run.requests = (run.requests + threads - 1) / threads;
  std::vector<absl::StatusOr<Tally>> tallies(threads, Tally{});
  {
    std::vector<std::jthread> others;
    const auto work = [&](unsigned i) {
      std::vector<std::uint32_t> sources;
      for (std::uint32_t s = i; s < plan.options().sources; s += threads) sources.push_back(s);
      tallies[i] =
          run.target.udp ? RunUdp(phase, run, plan, sources) : RunHttp(phase, run, plan, sources);
    };
    for (unsigned i = 1; i < threads; ++i) others.emplace_back(work, i);
    work(0);
  }
  for (unsigned i = 1; i < threads; ++i) {
    if (!tallies[i].ok()) return tallies[i];
    if (tallies[0].ok()) tallies[0]->Merge(*tallies[i]);
  }
  return tallies[0];
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "muster-load: %s\n", std::string(status.message()).c_str());
  return kUsage;
}

int Main(int argc, char** argv) {
  Options o;
  CLI::App app(kAbout, "muster-load");
  Declare(app, o);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kUsage;
  }
  o.run.verify = !o.no_verify;
  o.run.seconds = o.seconds.value_or(o.fill ? 600 : 10);

  const auto popularity = Popularity::FromText(o.popularity);
  if (!popularity.ok()) return Fail(popularity.status());
  o.plan.popularity = *popularity;
  if (absl::Status s = ParseWeights<3>(o.mix, {"connect", "announce", "scrape"}, o.run.mix.actions);
      !s.ok()) {
    return Fail(s);
  }
  if (absl::Status s =
          ParseWeights<4>(o.events, {"none", "completed", "started", "stopped"}, o.run.mix.events);
      !s.ok()) {
    return Fail(s);
  }
  if (!o.url.empty()) {
    auto target = Target::FromUrl(FromAbsl(o.url), o.allow_remote);
    if (!target.ok()) return Fail(target.status());
    o.run.target = *std::move(target);
    if (!o.run.target.udp && o.run.mix.actions[0] > 0) {
      return Fail(absl::InvalidArgumentError("HTTP has no connect"));
    }
    o.plan.own_addresses = o.run.target.loopback && o.run.target.family == AddressFamily::kIpv4;
  } else if (o.write_hashes.empty() && !o.show_plan) {
    return Fail(absl::InvalidArgumentError("a target is needed; see --help"));
  }
  const auto plan = Plan::Make(o.plan);
  if (!plan.ok()) return Fail(plan.status());
  if (!o.write_hashes.empty() && !WriteHashes(*plan, o.write_hashes)) {
    return Fail(absl::UnavailableError("cannot write " + o.write_hashes));
  }
  ordered_json report = {
      {"tool", "muster-load"}, {"version", std::string(Version())}, {"plan", PlanJson(*plan, o)}};
  if (o.show_plan || o.url.empty()) {
    if (o.show_plan) std::cout << report.dump(2) << '\n';
    return 0;
  }

  const auto tally = RunPhase(o.fill ? Phase::kFill : Phase::kSteady, o, *plan);
  if (!tally.ok()) return Fail(tally.status());
  report["target"] = o.url;
  report["result"] = TallyJson(*tally);
  bool good = tally->wrong() == 0;
  if (o.fill) {
    good = good && tally->answered[1] == o.plan.peers;
    if (good && o.run.verify) {
      const auto check = RunPhase(Phase::kCheck, o, *plan);
      if (!check.ok()) return Fail(check.status());
      report["check"] = TallyJson(*check);
      good = check->wrong() == 0 && check->lost == 0 && check->answered[2] > 0;
    }
  } else {
    good = good && tally->all_answered() > 0 &&
           static_cast<double>(tally->lost) <= o.max_loss * static_cast<double>(tally->sent);
  }
  report["good"] = good;
  if (o.json) {
    std::cout << report.dump(2) << '\n';
  } else {
    PrintText(o.fill ? "fill" : "load", report["result"]);
    if (report.contains("check")) PrintText("check", report["check"]);
    if (o.fill && tally->answered[1] != o.plan.peers) {
      std::printf("  only %llu of %u peers were acknowledged\n",
                  static_cast<unsigned long long>(tally->answered[1]), o.plan.peers);
    }
  }
  return good ? 0 : kWrong;
}

}  // namespace
}  // namespace muster::load

int main(int argc, char** argv) { return muster::load::Main(argc, argv); }
