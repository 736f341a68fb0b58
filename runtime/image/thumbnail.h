/*
 * Makes small pictures of large ones, by libgd. It is loaded with the first picture, because it brings two dozen libraries that
 * most programs never need.
 */
#ifndef RL_IMAGE_THUMBNAIL_H
#define RL_IMAGE_THUMBNAIL_H

#include <stdbool.h>

#include "base/buf.h"
#include "image/probe.h"

typedef struct rl_thumbnail rl_thumbnail;

struct rl_thumbnail {
  uint32_t width,
      height;   /* 0: follows from the other by proportion; at least one is set, at most RL_LIMIT_IMAGE_SIDE */
  bool contain; /* inside that size, never larger than it was; otherwise exactly that size, with the rest cut off */
  rl_image_format format;
  int quality;                                   /* of JPEG and WebP: 1 to 100 */
  bool (*is_abandoned)(const rl_thumbnail *how); /* called on the way; returns true to give up. May be NULL */
  void *owner;
};

/* Decodes `bytes`, turns it upright, scales it and appends it encoded to `out`; transparency becomes white in a JPEG. Takes
 * long and 4 bytes of memory for each pixel, so call it on a thread. Returns 0, RL_EUNSUPPORTED (none of the four formats,
 * or libgd is missing: see rl_image_available), RL_ESYNTAX (broken), RL_ETOOBIG and RL_ERANGE (too much work, see
 * image/cost.h), RL_ECANCELLED (abandoned), or RL_ENOMEM. */
int rl_image_thumbnail(rl_slice bytes, const rl_thumbnail *how, rl_buf *out);

/* Loads libgd. Returns false, with the reason in *why (static), if that fails. */
bool rl_image_available(const char **why);

#endif
