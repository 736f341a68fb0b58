/* Both ways: what compress.h wrote, decoder.h reads, however the bytes are cut. */
#include "http/decoder.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "http/compress.h"
#include "support/test.h"

static const rl_encoding encodings[] = {RL_ENCODING_GZIP, RL_ENCODING_BROTLI};

static rl_buf encode(rl_encoding encoding, rl_slice text) {
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_compress(encoding, text, &out), 0);
  return out;
}

/* Feeds pieces of `piece` bytes, takes `room` at a time; the code, and whether the end was complete. */
static int decode(const char *coding, rl_slice in, size_t piece, size_t room, rl_buf *out, bool *complete) {
  rl_decoder *decoder;
  int code = rl_decoder_new(rl_slice_str(coding), &decoder);
  assert_int_equal(code, 0);
  char *bytes = malloc(room);
  while (in.len && code >= 0) {
    rl_slice next = rl_slice_of(in.data, in.len < piece ? in.len : piece);
    in = rl_slice_of(in.data + next.len, in.len - next.len);
    for (long n; code >= 0 && (n = rl_decoder_run(decoder, &next, bytes, room)) != 0;) {
      if (n < 0) code = (int)n;
      else rl_buf_add(out, bytes, (size_t)n);
    }
  }
  *complete = rl_decoder_is_complete(decoder);
  rl_decoder_del(decoder);
  free(bytes);
  return code;
}

static void assert_decodes(const char *coding, rl_slice in, rl_slice wanted) {
  static const size_t pieces[] = {1, 7, 1000, SIZE_MAX}, rooms[] = {1, 100, 65536};
  for (size_t p = 0; p < 4; p++)
    for (size_t r = 0; r < 3; r++) {
      rl_buf out;
      bool complete;
      rl_buf_init(&out, RL_BUF_NO_LIMIT);
      assert_int_equal(decode(coding, in, pieces[p], rooms[r], &out, &complete), 0);
      assert_true(complete);
      assert_true(rl_slice_eq(rl_buf_slice(&out), wanted));
      rl_buf_free(&out);
    }
}

static int decode_code(const char *coding, rl_slice in, bool *complete) {
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  int code = decode(coding, in, SIZE_MAX, 4096, &out, complete);
  rl_buf_free(&out);
  return code;
}

/* Text that neither repeats nor is random. */
static rl_buf sample(size_t len) {
  rl_buf text;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  for (unsigned i = 0; text.len < len; i++) rl_buf_addf(&text, "line %u of %x\n", i, i * 2654435761u);
  return text;
}

TEST(what_was_compressed_comes_back) {
  UNUSED;
  static const size_t sizes[] = {0, 1, 100, 20000};
  for (size_t e = 0; e < 2; e++)
    for (size_t s = 0; s < 4; s++) {
      rl_buf text = sample(sizes[s]);
      rl_buf coded = encode(encodings[e], rl_buf_slice(&text));
      assert_decodes(rl_encoding_name(encodings[e]), rl_buf_slice(&coded), rl_buf_slice(&text));
      rl_buf_free(&coded);
      rl_buf_free(&text);
    }
}

TEST(what_was_flushed_can_be_decoded_before_the_end) {
  UNUSED;
  for (size_t e = 0; e < 2; e++) {
    rl_compressor *c = rl_compressor_new(encodings[e]);
    rl_buf coded, out;
    bool complete;
    rl_buf_init(&coded, RL_BUF_NO_LIMIT);
    rl_buf_init(&out, RL_BUF_NO_LIMIT);
    assert_int_equal(rl_compressor_write(c, RL_SLICE("first"), true, &coded), 0);
    assert_int_equal(decode(rl_encoding_name(encodings[e]), rl_buf_slice(&coded), SIZE_MAX, 100, &out, &complete), 0);
    assert_slice(rl_buf_slice(&out), "first");
    assert_false(complete);
    assert_int_equal(rl_compressor_write(c, RL_SLICE(" second"), false, &coded), 0);
    assert_int_equal(rl_compressor_finish(c, &coded), 0);
    assert_decodes(rl_encoding_name(encodings[e]), rl_buf_slice(&coded), RL_SLICE("first second"));
    rl_compressor_del(c);
    rl_buf_free(&coded);
    rl_buf_free(&out);
  }
}

TEST(one_that_is_cut_off_is_not_complete) {
  UNUSED;
  rl_buf text = sample(5000);
  for (size_t e = 0; e < 2; e++) {
    rl_buf coded = encode(encodings[e], rl_buf_slice(&text));
    bool complete;
    for (size_t len = 1; len < coded.len; len += 37) {
      assert_int_equal(decode_code(rl_encoding_name(encodings[e]), rl_slice_of(coded.data, len), &complete), 0);
      assert_false(complete);
    }
    rl_buf_free(&coded);
  }
  rl_buf_free(&text);
}

