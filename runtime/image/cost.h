/*
 * What decoding a picture would cost, told from its bytes before a decoder sees them. The size in the head bounds most of it
 * (every format decodes to so many pixels), but a JPEG goes over all its pixels once for each scan, and may hold ten thousand
 * scans of a few bytes (CVE-2017-15232's kind, which libjpeg leaves to its callers); and libjpeg puts segments it keeps into
 * a list that it walks from its start each time.
 *
 *   pixels             RL_LIMIT_IMAGE_PIXELS
 *   scans              RL_LIMIT_IMAGE_SCANS; encoders write 1 to 20
 *   pixels * scans     RL_LIMIT_IMAGE_WORK
 *   segments           RL_LIMIT_IMAGE_SEGMENTS, of a JPEG
 *
 * And a source of its bytes for the decoder, which leaves out the chunks of a PNG that only describe it: texts among them
 * are decompressed by libpng, eight megabytes each, a thousand of them.
 */
#ifndef RL_IMAGE_COST_H
#define RL_IMAGE_COST_H

#include <stdbool.h>

#include "image/probe.h"

/* Scans and segments of a JPEG; 1 and 0 of the others. Counts every one that a decoder would come to. */
typedef struct rl_image_parts {
  size_t scans, segments;
} rl_image_parts;

void rl_image_count(rl_slice bytes, rl_image_format format, rl_image_parts *parts);

/* 0, RL_ETOOBIG (pixels), or RL_ERANGE (one of the others). `info` is what rl_image_probe has said. */
int rl_image_check_cost(rl_slice bytes, const rl_image_info *info);

/* Borrows the bytes. */
typedef struct rl_image_source {
  rl_slice left;
  size_t piece; /* bytes up to which nothing is left out */
  bool chunked; /* a PNG behind its signature */
} rl_image_source;

void rl_image_source_init(rl_image_source *source, rl_slice bytes, rl_image_format format);
/* The next bytes, at most `most`; how many, 0 at the end. */
size_t rl_image_source_read(rl_image_source *source, char *out, size_t most);

#endif
