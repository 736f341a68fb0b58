/* Loads libgd at run time and hides it in one function. */
#include "image/thumbnail.h"

#include <gd.h>
#include <limits.h>
#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/shared_object.h"
#include "image/cost.h"

/* ---- the library -------------------------------------------------------------------------------------------------------- */

#define FUNCTIONS(X)            \
  X(gdImageCreateTrueColor)     \
  X(gdImageCreateFromJpegCtxEx) \
  X(gdImageCreateFromPngCtx)    \
  X(gdImageCreateFromGifCtx)    \
  X(gdImageCreateFromWebpCtx)   \
  X(gdImageAlphaBlending)       \
  X(gdImageSaveAlpha)           \
  X(gdImageFilledRectangle)     \
  X(gdImageCopyResampled)       \
  X(gdImagePaletteToTrueColor)  \
  X(gdImageGetTrueColorPixel)   \
  X(gdImageSetPixel)            \
  X(gdImageJpegPtr)             \
  X(gdImagePngPtr)              \
  X(gdImageGifPtr)              \
  X(gdImageWebpPtrEx)           \
  X(gdImageDestroy)             \
  X(gdSetErrorMethod)           \
  X(gdFree)

static struct {
#define X(name) __typeof__(name) *name;
  FUNCTIONS(X)
#undef X
} gd;

static void be_silent(int priority, const char *format, va_list args) { (void)priority, (void)format, (void)args; }

/* Silent: it would write to stderr what we answer with a status. */
static bool prepare(void) { return gd.gdSetErrorMethod(be_silent), true; }

bool rl_image_available(const char **why) {
#define X(name) #name,
  static const char *const names[] = {FUNCTIONS(X)};
#undef X
  static rl_shared_object library = {.file = "libgd.so.3",
                                     .title = "libgd",
                                     .package = "libgd3",
                                     .names = names,
                                     .count = sizeof names / sizeof *names,
                                     .table = &gd,
                                     .prepare = prepare};
  return rl_shared_object_load(&library, why) == RL_OK;
}

/* ---- decode, scale, turn, encode ------------------------------------------------------------------------------------------ */

/* The source of a decoder. It ends early if the picture is abandoned. */
typedef struct reader {
  gdIOCtx ctx; /* first */
  rl_image_source source;
  const rl_thumbnail *how;
} reader;

static bool is_abandoned(const rl_thumbnail *how) { return how->is_abandoned && how->is_abandoned(how); }

static int get_bytes(gdIOCtxPtr ctx, void *out, int most) {
  reader *r = (reader *)ctx;
  if (most <= 0 || is_abandoned(r->how)) return 0;
  return (int)rl_image_source_read(&r->source, out, (size_t)most);
}

static int get_byte(gdIOCtxPtr ctx) {
  unsigned char byte;
  return rl_image_source_read(&((reader *)ctx)->source, (char *)&byte, 1) ? byte : EOF;
}

static gdImagePtr decode(rl_slice bytes, rl_image_format format, const rl_thumbnail *how) {
  reader r = {.ctx = {.getC = get_byte, .getBuf = get_bytes}, .how = how};
  rl_image_source_init(&r.source, bytes, format);
  switch (format) {
    case RL_IMAGE_JPEG: return gd.gdImageCreateFromJpegCtxEx(&r.ctx, 1);
    case RL_IMAGE_PNG: return gd.gdImageCreateFromPngCtx(&r.ctx);
    case RL_IMAGE_GIF: return gd.gdImageCreateFromGifCtx(&r.ctx);
    case RL_IMAGE_WEBP: return gd.gdImageCreateFromWebpCtx(&r.ctx);
    case RL_IMAGE_FORMATS: break;
  }
  return NULL;
}

typedef struct box {
  int x, y, width, height;
} box;

static int pixels(double n, int most) { return n < 1 ? 1 : n > most ? most : (int)(n + 0.5); }

/* Decides which part of a picture of `width` x `height` is taken, and its new size. */
static void fit(const rl_thumbnail *how, int width, int height, box *from, box *to) {
  double w = how->width, h = how->height;
  *from = (box){0, 0, width, height};
  if (how->contain || !how->width || !how->height) {
    double most = RL_LIMIT_IMAGE_SIDE, by_width = (how->width ? w : most) / width,
           by_height = (how->height ? h : most) / height;
    double factor = by_width < by_height ? by_width : by_height;
    if (how->contain && factor > 1) factor = 1;
    *to = (box){0, 0, pixels(width * factor, (int)most), pixels(height * factor, (int)most)};
    return;
  }
  *to = (box){0, 0, (int)how->width, (int)how->height};
  if (width * h > height * w) from->width = pixels(height * w / h, width);
  else from->height = pixels(width * h / w, height);
  from->x = (width - from->width) / 2;
  from->y = (height - from->height) / 2;
}

