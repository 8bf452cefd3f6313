// SPDX-License-Identifier: Apache-2.0
#include "http/coding.h"

#include <gtest/gtest.h>

#include "http/body.h"
#include "http/decoding.h"
#include "muster/random.h"

namespace muster {
namespace {

using testing_http::Decode;
using testing_http::Unchunk;

TEST(ChooseCoding, TakesTheBestThatIsAccepted) {
  const ContentCoding best = HasZstd() ? ContentCoding::kZstd : ContentCoding::kGzip;
  EXPECT_EQ(ChooseCoding(""), ContentCoding::kIdentity);
  EXPECT_EQ(ChooseCoding("gzip"), ContentCoding::kGzip);
  EXPECT_EQ(ChooseCoding("x-gzip"), ContentCoding::kGzip);
  EXPECT_EQ(ChooseCoding("deflate, GZip;q=1.0, br"), ContentCoding::kGzip);
  EXPECT_EQ(ChooseCoding("gzip, zstd"), best);
  EXPECT_EQ(ChooseCoding("gzip;q=1, zstd;q=0.5"), ContentCoding::kGzip);
  EXPECT_EQ(ChooseCoding("gzip ; q = 0.001"), ContentCoding::kGzip);
  EXPECT_EQ(ChooseCoding("*"), ContentCoding::kGzip);
  EXPECT_EQ(ChooseCoding("identity"), ContentCoding::kIdentity);
}

TEST(ChooseCoding, HeedsARefusal) {
  EXPECT_EQ(ChooseCoding("gzip;q=0"), ContentCoding::kIdentity);
  EXPECT_EQ(ChooseCoding("gzip;q=0.000, *"), ContentCoding::kIdentity);
  EXPECT_EQ(ChooseCoding("*;q=0"), ContentCoding::kIdentity);
}

TEST(ChooseCoding, PassesOverWhatIsMalformed) {
  for (const char* header : {"gzip;q=2", "gzip;q=", "gzip;q", "gzip;x=1", "gzip;q=0.1234", "gzipp",
                             ";;;", ",,,", "gzip;q=1.001", "gzip;q=-1", "g zip", "q=1;gzip"}) {
    EXPECT_EQ(ChooseCoding(header), ContentCoding::kIdentity) << header;
  }
  EXPECT_EQ(ChooseCoding(";q=7,,gzip"), ContentCoding::kGzip);
}

// A body of given pieces.
class Pieces final : public HttpBody {
 public:
  explicit Pieces(std::vector<std::string> pieces, bool fails = false)
      : pieces_(std::move(pieces)), fails_(fails) {}
  Progress Produce(std::size_t, std::string& out) override {
    if (next_ < pieces_.size()) out += pieces_[next_++];
    if (next_ < pieces_.size()) return Progress::kMore;
    return fails_ ? Progress::kFailed : Progress::kEnd;
  }

 private:
  const std::vector<std::string> pieces_;
  const bool fails_;
  std::size_t next_ = 0;
};

std::string All(HttpBody& body) {
  std::string out;
  while (body.Produce(64 * 1024, out) == HttpBody::Progress::kMore) {
  }
  return out;
}

TEST(ChunkedBody, PutsEachPieceIntoAChunk) {
  ChunkedBody body(std::make_unique<Pieces>(std::vector<std::string>{"hello", "", "world!"}));
  EXPECT_EQ(All(body), "00000005\r\nhello\r\n00000006\r\nworld!\r\n0\r\n\r\n");
  ChunkedBody empty(std::make_unique<Pieces>(std::vector<std::string>{}));
  EXPECT_EQ(All(empty), "0\r\n\r\n");
}

TEST(ChunkedBody, DoesNotEndABodyThatFails) {
  ChunkedBody body(std::make_unique<Pieces>(std::vector<std::string>{"half"}, /*fails=*/true));
  std::string out;
  EXPECT_EQ(body.Produce(100, out), HttpBody::Progress::kFailed);
  EXPECT_EQ(out, "00000004\r\nhalf\r\n");
}

TEST(CodedBody, IsWhatItWasWhenItIsDecoded) {
  Random random(1);
  std::vector<std::string> pieces;
  std::string plain;
  for (int i = 0; i < 300; ++i) {
    std::string piece(random.Below(3000), 'x');
    for (char& c : piece) c = static_cast<char>(random.Below(7) == 0 ? random.Below(256) : 'a');
    plain += piece;
    pieces.push_back(std::move(piece));
  }
  for (const ContentCoding coding : {ContentCoding::kGzip, ContentCoding::kZstd}) {
    std::unique_ptr<Encoder> encoder = NewEncoder(coding);
    if (encoder == nullptr) {
      EXPECT_FALSE(HasZstd());
      continue;
    }
    CodedBody body(std::make_unique<Pieces>(pieces), std::move(encoder));
    const std::string coded = All(body);
    EXPECT_LT(coded.size(), plain.size());
    EXPECT_EQ(Decode(CodingName(coding), coded), plain) << CodingName(coding);

    ChunkedBody chunked(
        std::make_unique<CodedBody>(std::make_unique<Pieces>(pieces), NewEncoder(coding)));
    EXPECT_EQ(Unchunk(All(chunked)), coded);
  }
  EXPECT_EQ(NewEncoder(ContentCoding::kIdentity), nullptr);
}

}  // namespace
}  // namespace muster
