#include "image/probe.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

#define BYTES(literal) rl_slice_of(literal, sizeof(literal) - 1)

#define JPEG_START           \
  "\xff\xd8\xff\xe0\x00\x04" \
  "ab"
#define JPEG_FRAME "\xff\xc0\x00\x0b\x08\x00\x20\x00\x40\x01\x00\x00\x00"
static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\0\x20";
static const char gif[] = "GIF89a\x01\0\x01\0\x80\0\0rgbRGB!\xf9\x04\0\0\0\0\0,\0\0\0\0\x2c\x01\xc8\0\0";
static const char webp_lossy[] = "RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01";
static const char webp_lossless[] = "RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x0f\xc0\x07\x00\0\0\0\0\0";
static const char webp_extended[] = "RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x0f\0\0\x1f\0\0";

static const char exif_big[] = JPEG_START
    "\xff\xe1\x00\x22"
    "Exif\0\0"
    "MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0" JPEG_FRAME;
static const char exif_little[] = JPEG_START
    "\xff\xe1\x00\x22"
    "Exif\0\0"
    "II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0" JPEG_FRAME;
static const char exif_far[] = JPEG_START
    "\xff\xe1\x00\x10"
    "Exif\0\0"
    "MM\0\x2a\xff\xff\xff\xff" JPEG_FRAME;

static void expect(rl_slice bytes, rl_image_format format, unsigned width, unsigned height, unsigned orientation) {
  rl_image_info info;
  assert_int_equal(rl_image_probe(bytes, &info), 0);
  assert_int_equal(info.format, format);
  assert_int_equal(info.width, width);
  assert_int_equal(info.height, height);
  assert_int_equal(info.orientation, orientation);
}

TEST(reads_the_size_of_each_format) {
  UNUSED;
  expect(BYTES(JPEG_START JPEG_FRAME), RL_IMAGE_JPEG, 64, 32, 1);
  expect(BYTES(png), RL_IMAGE_PNG, 256, 32, 1);
  expect(BYTES(webp_lossy), RL_IMAGE_WEBP, 640, 480, 1);
  expect(BYTES(webp_lossless), RL_IMAGE_WEBP, 16, 32, 1);
  expect(BYTES(webp_extended), RL_IMAGE_WEBP, 16, 32, 1);
}

TEST(takes_the_first_picture_of_a_gif_not_its_screen) {
  UNUSED;
  expect(BYTES(gif), RL_IMAGE_GIF, 300, 200, 1);
}

TEST(reads_which_way_is_up) {
  UNUSED;
  expect(BYTES(exif_big), RL_IMAGE_JPEG, 64, 32, 6);
  expect(BYTES(exif_little), RL_IMAGE_JPEG, 64, 32, 3);
  expect(BYTES(exif_far), RL_IMAGE_JPEG, 64, 32, 1);
}

TEST(refuses_what_is_no_picture_or_has_no_size) {
  UNUSED;
  rl_image_info info;
  assert_int_equal(rl_image_probe(RL_SLICE_NONE, &info), RL_EUNSUPPORTED);
  assert_int_equal(rl_image_probe(RL_SLICE("<svg xmlns='http://www.w3.org/2000/svg'/>"), &info), RL_EUNSUPPORTED);
  assert_int_equal(rl_image_probe(RL_SLICE("BM\x36\0\0\0"), &info), RL_EUNSUPPORTED);
  assert_int_equal(rl_image_probe(BYTES("\xff\xd8\xff\xda\x00\x04"), &info), RL_ESYNTAX);
  assert_int_equal(rl_image_probe(BYTES("\xff\xd8\xff\xc0\x00\x0b\x08\x00\x00\x00\x40"), &info), RL_ESYNTAX);
}

/* Each prefix in a block of its own size, so that the address sanitizer sees a read beyond its end. */
TEST(reads_nothing_past_the_end_of_any_prefix) {
  UNUSED;
  const rl_slice all[] = {BYTES(JPEG_START JPEG_FRAME),
                          BYTES(exif_big),
                          BYTES(exif_little),
                          BYTES(exif_far),
                          BYTES(png),
                          BYTES(gif),
                          BYTES(webp_lossy),
                          BYTES(webp_lossless),
                          BYTES(webp_extended)};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    for (size_t len = 0; len < all[i].len; len++) {
      char *copy = rl_alloc(len + !len);
      if (len) memcpy(copy, all[i].data, len);
      rl_image_info info;
      int code = rl_image_probe(rl_slice_of(copy, len), &info);
      assert_true(code == 0 || code == RL_ESYNTAX || code == RL_EUNSUPPORTED);
      rl_free(copy);
    }
  }
}

TEST(knows_the_formats_by_name) {
  UNUSED;
  assert_int_equal(rl_image_format_of(RL_SLICE("jpg")), RL_IMAGE_JPEG);
  assert_int_equal(rl_image_format_of(RL_SLICE("webp")), RL_IMAGE_WEBP);
  assert_int_equal(rl_image_format_of(RL_SLICE("bmp")), RL_IMAGE_FORMATS);
  assert_string_equal(rl_image_format_name(RL_IMAGE_GIF), "gif");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(reads_the_size_of_each_format),
      RUN(takes_the_first_picture_of_a_gif_not_its_screen),
      RUN(reads_which_way_is_up),
      RUN(refuses_what_is_no_picture_or_has_no_size),
      RUN(reads_nothing_past_the_end_of_any_prefix),
      RUN(knows_the_formats_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
