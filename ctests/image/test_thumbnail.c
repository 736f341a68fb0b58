#include "image/thumbnail.h"

#include <gd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "image/cost.h"
#include "support/test.h"

/* Makes a picture whose corners have colours of their own: red and green above, blue and white below. */
static gdImagePtr four_corners(int width, int height) {
  gdImagePtr image = gdImageCreateTrueColor(width, height);
  const int colours[2][2] = {{0xFF0000, 0x00FF00}, {0x0000FF, 0xFFFFFF}};
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) gdImageSetPixel(image, x, y, colours[y >= height / 2][x >= width / 2]);
  return image;
}

static char corner_name(gdImagePtr image, int x, int y) {
  int c = gdImageGetTrueColorPixel(image, x, y);
  bool r = gdTrueColorGetRed(c) > 127, g = gdTrueColorGetGreen(c) > 127, b = gdTrueColorGetBlue(c) > 127;
  return r && g && b ? 'w' : r ? 'r' : g ? 'g' : b ? 'b' : '?';
}

/* Returns the colours of the corners, row by row. */
static void assert_corners(gdImagePtr image, const char *wanted) {
  int right = image->sx - 1, bottom = image->sy - 1;
  const char seen[] = {corner_name(image, 0, 0), corner_name(image, right, 0), corner_name(image, 0, bottom),
                       corner_name(image, right, bottom), 0};
  assert_string_equal(seen, wanted);
}

static gdImagePtr thumbnail_of(rl_slice bytes, rl_thumbnail how) {
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_image_thumbnail(bytes, &how, &out), 0);
  gdImagePtr image = gdImageCreateFromPngPtr((int)out.len, out.data);
  assert_non_null(image);
  rl_buf_free(&out);
  return image;
}

static void expect_size(int width, int height, rl_thumbnail how, int wanted_width, int wanted_height) {
  int size;
  gdImagePtr image = four_corners(width, height);
  void *png = gdImagePngPtr(image, &size);
  gdImageDestroy(image);
  how.format = RL_IMAGE_PNG;
  image = thumbnail_of(rl_slice_of(png, (size_t)size), how);
  assert_int_equal(image->sx, wanted_width);
  assert_int_equal(image->sy, wanted_height);
  assert_corners(image, "rgbw");
  gdImageDestroy(image);
  gdFree(png);
}

TEST(has_the_size_that_was_asked_for) {
  UNUSED;
  expect_size(200, 100, (rl_thumbnail){.width = 64, .height = 64}, 64, 64);
  expect_size(100, 200, (rl_thumbnail){.width = 64, .height = 64}, 64, 64);
  expect_size(10, 10, (rl_thumbnail){.width = 64, .height = 64}, 64, 64);
  expect_size(200, 100, (rl_thumbnail){.width = 64}, 64, 32);
  expect_size(200, 100, (rl_thumbnail){.height = 50}, 100, 50);
  expect_size(200, 100, (rl_thumbnail){.width = 64, .height = 64, .contain = true}, 64, 32);
  expect_size(20, 10, (rl_thumbnail){.width = 64, .height = 64, .contain = true}, 20, 10);
  expect_size(5000, 2, (rl_thumbnail){.height = 4, .width = 0}, 4096, 2);
}

/* Makes a JPEG of four corners with an orientation in an Exif block after its first marker. */
static void turned_jpeg(rl_buf *out, unsigned orientation) {
  static const char exif[] =
      "\xff\xe1\x00\x22"
      "Exif\0\0"
      "MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
  int size;
  gdImagePtr image = four_corners(64, 32);
  char *jpeg = gdImageJpegPtr(image, &size, 95);
  gdImageDestroy(image);
  rl_buf_add(out, jpeg, 2);
  rl_buf_add(out, exif, sizeof exif - 1);
  rl_buf_add_char(out, (char)orientation);
  rl_buf_add(out, "\0\0\0\0\0\0", 6);
  rl_buf_add(out, jpeg + 2, (size_t)size - 2);
  gdFree(jpeg);
}

