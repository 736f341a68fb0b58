#include "image/cost.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "support/test.h"

/* ---- JPEG ------------------------------------------------------------------------------------------------------------- */

static void add(rl_buf *out, const char *bytes, size_t len) { assert_int_equal(rl_buf_add(out, bytes, len), 0); }
#define ADD(out, literal) add(out, literal, sizeof(literal) - 1)

static void add_segment(rl_buf *out, int marker, size_t payload) {
  char head[4] = {(char)0xFF, (char)marker, (char)((payload + 2) >> 8), (char)(payload + 2)};
  add(out, head, 4);
  while (payload--) ADD(out, "\xDA"); /* which is no marker in here */
}

/* Entropy-coded data that holds a stuffed 0xFF, a restart marker and fill bytes. */
static void add_scan(rl_buf *out) {
  add_segment(out, 0xDA, 8);
  ADD(out, "data\xff\x00\xff\xd3more\xff\xff");
}

static void make_jpeg(rl_buf *out, size_t width, size_t height, size_t scans) {
  char frame[] = {(char)0xFF,  (char)0xC2, 0, 11,   8, (char)(height >> 8), (char)height, (char)(width >> 8),
                  (char)width, 1,          1, 0x11, 0};
  rl_buf_init(out, RL_BUF_NO_LIMIT);
  ADD(out, "\xff\xd8");
  add_segment(out, 0xE0, 14);
  add_segment(out, 0xDB, 65);
  add(out, frame, sizeof frame);
  for (size_t i = 0; i < scans; i++) {
    add_segment(out, 0xC4, 20);
    add_scan(out);
  }
  ADD(out, "\xff\xd9");
}

static int check_jpeg(size_t width, size_t height, size_t scans) {
  rl_buf jpeg;
  rl_image_info info;
  make_jpeg(&jpeg, width, height, scans);
  assert_int_equal(rl_image_probe(rl_buf_slice(&jpeg), &info), 0);
  int code = rl_image_check_cost(rl_buf_slice(&jpeg), &info);
  rl_buf_free(&jpeg);
  return code;
}

TEST(counts_scans_and_segments_as_a_decoder_comes_to_them) {
  UNUSED;
  rl_buf jpeg;
  rl_image_parts parts;
  make_jpeg(&jpeg, 8, 8, 7);
  ADD(&jpeg, "\xff\xda\x00\x02"); /* after the end */
  rl_image_count(rl_buf_slice(&jpeg), RL_IMAGE_JPEG, &parts);
  assert_int_equal(parts.scans, 7);
  assert_int_equal(parts.segments, 3 + 7 * 2);
  rl_buf_free(&jpeg);
}

TEST(counts_scans_after_garbage_and_false_lengths) {
  UNUSED;
  rl_image_parts parts;
  rl_image_count(rl_slice_of("\xff\xd8garbage\xff\xff\xda\x00\x02\xff\xda\x00\x00\xff\xda\x00\x01\xff\xda\xff\xff", 31),
                 RL_IMAGE_JPEG, &parts);
  assert_int_equal(parts.scans, 4);
}

TEST(takes_what_encoders_write_and_refuses_thousands_of_scans) {
  UNUSED;
  assert_int_equal(check_jpeg(4000, 3000, 10), 0); /* libjpeg's and mozjpeg's */
  assert_int_equal(check_jpeg(6000, 6000, 20), 0);
  assert_int_equal(check_jpeg(1000, 1000, RL_LIMIT_IMAGE_SCANS), 0);
  assert_int_equal(check_jpeg(1000, 1000, RL_LIMIT_IMAGE_SCANS + 1), RL_ERANGE);
  assert_int_equal(check_jpeg(8, 8, 10000), RL_ERANGE);
  assert_int_equal(check_jpeg(6000, 6000, 90), RL_ERANGE); /* few, but each goes over many pixels */
  assert_int_equal(check_jpeg(8000, 8000, 1), RL_ETOOBIG);
}

TEST(refuses_thousands_of_segments) {
  UNUSED;
  rl_buf jpeg;
  make_jpeg(&jpeg, 8, 8, 1);
  rl_image_info info;
  assert_int_equal(rl_image_probe(rl_buf_slice(&jpeg), &info), 0);
  jpeg.len -= 2;
  for (unsigned i = 0; i < RL_LIMIT_IMAGE_SEGMENTS; i++) add_segment(&jpeg, 0xEE, 12);
  assert_int_equal(rl_image_check_cost(rl_buf_slice(&jpeg), &info), RL_ERANGE);
  rl_buf_free(&jpeg);
}

