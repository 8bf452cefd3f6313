// SPDX-License-Identifier: Apache-2.0
#include "muster/torrent_verifier.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metainfo/builder_testing.h"
#include "metainfo/torrent_testing.h"

namespace muster {
namespace {

using ::testing::HasSubstr;
using namespace testing_builder;  // NOLINT(google-build-using-namespace)

// A folder "t" of files, and the torrent of it in pieces of 16 KiB.
class VerifierTest : public testing::TestWithParam<TorrentKind> {
 protected:
  VerifierTest() {
    std::uint64_t seed = 0;
    for (const std::size_t size : {100000, 10, 0, 16384, 40000}) {
      folder_.Write("t/" + std::to_string(size), SomeBytes(size, ++seed));
    }
    TorrentBuilder builder({.kind = GetParam(), .piece_length = 16384});
    EXPECT_TRUE(builder.AddPath(folder_ / "t").ok());
    EXPECT_TRUE(builder.Hash().ok());
    torrent_ = std::make_unique<Metainfo>(*Metainfo::Parse(*builder.Torrent()));
  }

  VerifyReport Verify() const {
    absl::StatusOr<VerifyReport> report = VerifyTorrent(*torrent_, folder_ / "t", {.threads = 2});
    EXPECT_TRUE(report.ok()) << report.status();
    return *std::move(report);
  }
  std::size_t IndexOf(std::string_view path) const {
    for (std::size_t i = 0; i < torrent_->files().size(); ++i) {
      if (torrent_->files()[i].PathText() == path) return i;
    }
    ADD_FAILURE() << path;
    return 0;
  }
  FileState StateOf(const VerifyReport& report, std::string_view path) const {
    return report.files[IndexOf(path)].state;
  }
  bool is_aligned() const { return GetParam() != TorrentKind::kV1; }