/* Exif 2.3, Orientation: where the 0th row and the 0th column of the stored picture appear. */
TEST(turns_pictures_upright) {
  UNUSED;
  const char *const corners[] = {"rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"};
  for (unsigned orientation = 1; orientation <= 8; orientation++) {
    rl_buf jpeg;
    rl_buf_init(&jpeg, RL_BUF_NO_LIMIT);
    turned_jpeg(&jpeg, orientation);
    gdImagePtr image = thumbnail_of(rl_buf_slice(&jpeg),
                                    (rl_thumbnail){.width = 32, .height = 32, .contain = true, .format = RL_IMAGE_PNG});
    assert_int_equal(image->sx, orientation >= 5 ? 16 : 32);
    assert_int_equal(image->sy, orientation >= 5 ? 32 : 16);
    assert_corners(image, corners[orientation - 1]);
    gdImageDestroy(image);
    rl_buf_free(&jpeg);
  }
}

TEST(reads_and_writes_all_four_formats) {
  UNUSED;
  gdImagePtr image = four_corners(32, 32);
  void *made[RL_IMAGE_FORMATS];
  int sizes[RL_IMAGE_FORMATS];
  made[RL_IMAGE_JPEG] = gdImageJpegPtr(image, &sizes[RL_IMAGE_JPEG], 95);
  made[RL_IMAGE_PNG] = gdImagePngPtr(image, &sizes[RL_IMAGE_PNG]);
  made[RL_IMAGE_GIF] = gdImageGifPtr(image, &sizes[RL_IMAGE_GIF]);
  made[RL_IMAGE_WEBP] = gdImageWebpPtr(image, &sizes[RL_IMAGE_WEBP]);
  gdImageDestroy(image);
  for (unsigned from = 0; from < RL_IMAGE_FORMATS; from++) {
    for (unsigned to = 0; to < RL_IMAGE_FORMATS; to++) {
      rl_buf out;
      rl_image_info info;
      rl_buf_init(&out, RL_BUF_NO_LIMIT);
      rl_thumbnail how = {.width = 8, .height = 8, .format = (rl_image_format)to, .quality = 90};
      assert_int_equal(rl_image_thumbnail(rl_slice_of(made[from], (size_t)sizes[from]), &how, &out), 0);
      assert_int_equal(rl_image_probe(rl_buf_slice(&out), &info), 0);
      assert_int_equal(info.format, to);
      assert_int_equal(info.width, 8);
      rl_buf_free(&out);
    }
    gdFree(made[from]);
  }
}

TEST(paints_transparent_pixels_white_in_a_jpeg) {
  UNUSED;
  int size;
  gdImagePtr image = gdImageCreateTrueColor(16, 16);
  gdImageAlphaBlending(image, 0);
  gdImageSaveAlpha(image, 1);
  gdImageFilledRectangle(image, 0, 0, 15, 15, gdTrueColorAlpha(0, 0, 0, 127));
  void *png = gdImagePngPtr(image, &size);
  gdImageDestroy(image);
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  rl_thumbnail how = {.width = 8, .height = 8, .format = RL_IMAGE_JPEG, .quality = 90};
  assert_int_equal(rl_image_thumbnail(rl_slice_of(png, (size_t)size), &how, &out), 0);
  image = gdImageCreateFromJpegPtr((int)out.len, out.data);
  assert_corners(image, "wwww");
  gdImageDestroy(image);
  gdFree(png);
  rl_buf_free(&out);
}

