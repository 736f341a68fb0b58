/*
 * Format, size and orientation of a picture, read from its first bytes without decoding anything. A picture of 40 bytes may
 * claim 65535 x 65535 pixels, so this runs before every decoder.
 */
#ifndef RL_IMAGE_PROBE_H
#define RL_IMAGE_PROBE_H

#include <stdint.h>

#include "base/slice.h"

typedef enum rl_image_format {
  RL_IMAGE_JPEG,
  RL_IMAGE_PNG,
  RL_IMAGE_GIF,
  RL_IMAGE_WEBP,
  RL_IMAGE_FORMATS
} rl_image_format;

typedef struct rl_image_info {
  rl_image_format format;
  uint32_t width, height; /* as stored, before turning; never 0 */
  uint8_t orientation;    /* Exif's 1 (upright) to 8; 1 if unknown */
} rl_image_info;

/* Returns 0, RL_EUNSUPPORTED (none of the four formats), or RL_ESYNTAX (begins as one, but has no size). */
int rl_image_probe(rl_slice bytes, rl_image_info *info);

/* Returns "jpeg", "png", "gif" or "webp"; static. */
const char *rl_image_format_name(rl_image_format format);
/* Returns the format of such a name, or RL_IMAGE_FORMATS. "jpg" is jpeg. */
rl_image_format rl_image_format_of(rl_slice name);

#endif