/* Finds the pixel (x, y) of the upright picture in the stored one of `width` x `height` (Exif 2.3, Orientation). */
static void stored_place(unsigned orientation, int width, int height, int *x, int *y) {
  bool lies = orientation >= 5; /* rows and columns change places */
  bool mirrored = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  bool upside_down = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  int across = lies ? *y : *x, down = lies ? *x : *y;
  *x = mirrored ? width - 1 - across : across;
  *y = upside_down ? height - 1 - down : down;
}

static gdImagePtr turn_upright(gdImagePtr image, unsigned orientation) {
  if (orientation == 1) return image;
  bool lies = orientation >= 5;
  int width = lies ? image->sy : image->sx, height = lies ? image->sx : image->sy;
  gdImagePtr out = gd.gdImageCreateTrueColor(width, height);
  if (!out) return gd.gdImageDestroy(image), NULL;
  gd.gdImageAlphaBlending(out, 0);
  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++) {
      int from_x = x, from_y = y;
      stored_place(orientation, image->sx, image->sy, &from_x, &from_y);
      gd.gdImageSetPixel(out, x, y, gd.gdImageGetTrueColorPixel(image, from_x, from_y));
    }
  }
  gd.gdImageDestroy(image);
  return out;
}

static gdImagePtr scale(gdImagePtr image, const rl_thumbnail *how) {
  box from, to;
  fit(how, image->sx, image->sy, &from, &to);
  gdImagePtr out = gd.gdImageCreateTrueColor(to.width, to.height);
  if (!out) return NULL;
  bool opaque = how->format == RL_IMAGE_JPEG || how->format == RL_IMAGE_GIF;
  gd.gdImageAlphaBlending(out, 0);
  gd.gdImageFilledRectangle(out, 0, 0, to.width, to.height,
                            opaque ? gdTrueColor(255, 255, 255) : gdTrueColorAlpha(0, 0, 0, 127));
  if (opaque) gd.gdImageAlphaBlending(out, 1);
  gd.gdImageCopyResampled(out, image, 0, 0, from.x, from.y, to.width, to.height, from.width, from.height);
  gd.gdImageAlphaBlending(out, 0);
  gd.gdImageSaveAlpha(out, !opaque);
  return out;
}

static int encode(gdImagePtr image, const rl_thumbnail *how, rl_buf *out) {
  int size = 0;
  void *bytes = NULL;
  switch (how->format) {
    case RL_IMAGE_JPEG: bytes = gd.gdImageJpegPtr(image, &size, how->quality); break;
    case RL_IMAGE_PNG: bytes = gd.gdImagePngPtr(image, &size); break;
    case RL_IMAGE_GIF: bytes = gd.gdImageGifPtr(image, &size); break;
    case RL_IMAGE_WEBP: bytes = gd.gdImageWebpPtrEx(image, &size, how->quality); break;
    case RL_IMAGE_FORMATS: break;
  }
  if (!bytes) return RL_ENOMEM;
  int code = rl_buf_add(out, bytes, (size_t)size);
  gd.gdFree(bytes);
  return code;
}

/* Returns the size of the stored picture that is as asked once it is upright. */
static rl_thumbnail as_stored(const rl_thumbnail *how, unsigned orientation) {
  rl_thumbnail stored = *how;
  if (orientation >= 5) stored.width = how->height, stored.height = how->width;
  return stored;
}

/* Scales the picture and turns it upright. Takes it; returns the new one, or NULL if out of memory. */
static gdImagePtr make_small(gdImagePtr image, const rl_thumbnail *how, unsigned orientation) {
  rl_thumbnail stored = as_stored(how, orientation);
  gdImagePtr small = image->trueColor || gd.gdImagePaletteToTrueColor(image) ? scale(image, &stored) : NULL;
  gd.gdImageDestroy(image);
  return small ? turn_upright(small, orientation) : NULL;
}

int rl_image_thumbnail(rl_slice bytes, const rl_thumbnail *how, rl_buf *out) {
  const char *why;
  rl_image_info info;
  int code = rl_image_probe(bytes, &info);
  if (!code) code = bytes.len > INT_MAX ? RL_ETOOBIG : rl_image_check_cost(bytes, &info);
  if (code) return code;
  if (!rl_image_available(&why)) return RL_EUNSUPPORTED;
  gdImagePtr image = decode(bytes, info.format, how);
  if (is_abandoned(how)) code = RL_ECANCELLED;
  else if (!image) code = RL_ESYNTAX;
  if (code && image) gd.gdImageDestroy(image);
  if (code) return code;
  gdImagePtr small = make_small(image, how, info.orientation);
  if (!small) return RL_ENOMEM;
  gd.gdImageSaveAlpha(small, how->format == RL_IMAGE_PNG || how->format == RL_IMAGE_WEBP);
  code = is_abandoned(how) ? RL_ECANCELLED : encode(small, how, out);
  gd.gdImageDestroy(small);
  return code;
}
