/* Content codings undone with zlib and brotli; see decoder.h. */
#include "http/decoder.h"

#include <brotli/decode.h>
#include <limits.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

enum { GZIP, DEFLATE, BROTLI };
enum { WINDOW = 15, GZIP_WINDOW = WINDOW + 16 };

struct rl_decoder {
  int kind;
  z_stream zlib;
  BrotliDecoderState *brotli;
  uint64_t taken, given;
  unsigned members;
  bool ended;
  bool over; /* after the last member stood what begins no other: all that follows is ignored */
};

static void *z_alloc(void *ud, unsigned count, unsigned size) {
  (void)ud;
  return rl_alloc((size_t)count * size);
}
static void z_free(void *ud, void *block) {
  (void)ud;
  rl_free(block);
}
static void *br_alloc(void *ud, size_t size) {
  (void)ud;
  return rl_alloc(size);
}

static int kind_of(rl_slice coding) {
  if (rl_slice_eq_nocase(coding, RL_SLICE("gzip")) || rl_slice_eq_nocase(coding, RL_SLICE("x-gzip"))) return GZIP;
  if (rl_slice_eq_nocase(coding, RL_SLICE("deflate"))) return DEFLATE;
  if (rl_slice_eq_nocase(coding, RL_SLICE("br"))) return BROTLI;
  return RL_EUNSUPPORTED;
}

static bool start(rl_decoder *decoder) {
  if (decoder->kind == BROTLI) {
    decoder->brotli = BrotliDecoderCreateInstance(br_alloc, z_free, NULL);
    return decoder->brotli != NULL;
  }
  decoder->zlib.zalloc = z_alloc;
  decoder->zlib.zfree = z_free;
  return inflateInit2(&decoder->zlib, decoder->kind == GZIP ? GZIP_WINDOW : WINDOW) == Z_OK;
}

int rl_decoder_new(rl_slice coding, rl_decoder **out) {
  *out = NULL;
  coding = rl_slice_trim(coding);
  if (!coding.len || rl_slice_eq_nocase(coding, RL_SLICE("identity"))) return RL_OK;
  int kind = kind_of(coding);
  if (kind < 0) return kind;
  rl_decoder *decoder = rl_calloc(1, sizeof *decoder);
  if (!decoder) return RL_ENOMEM;
  decoder->kind = kind;
  if (start(decoder)) {
    *out = decoder;
    return RL_OK;
  }
  rl_free(decoder);
  return RL_ENOMEM;
}

void rl_decoder_del(rl_decoder *decoder) {
  if (!decoder) return;
  if (decoder->brotli) BrotliDecoderDestroyInstance(decoder->brotli);
  else inflateEnd(&decoder->zlib);
  rl_free(decoder);
}

/* ---- zlib ------------------------------------------------------------------------------------------------------------- */

/* A deflate body without the wrapper that RFC 9110 asks for: its first byte shows it (RFC 1950 section 2.2). */
static void choose_wrapper(rl_decoder *decoder, rl_slice in) {
  if (decoder->kind == DEFLATE && decoder->taken == 0 && in.len && (in.data[0] & 0x0f) != Z_DEFLATED)
    inflateReset2(&decoder->zlib, -WINDOW);
}

/* After the end of one gzip member another may follow (RFC 1952 section 2.2). Anything else there is ignored to its end: where the
 * bytes were cut must not decide whether a member begins in the middle of it. */
static int next_member(rl_decoder *decoder, rl_slice *in) {
  if (in->len && (decoder->kind != GZIP || (unsigned char)in->data[0] != 0x1f)) decoder->over = true;
  if (decoder->over || !in->len) {
    *in = RL_SLICE_NONE;
    return RL_OK;
  }
  if (++decoder->members >= RL_LIMIT_DECODED_MEMBERS) return RL_ETOOBIG;
  decoder->ended = false;
  inflateReset(&decoder->zlib);
  return RL_OK;
}

static long run_zlib(rl_decoder *decoder, rl_slice *in, char *out, size_t cap) {
  z_stream *z = &decoder->zlib;
  choose_wrapper(decoder, *in);
  z->next_in = (unsigned char *)(uintptr_t)in->data;
  z->avail_in = (unsigned)in->len;
  z->next_out = (unsigned char *)out;
  z->avail_out = (unsigned)cap;
  int code = inflate(z, Z_SYNC_FLUSH);
  decoder->taken += in->len - z->avail_in;
  *in = rl_slice_of(in->data + (in->len - z->avail_in), z->avail_in);
  if (code == Z_MEM_ERROR) return RL_ENOMEM;
  if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return RL_ESYNTAX;
  decoder->ended = code == Z_STREAM_END;
  return (long)(cap - z->avail_out);
}

/* ---- brotli ------------------------------------------------------------------------------------------------------------- */

static long run_brotli(rl_decoder *decoder, rl_slice *in, char *out, size_t cap) {
  const uint8_t *next_in = (const uint8_t *)in->data;
  uint8_t *next_out = (uint8_t *)out;
  size_t in_left = in->len, out_left = cap;
  BrotliDecoderResult result =
      BrotliDecoderDecompressStream(decoder->brotli, &in_left, &next_in, &out_left, &next_out, NULL);
  decoder->taken += in->len - in_left;
  *in = rl_slice_of((const char *)next_in, in_left);
  if (result == BROTLI_DECODER_RESULT_ERROR) {
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(decoder->brotli);
    return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES && code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES
               ? RL_ENOMEM
               : RL_ESYNTAX;
  }
  decoder->ended = result == BROTLI_DECODER_RESULT_SUCCESS;
  return (long)(cap - out_left);
}

/* ---- both ----------------------------------------------------------------------------------------------------------------- */

static bool is_bomb(const rl_decoder *decoder) {
  return decoder->given > RL_LIMIT_DECODED_FREE && decoder->given / RL_LIMIT_DECODED_RATIO > decoder->taken;
}

static long step(rl_decoder *decoder, rl_slice *in, char *out, size_t cap) {
  if (decoder->kind == BROTLI) return run_brotli(decoder, in, out, cap);
  return run_zlib(decoder, in, out, cap);
}

long rl_decoder_run(rl_decoder *decoder, rl_slice *in, char *out, size_t cap) {
  if (cap > INT_MAX) cap = INT_MAX;
  for (;;) {
    if (decoder->ended) {
      int code = next_member(decoder, in);
      if (code || decoder->ended) return code;
    }
    size_t before = in->len;
    long n = step(decoder, in, out, cap);
    if (n < 0) return n;
    decoder->given += (uint64_t)n;
    if (is_bomb(decoder)) return RL_ETOOBIG;
    if (n || (!decoder->ended && in->len == before)) return n;
    if (!in->len && !decoder->ended) return 0;
  }
}

bool rl_decoder_is_complete(const rl_decoder *decoder) { return decoder->ended || !decoder->taken; }
