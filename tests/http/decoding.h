// SPDX-License-Identifier: Apache-2.0
//
// For tests: the other side of content codings and chunks.
#ifndef MUSTER_TESTS_HTTP_DECODING_H_
#define MUSTER_TESTS_HTTP_DECODING_H_

#include <zlib.h>
#if MUSTER_ZSTD
#include <zstd.h>
#endif

#include <cstdlib>
#include <string>
#include <string_view>

namespace muster::testing_http {

// What was coded; "(broken)" for what is not complete.
inline std::string Decode(std::string_view coding, const std::string& coded) {
  std::string plain(64 * 1024 * 1024, '\0');
  if (coding.empty()) return coded;
  if (coding == "gzip") {
    z_stream stream{};
    inflateInit2(&stream, 15 + 16);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));
    stream.avail_in = static_cast<uInt>(coded.size());
    stream.next_out = reinterpret_cast<Bytef*>(plain.data());
    stream.avail_out = static_cast<uInt>(plain.size());
    const bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0;
    plain.resize(stream.total_out);
    inflateEnd(&stream);
    return whole ? plain : "(broken)";
  }
#if MUSTER_ZSTD
  if (coding == "zstd") {
    ZSTD_DCtx* const context = ZSTD_createDCtx();
    ZSTD_inBuffer in{coded.data(), coded.size(), 0};
    ZSTD_outBuffer out{plain.data(), plain.size(), 0};
    const bool whole = ZSTD_decompressStream(context, &out, &in) == 0 && in.pos == in.size;
    plain.resize(out.pos);
    ZSTD_freeDCtx(context);
    return whole ? plain : "(broken)";
  }
#endif
  return "(unknown)";
}

// The body in the chunks; "(broken)" for what does not end with the last one.
inline std::string Unchunk(std::string_view chunked) {
  std::string body;
  for (;;) {
    const std::size_t line = chunked.find("\r\n");
    if (line == std::string_view::npos) return "(broken)";
    const std::size_t size =
        std::strtoul(std::string(chunked.substr(0, line)).c_str(), nullptr, 16);
    chunked.remove_prefix(line + 2);
    if (chunked.size() < size + 2 || chunked.substr(size, 2) != "\r\n") return "(broken)";
    body += chunked.substr(0, size);
    chunked.remove_prefix(size + 2);
    if (size == 0) return chunked.empty() ? body : "(broken)";
  }
}

}  // namespace muster::testing_http

#endif  // MUSTER_TESTS_HTTP_DECODING_H_