  Folder folder_;
  std::unique_ptr<Metainfo> torrent_;
};

TEST_P(VerifierTest, FindsGoodDataGood) {
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.is_complete());
  EXPECT_EQ(report.good_pieces, torrent_->piece_count());
  EXPECT_EQ(report.good_bytes, torrent_->content_length());
  EXPECT_EQ(report.files[IndexOf("40000")].good_bytes, 40000);
  EXPECT_EQ(report.files[IndexOf("40000")].size, 40000);
}

TEST_P(VerifierTest, FindsTheOneByteThatIsWrong) {
  std::fstream file(folder_ / "t/100000", std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(50000);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(50000);
  file.put(byte);
  file.close();
  const VerifyReport report = Verify();
  EXPECT_FALSE(report.is_complete());
  EXPECT_EQ(report.good_pieces, torrent_->piece_count() - 1);
  const MetainfoFile& in_torrent = torrent_->files()[IndexOf("100000")];
  const std::int64_t bad = (in_torrent.offset + 50000) / 16384;
  EXPECT_FALSE(report.pieces[static_cast<std::size_t>(bad)]);
  EXPECT_EQ(StateOf(report, "100000"), FileState::kDamaged);
  EXPECT_EQ(report.files[IndexOf("100000")].good_bytes, 100000 - 16384);
  EXPECT_EQ(StateOf(report, "40000"), FileState::kGood);
}

TEST_P(VerifierTest, FindsWhatIsMissing) {
  ASSERT_EQ(::unlink((folder_ / "t/40000").c_str()), 0);
  ASSERT_EQ(::unlink((folder_ / "t/0").c_str()), 0);
  const VerifyReport report = Verify();
  EXPECT_EQ(StateOf(report, "40000"), FileState::kMissing);
  EXPECT_THAT(report.files[IndexOf("40000")].why, HasSubstr("t/40000"));
  EXPECT_EQ(StateOf(report, "0"), FileState::kMissing);
  // The order is 0, 10, 100000, 16384, 40000: in v1 the last two share a piece.
  EXPECT_EQ(StateOf(report, "16384"), is_aligned() ? FileState::kGood : FileState::kUnproven);
  EXPECT_EQ(StateOf(report, "100000"), FileState::kGood);
  EXPECT_EQ(report.files[IndexOf("40000")].size, 0);
}

TEST_P(VerifierTest, FindsWhatHasAnotherSize) {
  ASSERT_EQ(::truncate((folder_ / "t/40000").c_str(), 39999), 0);
  ASSERT_EQ(::truncate((folder_ / "t/0").c_str(), 1), 0);
  const VerifyReport shorter = Verify();
  EXPECT_EQ(StateOf(shorter, "40000"), FileState::kWrongSize);
  EXPECT_EQ(shorter.files[IndexOf("40000")].size, 39999);
  EXPECT_GT(shorter.files[IndexOf("40000")].good_bytes, 16384);
  EXPECT_EQ(StateOf(shorter, "0"), FileState::kWrongSize);
  EXPECT_EQ(StateOf(shorter, "16384"), FileState::kGood);

  folder_.Write("t/40000", SomeBytes(40000, 5) + "more");
  const VerifyReport longer = Verify();
  EXPECT_EQ(StateOf(longer, "40000"), FileState::kWrongSize);
  EXPECT_EQ(longer.good_pieces, torrent_->piece_count());
}

TEST_P(VerifierTest, FindsNothingInAnEmptyFolder) {
  Folder empty;
  const absl::StatusOr<VerifyReport> report = VerifyTorrent(*torrent_, empty.path());
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->good_pieces, 0);
  EXPECT_EQ(report->good_bytes, 0);
  for (std::size_t i = 0; i < report->files.size(); ++i) {
    EXPECT_EQ(report->files[i].state,
              torrent_->files()[i].is_pad ? FileState::kGood : FileState::kMissing);
  }
}

TEST_P(VerifierTest, TakesAFolderInTheFilesPlaceForUnreadable) {
  ASSERT_EQ(::unlink((folder_ / "t/10").c_str()), 0);
  folder_.Write("t/10/x", "x");
  EXPECT_EQ(StateOf(Verify(), "10"), FileState::kUnreadable);
}

TEST_P(VerifierTest, CanBeCancelled) {
  const absl::StatusOr<VerifyReport> report =
      VerifyTorrent(*torrent_, folder_ / "t", {.progress = [](const auto&) { return false; }});
  EXPECT_EQ(report.status().code(), absl::StatusCode::kCancelled);
}

TEST_P(VerifierTest, VerifiesAFileWithoutAFolder) {
  TorrentBuilder builder({.kind = GetParam(), .piece_length = 32768});
  ASSERT_TRUE(builder.AddPath(folder_ / "t/100000").ok());
  ASSERT_TRUE(builder.Hash().ok());
  const absl::StatusOr<Metainfo> torrent = Metainfo::Parse(*builder.Torrent());
  EXPECT_TRUE(VerifyTorrent(*torrent, folder_ / "t/100000")->is_complete());
  EXPECT_FALSE(VerifyTorrent(*torrent, folder_ / "t/40000")->is_complete());
}

TEST_P(VerifierTest, SeesWhetherLinksLeadWhereTheyShould) {
  TorrentBuilder builder({.kind = GetParam()});
  ASSERT_TRUE(builder.AddPath(folder_ / "t").ok());
  ASSERT_TRUE(builder.AddSymlink("link", "10").ok());
  ASSERT_TRUE(builder.Hash().ok());
  const absl::StatusOr<Metainfo> torrent = Metainfo::Parse(*builder.Torrent());
  const auto verify = [&] {
    const absl::StatusOr<VerifyReport> report = VerifyTorrent(*torrent, folder_ / "t");
    for (const VerifiedFile& file : report->files) {
      if (file.state != FileState::kGood) return file;
    }
    return VerifiedFile();
  };
  EXPECT_EQ(verify().state, FileState::kMissing);
  folder_.Write("t/link", SomeBytes(10));
  EXPECT_EQ(verify().state, FileState::kDamaged);
  EXPECT_THAT(verify().why, HasSubstr("t/link: not a symbolic link"));
  const auto state_of = [&](const char* target) {
    EXPECT_EQ(::unlink((folder_ / "t/link").c_str()), 0);
    EXPECT_EQ(::symlink(target, (folder_ / "t/link").c_str()), 0);
    return verify().state;
  };
  for (const char* good : {"10", "./10", "x/../10"}) {
    EXPECT_EQ(state_of(good), FileState::kGood) << good;
  }
  for (const char* bad : {"0", "../t/10", "/10", "10/x"}) {
    EXPECT_EQ(state_of(bad), FileState::kDamaged) << bad;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, VerifierTest, testing::ValuesIn(kAllKinds));

TEST(Verifier, GoesWithoutALayerByTheRoot) {
  Folder folder;
  folder.Write("f", SomeBytes(100000));
  TorrentBuilder builder({.kind = TorrentKind::kV2, .piece_length = 16384});
  ASSERT_TRUE(builder.AddPath(folder / "f").ok());
  ASSERT_TRUE(builder.Hash().ok());
  BencodeDocument document;
  const absl::StatusOr<std::string> bytes = builder.Torrent();
  ASSERT_TRUE(document.Decode(*bytes).ok());
  BencodeValue::Dict without;
  without["info"] = BencodeValue::From(document.root().Find("info"));
  const absl::StatusOr<Metainfo> torrent =
      Metainfo::Parse(BencodeValue(std::move(without)).Encode());
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  ASSERT_TRUE(torrent->files()[0].piece_layer.empty());
  EXPECT_TRUE(VerifyTorrent(*torrent, folder / "f")->is_complete());
  folder.Write("f", SomeBytes(100000, 2));
  const absl::StatusOr<VerifyReport> report = VerifyTorrent(*torrent, folder / "f");
  EXPECT_EQ(report->good_pieces, 0);
  EXPECT_EQ(report->files[0].state, FileState::kDamaged);
}

TEST(Verifier, TakesPiecesOfAnyLength) {
  Folder folder;
  const std::string bytes = SomeBytes(300000);
  folder.Write("f", bytes);
  for (const std::size_t length : {1000, 16383, 50000, 299999, 1000000}) {
    testing_torrent::Dict info;
    info["name"] = "f";
    info["length"] = 300000;
    info["piece length"] = static_cast<std::int64_t>(length);
    info["pieces"] = PlainPieces(bytes, length);
    const absl::StatusOr<Metainfo> torrent =
        Metainfo::Parse(testing_torrent::Torrent(std::move(info)));
    ASSERT_TRUE(torrent.ok()) << torrent.status();
    EXPECT_TRUE(VerifyTorrent(*torrent, folder / "f", {.threads = 2})->is_complete()) << length;
  }
}

TEST(Verifier, DoesNotTrustAFileThatChangesMeanwhile) {
  Folder folder;
  folder.Write("f", SomeBytes(9 << 20));
  TorrentBuilder builder({.kind = TorrentKind::kHybrid});
  ASSERT_TRUE(builder.AddPath(folder / "f").ok());
  ASSERT_TRUE(builder.Hash().ok());
  const absl::StatusOr<Metainfo> torrent = Metainfo::Parse(*builder.Torrent());
  const auto touch = [&](const HashingProgress&) {
    const timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
    EXPECT_EQ(::utimensat(AT_FDCWD, (folder / "f").c_str(), times, 0), 0);
    return true;
  };
  const absl::StatusOr<VerifyReport> report =
      VerifyTorrent(*torrent, folder / "f", {.threads = 1, .progress = touch});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->files[0].state, FileState::kUnreadable);
  EXPECT_THAT(report->files[0].why, HasSubstr("changed"));
  EXPECT_EQ(report->good_pieces, 0);
  EXPECT_EQ(report->good_bytes, 0);
}

TEST(Verifier, PassesOverPiecesOfPaddingAlone) {
  using testing_torrent::Dict;
  Folder folder;
  folder.Write("a", "aaaaaaaaaa");
  folder.Write("b", "bbbbb");
  std::string data = "aaaaaaaaaa";
  data.resize(std::size_t{3} * 16384);
  data += "bbbbb";
  data.resize(std::size_t{6} * 16384);
  Dict tree;
  tree["a"] = testing_torrent::Leaf(10, Sha256Text("aaaaaaaaaa"));
  tree["b"] = testing_torrent::Leaf(5, Sha256Text("bbbbb"));
  Dict info = testing_torrent::TreeInfo(std::move(tree));
  const auto pad = [](std::int64_t length, std::string_view name) {
    Dict file = testing_torrent::File(length, {".pad", name});
    file["attr"] = "p";
    return file;
  };
  BencodeValue::List files;
  files.emplace_back(testing_torrent::File(10, {"a"}));
  files.emplace_back(pad(3 * 16384 - 10, "1"));
  files.emplace_back(testing_torrent::File(5, {"b"}));
  files.emplace_back(pad(3 * 16384 - 5, "2"));
  info["files"] = std::move(files);
  info["pieces"] = PlainPieces(data, 16384);
  const absl::StatusOr<Metainfo> torrent =
      Metainfo::Parse(testing_torrent::Torrent(std::move(info)));
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  const absl::StatusOr<VerifyReport> report = VerifyTorrent(*torrent, folder.path());
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->is_complete());
  EXPECT_EQ(report->good_pieces, 6);
  EXPECT_EQ(report->good_bytes, 15);
}

// What a torrent says of sizes is a stranger's word.
TEST(Verifier, ReadsNothingWhereFilesAreSaidToBeHuge) {
  Folder folder;
  folder.Write("f", "small");
  testing_torrent::Dict info;
  info["name"] = "f";
  info["length"] = std::int64_t{1} << 50;
  info["piece length"] = std::int64_t{1} << 30;
  info["pieces"] = testing_torrent::Hashes(1 << 20);
  const absl::StatusOr<Metainfo> torrent =
      Metainfo::Parse(testing_torrent::Torrent(std::move(info)));
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  const absl::StatusOr<VerifyReport> report = VerifyTorrent(*torrent, folder / "f", {.threads = 2});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->files[0].state, FileState::kWrongSize);
  EXPECT_EQ(report->good_pieces, 0);
}

}  // namespace
}  // namespace muster
