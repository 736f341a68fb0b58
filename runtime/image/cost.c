/* Counts before decoding; see cost.h. Every read is checked against the end, because the bytes come from strangers. */
#include "image/cost.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

static const unsigned char *at(rl_slice s, size_t offset) { return (const unsigned char *)s.data + offset; }

/* ---- JPEG ------------------------------------------------------------------------------------------------------------------- */

enum { MARKER_TEM = 0x01, MARKER_RST0 = 0xD0, MARKER_SOI = 0xD8, MARKER_EOI = 0xD9, MARKER_SOS = 0xDA };

/* Returns true for a marker without a length (ITU T.81 B.1.1.4). A stuffed zero is data. */
static bool is_alone(unsigned marker) {
  return marker == 0 || marker == MARKER_TEM || (marker >= MARKER_RST0 && marker <= MARKER_SOI);
}

/* Finds the byte after the next 0xFF and its fill bytes, and moves `pos` past it. Returns false at the end. Like libjpeg it
 * skips what is no marker, in data and between segments. */
static bool next_marker(rl_slice s, size_t *pos, unsigned *marker) {
  const char *found = *pos < s.len ? memchr(s.data + *pos, 0xFF, s.len - *pos) : NULL;
  if (!found) return false;
  size_t i = (size_t)(found - s.data);
  while (i < s.len && at(s, i)[0] == 0xFF) i++;
  if (i == s.len) return false;
  *marker = at(s, i)[0];
  *pos = i + 1;
  return true;
}

static void count_jpeg(rl_slice s, rl_image_parts *parts) {
  size_t pos = 2;
  unsigned marker;
  *parts = (rl_image_parts){0, 0};
  while (next_marker(s, &pos, &marker) && marker != MARKER_EOI) {
    if (is_alone(marker)) continue;
    parts->segments++;
    if (marker == MARKER_SOS) parts->scans++;
    if (s.len - pos < 2) return;
    size_t length = (size_t)at(s, pos)[0] << 8 | at(s, pos)[1];
    pos += length < s.len - pos ? length : s.len - pos;
  }
}

void rl_image_count(rl_slice bytes, rl_image_format format, rl_image_parts *parts) {
  if (format == RL_IMAGE_JPEG) count_jpeg(bytes, parts);
  else *parts = (rl_image_parts){.scans = 1};
}

int rl_image_check_cost(rl_slice bytes, const rl_image_info *info) {
  uint64_t pixels = (uint64_t)info->width * info->height;
  rl_image_parts parts;
  if (pixels > RL_LIMIT_IMAGE_PIXELS) return RL_ETOOBIG;
  rl_image_count(bytes, info->format, &parts);
  bool many = parts.scans > RL_LIMIT_IMAGE_SCANS || parts.segments > RL_LIMIT_IMAGE_SEGMENTS;
  return many || pixels * parts.scans > RL_LIMIT_IMAGE_WORK ? RL_ERANGE : RL_OK;
}

/* ---- the source -------------------------------------------------------------------------------------------------------------- */

enum { SIGNATURE = 8, CHUNK = 12 }; /* of a PNG; a chunk is length, name, data, checksum */

void rl_image_source_init(rl_image_source *source, rl_slice bytes, rl_image_format format) {
  *source = (rl_image_source){.left = bytes, .piece = bytes.len};
  source->chunked = format == RL_IMAGE_PNG && bytes.len >= SIGNATURE;
  if (source->chunked) source->piece = SIGNATURE;
}

/* Returns true for a chunk that makes the picture: the critical ones, and transparency (PNG 1.2, section 4). */
static bool is_needed(const char *name) {
  static const char *const names[] = {"IHDR", "PLTE", "IDAT", "IEND", "tRNS"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (memcmp(name, names[i], 4) == 0) return true;
  return false;
}

static void skip(rl_slice *s, size_t count) {
  s->data += count;
  s->len -= count;
}

/* Skips chunks that are not needed; called at the start of one. The decoder notices a file that is cut off. */
static void find_piece(rl_image_source *source) {
  rl_slice *s = &source->left;
  while (s->len >= CHUNK) {
    size_t size =
        CHUNK + ((size_t)at(*s, 0)[0] << 24 | (size_t)at(*s, 1)[0] << 16 | (size_t)at(*s, 2)[0] << 8 | at(*s, 3)[0]);
    source->piece = size < s->len ? size : s->len;
    if (is_needed(s->data + 4)) return;
    skip(s, source->piece);
  }
  source->piece = s->len;
}

size_t rl_image_source_read(rl_image_source *source, char *out, size_t most) {
  size_t done = 0;
  while (done < most) {
    if (!source->piece && source->chunked) find_piece(source);
    size_t count = source->piece < most - done ? source->piece : most - done;
    if (!count) break;
    memcpy(out + done, source->left.data, count);
    skip(&source->left, count);
    source->piece -= count;
    done += count;
  }
  return done;
}