/* Each prefix in a block of its own size, so that the address sanitizer sees a read beyond its end. */
TEST(reads_nothing_past_the_end_of_any_prefix) {
  UNUSED;
  rl_buf jpeg;
  make_jpeg(&jpeg, 8, 8, 3);
  for (size_t len = 0; len <= jpeg.len; len++) {
    char *copy = rl_alloc(len + !len);
    memcpy(copy, jpeg.data, len);
    rl_image_parts parts;
    rl_image_count(rl_slice_of(copy, len), RL_IMAGE_JPEG, &parts);
    assert_true(parts.scans <= 3);
    rl_free(copy);
  }
  rl_buf_free(&jpeg);
}

/* ---- the source -------------------------------------------------------------------------------------------------------- */

static void add_chunk(rl_buf *out, const char *name, size_t len) {
  char head[4] = {(char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len};
  add(out, head, 4);
  add(out, name, 4);
  while (len--) ADD(out, "x");
  ADD(out, "\0\0\0\0");
}

static void make_png(rl_buf *out, bool with_texts) {
  rl_buf_init(out, RL_BUF_NO_LIMIT);
  ADD(out, "\x89PNG\r\n\x1a\n");
  add_chunk(out, "IHDR", 13);
  for (int i = 0; i < 3 && with_texts; i++) {
    add_chunk(out, "zTXt", 100);
    add_chunk(out, "iCCP", 50);
  }
  add_chunk(out, "tRNS", 2);
  if (with_texts) add_chunk(out, "iTXt", 0);
  add_chunk(out, "IDAT", 30);
  add_chunk(out, "IDAT", 0);
  if (with_texts) add_chunk(out, "tEXt", 7);
  add_chunk(out, "IEND", 0);
}

static void read_all(rl_slice bytes, rl_image_format format, size_t piece, rl_buf *out) {
  rl_image_source source;
  char room[64];
  size_t n;
  rl_buf_init(out, RL_BUF_NO_LIMIT);
  rl_image_source_init(&source, bytes, format);
  while ((n = rl_image_source_read(&source, room, piece))) add(out, room, n);
}

TEST(leaves_out_what_only_describes_a_png) {
  UNUSED;
  rl_buf with, without, read;
  make_png(&with, true);
  make_png(&without, false);
  for (size_t piece = 1; piece <= 64; piece++) {
    read_all(rl_buf_slice(&with), RL_IMAGE_PNG, piece, &read);
    assert_int_equal(read.len, without.len);
    assert_memory_equal(read.data, without.data, read.len);
    rl_buf_free(&read);
  }
  rl_buf_free(&with);
  rl_buf_free(&without);
}

TEST(gives_every_byte_of_the_others_and_of_what_is_cut_off) {
  UNUSED;
  rl_buf read;
  const char *png = "\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDATxxxx";
  read_all(rl_slice_of(png, 20), RL_IMAGE_PNG, 7, &read);
  assert_int_equal(read.len, 20);
  rl_buf_free(&read);
  read_all(rl_slice_of(png, 12), RL_IMAGE_PNG, 7, &read);
  assert_int_equal(read.len, 12);
  rl_buf_free(&read);
  read_all(rl_slice_of(png, 3), RL_IMAGE_PNG, 7, &read);
  assert_int_equal(read.len, 3);
  rl_buf_free(&read);
  read_all(RL_SLICE("GIF89a and what follows"), RL_IMAGE_GIF, 5, &read);
  assert_int_equal(read.len, 23);
  rl_buf_free(&read);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(counts_scans_and_segments_as_a_decoder_comes_to_them),
      RUN(counts_scans_after_garbage_and_false_lengths),
      RUN(takes_what_encoders_write_and_refuses_thousands_of_scans),
      RUN(refuses_thousands_of_segments),
      RUN(reads_nothing_past_the_end_of_any_prefix),
      RUN(leaves_out_what_only_describes_a_png),
      RUN(gives_every_byte_of_the_others_and_of_what_is_cut_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
