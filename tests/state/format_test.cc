// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/bttrack_testing.h"

namespace muster {
namespace {

const std::string kLine = std::string(40, 'a') + ":1:2";

TEST(DetectStateFormat, TellsByTheBeginning) {
  const struct {
    std::string beginning;
    StateFormat format;
  } cases[] = {
      {StateText("", ""), StateFormat::kBttrack},
      {StateText("", "", "7:allowedde"), StateFormat::kBttrack},
      {StateText("", "", "17:allowed_dir_filesde"), StateFormat::kBttrack},
      {StateText("", "", "12:allowed_listde"), StateFormat::kBttrack},
      {"d5:peersdee", StateFormat::kBttrack},
      {"d" + TorrentText('a', "") + "e", StateFormat::kBttrack},
      {"de", StateFormat::kBttrack},
      {kLine + "\n", StateFormat::kOpentracker},
      {kLine, StateFormat::kOpentracker},
      {kLine + "\nfoo", StateFormat::kOpentracker},
      {"# of \xc3\xbc\r\n\n\tx\n" + kLine + "\n", StateFormat::kOpentracker},
      {"z" + kLine + "\n" + kLine, StateFormat::kOpentracker},
      {std::string("\0\n", 2) + kLine + "\n", StateFormat::kUnknown},
      {"# comment\n# another\n", StateFormat::kUnknown},
      {"d8:announce1:\n" + kLine + ":\n", StateFormat::kUnknown},
      {"\x89muster\n", StateFormat::kMuster},
      {std::string(32, 'x') + "mBlk", StateFormat::kMuster},
      {std::string(32, 'x') + "mBlk\x01", StateFormat::kMuster},
      {std::string(32, 'x') + "mBlk\x03", StateFormat::kJournal},
      {"\x89mustjl\n", StateFormat::kJournal},
      {"", StateFormat::kUnknown},
      {"d8:announce3:udp4:infod4:name1:aee", StateFormat::kUnknown},
      {"d5:filesd20:", StateFormat::kUnknown},
      {kLine + ":3\n", StateFormat::kUnknown},
      {"hello", StateFormat::kUnknown},
      {std::string(200, '\0'), StateFormat::kUnknown},
  };
  for (const auto& known : cases) {
    EXPECT_EQ(DetectStateFormat(known.beginning), known.format) << known.beginning;
  }
}

TEST(StateFormatOf, KnowsTheNamesThatStateFormatNameGives) {
  for (StateFormat format : {StateFormat::kMuster, StateFormat::kBttrack, StateFormat::kOpentracker,
                             StateFormat::kJournal}) {
    EXPECT_EQ(StateFormatOf(StateFormatName(format)), format);
  }
  EXPECT_EQ(StateFormatOf("unknown"), std::nullopt);
  EXPECT_EQ(StateFormatOf(""), std::nullopt);
}

TEST(OpenState, GivesTheWholeStateWhateverTheChunks) {
  const std::string bttrack =
      StateText(CountText('a', 1), TorrentText('a', PeerText('A', "192.0.2.1", 1, 0)));
  const std::string dump = kLine + "\n" + std::string(40, 'b') + ":1:2\n";
  for (std::size_t chunk : {1, 3, 100, 4095, 4096, 4097}) {
    StringSource source(bttrack, chunk);
    auto state = OpenState(&source, {});
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_EQ(state->format, StateFormat::kBttrack);
    EXPECT_EQ(ReadAll(*state->reader).torrents.size(), 1u);
    StringSource other(dump, chunk);
    state = OpenState(&other, {});
    ASSERT_TRUE(state.ok());
    EXPECT_EQ(state->format, StateFormat::kOpentracker);
    EXPECT_EQ(ReadAll(*state->reader).torrents.size(), 2u);
  }
}

TEST(OpenState, ReadsWhatEachFormatsWriterWrote) {
  Everything all;
  all.torrents = {TorrentOf('a', 3)};
  all.torrents[0].last_active = kWritten;
  for (StateFormat format :
       {StateFormat::kMuster, StateFormat::kBttrack, StateFormat::kOpentracker}) {
    StringSink sink;
    auto writer = NewStateWriter(format, &sink, {.time = kWritten});
    ASSERT_TRUE(writer.ok());
    const std::string bytes = Written(**writer, sink, all);
    EXPECT_EQ(DetectStateFormat(std::string_view(bytes).substr(0, kStateLookahead)), format);
    StringSource source(bytes, 10);
    const auto state = OpenState(&source, {});
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_EQ(state->format, format);
    EXPECT_EQ(state->written.has_value(), format == StateFormat::kMuster);
    const Everything back = ReadAll(*state->reader);
    EXPECT_TRUE(back.errors.empty());
    EXPECT_EQ(back.Of('a').completed, 3u);
  }
  EXPECT_FALSE(NewStateWriter(StateFormat::kUnknown, nullptr, {}).ok());
}

TEST(OpenState, KeepsWhatBttrackKnowsThroughMustersFormat) {
  const std::string bytes =
      StateText(CountText('a', -7) + CountText('b', 2),
                TorrentText('a', PeerText('A', "192.0.2.1", 1, 7, "3:nati2e", "k", "10.0.0.1")),
                "7:allowedd20:aaaaaaaaaaaaaaaaaaaad4:name1:aee");
  StringSink snapshot;
  auto writer = NewStateWriter(StateFormat::kMuster, &snapshot, {});
  ASSERT_TRUE(writer.ok());
  Written(**writer, snapshot, ReadBttrack(bytes));
  StringSource source(snapshot.text);
  const auto state = OpenState(&source, {});
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(WriteBttrack(ReadAll(*state->reader)), bytes);
}

TEST(OpenState, TakesTheFormatThatItIsTold) {
  const std::string bytes = "d3:abc1:x5:peersdee";
  StringSource source(bytes);
  EXPECT_FALSE(OpenState(&source, {}).ok());
  StringSource again(bytes);
  auto state = OpenState(&again, {}, StateFormat::kBttrack);
  ASSERT_TRUE(state.ok());
  const Everything all = ReadAll(*state->reader);
  EXPECT_TRUE(all.errors.empty());
  EXPECT_EQ(all.side, "d3:abc1:xe");
}

TEST(OpenState, SaysWhatIsWrong) {
  StringSource empty("");
  EXPECT_EQ(OpenState(&empty, {}).status(), absl::InvalidArgumentError("it is empty"));
  StringSource other("#!/bin/sh\n");
  EXPECT_EQ(OpenState(&other, {}).status(), absl::InvalidArgumentError("it is no saved state"));
  StringSource broken("d5:peersdee", 1, 3);
  EXPECT_EQ(OpenState(&broken, {}).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace muster