TEST(refuses_bombs_before_it_decodes_and_broken_pictures) {
  UNUSED;
  static const char bomb[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x06\0\0\0";
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  rl_thumbnail how = {.width = 8, .height = 8, .format = RL_IMAGE_JPEG, .quality = 90};
  assert_int_equal(rl_image_thumbnail(rl_slice_of(bomb, sizeof bomb - 1), &how, &out), RL_ETOOBIG);
  assert_int_equal(rl_image_thumbnail(RL_SLICE("hello"), &how, &out), RL_EUNSUPPORTED);
  int size;
  gdImagePtr image = four_corners(64, 64);
  void *png = gdImagePngPtr(image, &size);
  gdImageDestroy(image);
  assert_int_equal(rl_image_thumbnail(rl_slice_of(png, 40), &how, &out), RL_ESYNTAX);
  gdFree(png);
  assert_int_equal(out.len, 0);
  rl_buf_free(&out);
}

/* Uses libjpeg's own: ten scans of a colour picture; and a PNG in seven passes. */
TEST(takes_progressive_and_interlaced_pictures) {
  UNUSED;
  int size;
  gdImagePtr image = four_corners(300, 200);
  rl_image_parts parts;
  gdImageInterlace(image, 1);
  void *made[] = {gdImageJpegPtr(image, &size, 90), NULL};
  rl_slice jpeg = rl_slice_of(made[0], (size_t)size);
  rl_image_count(jpeg, RL_IMAGE_JPEG, &parts);
  assert_int_equal(parts.scans, 10);
  made[1] = gdImagePngPtr(image, &size);
  gdImageDestroy(image);
  rl_slice all[] = {jpeg, rl_slice_of(made[1], (size_t)size)};
  for (int i = 0; i < 2; i++) {
    image = thumbnail_of(all[i], (rl_thumbnail){.width = 30, .height = 20, .format = RL_IMAGE_PNG});
    assert_corners(image, "rgbw");
    gdImageDestroy(image);
    gdFree(made[i]);
  }
}

/* Repeats one scan of the same picture again and again. */
TEST(refuses_a_jpeg_of_thousands_of_scans) {
  UNUSED;
  int size;
  gdImagePtr image = four_corners(64, 64);
  gdImageInterlace(image, 1);
  char *jpeg = gdImageJpegPtr(image, &size, 90);
  gdImageDestroy(image);
  rl_buf many, out;
  rl_buf_init(&many, RL_BUF_NO_LIMIT);
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  rl_buf_add(&many, jpeg, (size_t)size - 2);
  for (int i = 0; i < 10000; i++) rl_buf_add(&many, "\xff\xda\x00\x08\x01\x01\x00\x01\x05\x02\xff\x00", 12);
  rl_buf_add(&many, "\xff\xd9", 2);
  rl_thumbnail how = {.width = 8, .height = 8, .format = RL_IMAGE_JPEG, .quality = 90};
  assert_int_equal(rl_image_thumbnail(rl_buf_slice(&many), &how, &out), RL_ERANGE);
  rl_buf_free(&many);
  rl_buf_free(&out);
  gdFree(jpeg);
}

static bool is_abandoned_after(const rl_thumbnail *how) { return --*(int *)how->owner < 0; }

/* Tries each format at each question, from the first to the one where it ends whole. */
TEST(ends_wherever_it_is_abandoned) {
  UNUSED;
  int size[3], left;
  gdImagePtr image = four_corners(400, 400);
  void *made[] = {gdImageJpegPtr(image, &size[0], 95), gdImagePngPtr(image, &size[1]), gdImageGifPtr(image, &size[2])};
  gdImageDestroy(image);
  for (int i = 0; i < 3; i++) {
    int code = RL_ECANCELLED;
    for (int asks = 0; code; asks++) {
      rl_buf out;
      rl_buf_init(&out, RL_BUF_NO_LIMIT);
      left = asks;
      rl_thumbnail how = {
          .width = 8, .height = 8, .format = RL_IMAGE_PNG, .is_abandoned = is_abandoned_after, .owner = &left};
      code = rl_image_thumbnail(rl_slice_of(made[i], (size_t)size[i]), &how, &out);
      assert_true(code == 0 || code == RL_ECANCELLED);
      assert_int_equal(out.len > 0, code == 0);
      assert_true(asks < 10000);
      rl_buf_free(&out);
    }
    gdFree(made[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(has_the_size_that_was_asked_for),
      RUN(turns_pictures_upright),
      RUN(reads_and_writes_all_four_formats),
      RUN(paints_transparent_pixels_white_in_a_jpeg),
      RUN(refuses_bombs_before_it_decodes_and_broken_pictures),
      RUN(takes_progressive_and_interlaced_pictures),
      RUN(refuses_a_jpeg_of_thousands_of_scans),
      RUN(ends_wherever_it_is_abandoned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
