/* gzip and brotli by one interface; see compress.h. */
#include "http/compress.h"

#include <brotli/encode.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/error.h"

enum { GZIP_LEVEL = 5, GZIP_WINDOW = 15 + 16, BROTLI_QUALITY = 4, BROTLI_WINDOW = 18, ROOM = 16 << 10 };

struct rl_compressor {
  rl_encoding encoding;
  z_stream gzip;
  BrotliEncoderState *brotli;
};

rl_compressor *rl_compressor_new(rl_encoding encoding) {
  if (encoding == RL_ENCODING_IDENTITY) return NULL;
  rl_compressor *c = rl_calloc(1, sizeof *c);
  if (!c) return NULL;
  c->encoding = encoding;
  bool ready;
  if (encoding == RL_ENCODING_GZIP) {
    ready = deflateInit2(&c->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  } else {
    c->brotli = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    ready = c->brotli && BrotliEncoderSetParameter(c->brotli, BROTLI_PARAM_QUALITY, BROTLI_QUALITY) &&
            BrotliEncoderSetParameter(c->brotli, BROTLI_PARAM_LGWIN, BROTLI_WINDOW);
  }
  if (ready) return c;
  rl_compressor_del(c);
  return NULL;
}

void rl_compressor_del(rl_compressor *c) {
  if (!c) return;
  if (c->encoding == RL_ENCODING_GZIP) deflateEnd(&c->gzip);
  else BrotliEncoderDestroyInstance(c->brotli);
  rl_free(c);
}

static int run_gzip(rl_compressor *c, rl_slice in, int flush, rl_buf *out) {
  c->gzip.next_in = (Bytef *)(uintptr_t)in.data;
  c->gzip.avail_in = (uInt)in.len;
  int result;
  do {
    if (rl_buf_reserve(out, ROOM)) return out->error;
    c->gzip.next_out = (Bytef *)out->data + out->len;
    c->gzip.avail_out = ROOM;
    result = deflate(&c->gzip, flush);
    out->len += ROOM - c->gzip.avail_out;
  } while (c->gzip.avail_out == 0);
  return result == Z_STREAM_ERROR ? RL_EIO : RL_OK;
}

static int run_brotli(rl_compressor *c, rl_slice in, BrotliEncoderOperation operation, rl_buf *out) {
  const uint8_t *next_in = (const uint8_t *)in.data;
  size_t left = in.len;
  do {
    if (rl_buf_reserve(out, ROOM)) return out->error;
    uint8_t *next_out = (uint8_t *)out->data + out->len;
    size_t room = ROOM;
    if (!BrotliEncoderCompressStream(c->brotli, operation, &left, &next_in, &room, &next_out, NULL)) return RL_ENOMEM;
    out->len += ROOM - room;
  } while (left || BrotliEncoderHasMoreOutput(c->brotli));
  return RL_OK;
}

/* zlib counts in 32 bits. */
static int write_gzip(rl_compressor *c, rl_slice in, int last, rl_buf *out) {
  const size_t most = 1u << 30;
  for (; in.len > most; in.data += most, in.len -= most) {
    int code = run_gzip(c, rl_slice_of(in.data, most), Z_NO_FLUSH, out);
    if (code) return code;
  }
  return run_gzip(c, in, last, out);
}

int rl_compressor_write(rl_compressor *c, rl_slice in, bool flush, rl_buf *out) {
  if (c->encoding == RL_ENCODING_GZIP) return write_gzip(c, in, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH, out);
  return run_brotli(c, in, flush ? BROTLI_OPERATION_FLUSH : BROTLI_OPERATION_PROCESS, out);
}

int rl_compressor_finish(rl_compressor *c, rl_buf *out) {
  if (c->encoding == RL_ENCODING_GZIP) return write_gzip(c, RL_SLICE(""), Z_FINISH, out);
  return run_brotli(c, RL_SLICE(""), BROTLI_OPERATION_FINISH, out);
}

int rl_compress(rl_encoding encoding, rl_slice in, rl_buf *out) {
  rl_compressor *c = rl_compressor_new(encoding);
  if (!c) return RL_ENOMEM;
  int code = rl_compressor_write(c, in, false, out);
  if (!code) code = rl_compressor_finish(c, out);
  rl_compressor_del(c);
  return code;
}
