/*
 * Small pictures of large ones, by libgd. It is loaded when the first picture is asked for: it brings two dozen libraries,
 * and most programs never need one of them.
 */
#ifndef RL_IMAGE_THUMBNAIL_H
#define RL_IMAGE_THUMBNAIL_H

#include <stdbool.h>

#include "base/buf.h"
#include "image/probe.h"

typedef struct rl_thumbnail rl_thumbnail;

struct rl_thumbnail {
  uint32_t width, height; /* 0: follows from the other by proportion; not both, at most RL_LIMIT_IMAGE_SIDE */
  bool contain; /* inside that size, never larger than it was; else exactly that size, what juts out cut off */
  rl_image_format format;
  int quality;                                   /* of JPEG and WebP: 1 to 100 */
  bool (*is_abandoned)(const rl_thumbnail *how); /* asked on the way; true: nobody wants it any more. NULL: never */
  void *owner;
};

/* Decodes `bytes`, turns it upright, scales and encodes it to the end of `out`; transparency becomes white in a JPEG.
 * Takes long and much memory (4 bytes for each pixel): for a thread. 0, RL_EUNSUPPORTED (no picture of the four formats, or
 * libgd is missing: see rl_image_available), RL_ESYNTAX (broken), RL_ETOOBIG and RL_ERANGE (too much work, see image/cost.h),
 * RL_ECANCELLED (abandoned), RL_ENOMEM. */
int rl_image_thumbnail(rl_slice bytes, const rl_thumbnail *how, rl_buf *out);

/* Loads libgd; false, with the reason in *why (static, or until the thread's next dlerror), where that fails. */
bool rl_image_available(const char **why);

#endif
