/*
 * The cost of decoding a picture, estimated from its bytes before a decoder sees them. The size in the head bounds most of it
 * (every format decodes to so many pixels). But a JPEG visits all its pixels once for each scan, and may hold ten thousand
 * scans of a few bytes (like CVE-2017-15232; libjpeg leaves that to its callers). And libjpeg appends each segment that it
 * keeps to a list that it walks from the start each time.
 *
 *   pixels             RL_LIMIT_IMAGE_PIXELS
 *   scans              RL_LIMIT_IMAGE_SCANS; encoders write 1 to 20
 *   pixels * scans     RL_LIMIT_IMAGE_WORK
 *   segments           RL_LIMIT_IMAGE_SEGMENTS, of a JPEG
 *
 * rl_image_source feeds the bytes to the decoder without the chunks of a PNG that only describe it: libpng would decompress
 * texts among them, eight megabytes each, a thousand of them.
 */
#ifndef RL_IMAGE_COST_H
#define RL_IMAGE_COST_H

#include <stdbool.h>

#include "image/probe.h"

/* The scans and segments of a JPEG that a decoder would come to; 1 and 0 for other formats. */
typedef struct rl_image_parts {
  size_t scans, segments;
} rl_image_parts;

void rl_image_count(rl_slice bytes, rl_image_format format, rl_image_parts *parts);

/* Returns 0, RL_ETOOBIG (pixels), or RL_ERANGE (one of the other limits). `info` is the result of rl_image_probe. */
int rl_image_check_cost(rl_slice bytes, const rl_image_info *info);

/* The bytes that a decoder needs, from the front on; borrowed. */
typedef struct rl_image_source {
  rl_slice left;
  size_t piece; /* everything before this place is kept */
  bool chunked; /* a PNG, past its signature */
} rl_image_source;

void rl_image_source_init(rl_image_source *source, rl_slice bytes, rl_image_format format);
/* Reads the next bytes, at most `most`. Returns how many, 0 at the end. */
size_t rl_image_source_read(rl_image_source *source, char *out, size_t most);

#endif