TEST(damage_is_an_error_or_another_text_but_never_a_crash) {
  UNUSED;
  rl_buf text = sample(2000);
  int refused = 0;
  for (size_t e = 0; e < 2; e++) {
    rl_buf coded = encode(encodings[e], rl_buf_slice(&text));
    for (size_t at = 0; at < coded.len; at++) {
      bool complete;
      coded.data[at] ^= 0x55;
      int code = decode_code(rl_encoding_name(encodings[e]), rl_buf_slice(&coded), &complete);
      assert_true(code == 0 || code == RL_ESYNTAX);
      refused += code != 0;
      coded.data[at] ^= 0x55;
    }
    rl_buf_free(&coded);
  }
  assert_true(refused > 100);
  rl_buf_free(&text);
}

/* "hello" as deflate, with the wrapper that RFC 9110 asks for and without it. */
TEST(deflate_comes_with_its_wrapper_or_without) {
  UNUSED;
  assert_decodes("deflate", RL_SLICE("\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15"), RL_SLICE("hello"));
  assert_decodes("deflate", RL_SLICE("\xcb\x48\xcd\xc9\xc9\x07\x00"), RL_SLICE("hello"));
}

TEST(members_of_gzip_follow_each_other_up_to_a_limit) {
  UNUSED;
  rl_buf one = encode(RL_ENCODING_GZIP, RL_SLICE("x")), many;
  rl_buf_init(&many, RL_BUF_NO_LIMIT);
  rl_buf_add_slice(&many, rl_buf_slice(&one));
  rl_buf_add_slice(&many, rl_buf_slice(&one));
  assert_decodes("gzip", rl_buf_slice(&many), RL_SLICE("xx"));
  rl_buf_add_str(&many, "rubbish after the end");
  assert_decodes("gzip", rl_buf_slice(&many), RL_SLICE("xx"));
  rl_buf_clear(&many);
  for (unsigned i = 0; i <= RL_LIMIT_DECODED_MEMBERS; i++) rl_buf_add_slice(&many, rl_buf_slice(&one));
  bool complete;
  assert_int_equal(decode_code("gzip", rl_buf_slice(&many), &complete), RL_ETOOBIG);
  rl_buf_free(&many);
  rl_buf_free(&one);
}

/* CVE-2025-69223: zeros, a thousand to one. */
TEST(a_bomb_is_refused) {
  UNUSED;
  size_t size = (size_t)RL_LIMIT_DECODED_FREE * 2;
  char *zeros = calloc(1, size);
  for (size_t e = 0; e < 2; e++) {
    rl_buf coded = encode(encodings[e], rl_slice_of(zeros, size));
    bool complete;
    assert_int_equal(decode_code(rl_encoding_name(encodings[e]), rl_buf_slice(&coded), &complete), RL_ETOOBIG);
    rl_buf_free(&coded);
  }
  free(zeros);
}

TEST(codings_that_are_not_known_or_several_are_refused) {
  UNUSED;
  rl_decoder *decoder;
  static const char *const bad[] = {"zstd", "gzip, br", "gzip,", "compress", "gzip;q=1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(rl_decoder_new(rl_slice_str(bad[i]), &decoder), RL_EUNSUPPORTED);
  static const char *const none[] = {"", " ", "identity", "IDENTITY"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    assert_int_equal(rl_decoder_new(rl_slice_str(none[i]), &decoder), 0);
    assert_null(decoder);
  }
}

TEST(memory_that_is_short_is_an_error_and_leaks_nothing) {
  UNUSED;
  rl_buf text = sample(20000);
  for (size_t e = 0; e < 2; e++) {
    rl_buf coded = encode(encodings[e], rl_buf_slice(&text));
    bool ended = false;
    for (long nth = 1; !ended && nth < 200; nth++) {
      rl_decoder *decoder = NULL;
      char room[4096];
      rl_slice in = rl_buf_slice(&coded);
      rl_alloc_fail_at(nth, true);
      int code = rl_decoder_new(rl_slice_str(rl_encoding_name(encodings[e])), &decoder);
      long n = 1;
      while (!code && n > 0) n = rl_decoder_run(decoder, &in, room, sizeof room);
      rl_alloc_fail_at(0, false);
      if (!code && n < 0) code = (int)n;
      assert_true(code == 0 || code == RL_ENOMEM);
      ended = code == 0;
      rl_decoder_del(decoder);
    }
    assert_true(ended);
    rl_buf_free(&coded);
  }
  rl_buf_free(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(what_was_compressed_comes_back),
      RUN(what_was_flushed_can_be_decoded_before_the_end),
      RUN(one_that_is_cut_off_is_not_complete),
      RUN(damage_is_an_error_or_another_text_but_never_a_crash),
      RUN(deflate_comes_with_its_wrapper_or_without),
      RUN(members_of_gzip_follow_each_other_up_to_a_limit),
      RUN(a_bomb_is_refused),
      RUN(codings_that_are_not_known_or_several_are_refused),
      RUN(memory_that_is_short_is_an_error_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
