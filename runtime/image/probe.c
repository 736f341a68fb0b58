/* Reads the heads of four picture formats. Every read is checked against the end, because the bytes come from strangers. */
#include "image/probe.h"

#include <stdbool.h>

#include "base/error.h"

static const char *const names[RL_IMAGE_FORMATS] = {"jpeg", "png", "gif", "webp"};

const char *rl_image_format_name(rl_image_format format) { return format < RL_IMAGE_FORMATS ? names[format] : "none"; }

rl_image_format rl_image_format_of(rl_slice name) {
  if (rl_slice_eq(name, RL_SLICE("jpg"))) return RL_IMAGE_JPEG;
  for (unsigned i = 0; i < RL_IMAGE_FORMATS; i++)
    if (rl_slice_eq(name, rl_slice_str(names[i]))) return (rl_image_format)i;
  return RL_IMAGE_FORMATS;
}

static const unsigned char *at(rl_slice s, size_t offset) { return (const unsigned char *)s.data + offset; }
static uint32_t big16(const unsigned char *p) { return (uint32_t)(p[0] << 8 | p[1]); }
static uint32_t big32(const unsigned char *p) { return big16(p) << 16 | big16(p + 2); }
static uint32_t little16(const unsigned char *p) { return (uint32_t)(p[1] << 8 | p[0]); }
static uint32_t little32(const unsigned char *p) { return little16(p + 2) << 16 | little16(p); }

static int sized(rl_image_info *info, uint32_t width, uint32_t height) {
  info->width = width;
  info->height = height;
  return width && height ? RL_OK : RL_ESYNTAX;
}

/* ---- JPEG: segments, each with its length; the size stands in the frame header (ITU T.81 B.2.2) ---------------------------- */

/* Returns tag 0x0112 of the first directory of a TIFF block (Exif 2.3, section 4.6.4); 1 if it is missing or invalid. */
static uint8_t exif_orientation(rl_slice tiff) {
  if (tiff.len < 8) return 1;
  bool big = at(tiff, 0)[0] == 'M';
  if (!big && at(tiff, 0)[0] != 'I') return 1;
  size_t directory = big ? big32(at(tiff, 4)) : little32(at(tiff, 4));
  if (directory > tiff.len - 2) return 1;
  size_t entries = big ? big16(at(tiff, directory)) : little16(at(tiff, directory));
  for (size_t i = 0; i < entries; i++) {
    size_t entry = directory + 2 + i * 12;
    if (entry + 12 > tiff.len) return 1;
    uint32_t tag = big ? big16(at(tiff, entry)) : little16(at(tiff, entry));
    if (tag != 0x0112) continue;
    uint32_t value = big ? big16(at(tiff, entry + 8)) : little16(at(tiff, entry + 8));
    return value >= 1 && value <= 8 ? (uint8_t)value : 1;
  }
  return 1;
}

/* Returns true for SOF0 to SOF15 except DHT, JPG and DAC. */
static bool is_frame(unsigned marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

static int probe_jpeg(rl_slice s, rl_image_info *info) {
  static const char exif[] = "Exif\0"; /* and the NUL of the literal */
  for (size_t pos = 2; pos + 4 <= s.len;) {
    if (at(s, pos)[0] != 0xFF) return RL_ESYNTAX;
    unsigned marker = at(s, pos)[1];
    if (marker == 0xFF) { /* a fill byte (B.1.1.2) */
      pos++;
      continue;
    }
    size_t length = big16(at(s, pos + 2)), payload = pos + 4;
    if (length < 2 || marker == 0xD9 || marker == 0xDA) return RL_ESYNTAX;
    if (is_frame(marker)) {
      if (length < 7 || payload + 5 > s.len) return RL_ESYNTAX;
      return sized(info, big16(at(s, payload + 3)), big16(at(s, payload + 1)));
    }
    if (marker == 0xE1 && length >= 8 && payload + 6 <= s.len && memcmp(s.data + payload, exif, 6) == 0) {
      size_t len = length - 8, left = s.len - (payload + 6);
      info->orientation = exif_orientation(rl_slice_of(s.data + payload + 6, len < left ? len : left));
    }
    pos += 2 + length;
  }
  return RL_ESYNTAX;
}

/* ---- the others say their size near the start -------------------------------------------------------------------------- */

static int probe_png(rl_slice s, rl_image_info *info) {
  if (s.len < 24 || memcmp(s.data + 12, "IHDR", 4) != 0) return RL_ESYNTAX;
  return sized(info, big32(at(s, 16)), big32(at(s, 20)));
}

/* Reads the first picture's own size. It may exceed the screen size of the head, and a decoder would allocate it (GIF89a
 * section 20). */
static int probe_gif(rl_slice s, rl_image_info *info) {
  if (s.len < 13) return RL_ESYNTAX;
  unsigned flags = at(s, 10)[0];
  size_t pos = 13 + (flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0);
  while (pos + 10 <= s.len && at(s, pos)[0] == '!') { /* extensions: two bytes, then blocks, each with its length */
    pos += 2;
    while (pos < s.len && at(s, pos)[0]) pos += 1 + (size_t)at(s, pos)[0];
    pos++;
  }
  if (pos + 10 > s.len || at(s, pos)[0] != ',') return RL_ESYNTAX;
  return sized(info, little16(at(s, pos + 5)), little16(at(s, pos + 7)));
}

/* Reads lossy, lossless and extended files (RFC 9649 section 2). */
static int probe_webp(rl_slice s, rl_image_info *info) {
  if (s.len < 30) return RL_ESYNTAX;
  if (memcmp(s.data + 12, "VP8 ", 4) == 0) {
    if (memcmp(s.data + 23, "\x9d\x01\x2a", 3) != 0) return RL_ESYNTAX;
    return sized(info, little16(at(s, 26)) & 0x3FFF, little16(at(s, 28)) & 0x3FFF);
  }
  if (memcmp(s.data + 12, "VP8L", 4) == 0) {
    if (at(s, 20)[0] != 0x2F) return RL_ESYNTAX;
    uint32_t bits = little32(at(s, 21));
    return sized(info, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
  }
  if (memcmp(s.data + 12, "VP8X", 4) != 0) return RL_ESYNTAX;
  return sized(info, (little32(at(s, 24)) & 0xFFFFFF) + 1, (little32(at(s, 26)) >> 8) + 1);
}

int rl_image_probe(rl_slice s, rl_image_info *info) {
  *info = (rl_image_info){.format = RL_IMAGE_FORMATS, .orientation = 1};
  if (rl_slice_starts(s, RL_SLICE("\xff\xd8\xff"))) return info->format = RL_IMAGE_JPEG, probe_jpeg(s, info);
  if (rl_slice_starts(s, RL_SLICE("\x89PNG\r\n\x1a\n"))) return info->format = RL_IMAGE_PNG, probe_png(s, info);
  if (rl_slice_starts(s, RL_SLICE("GIF87a")) || rl_slice_starts(s, RL_SLICE("GIF89a")))
    return info->format = RL_IMAGE_GIF, probe_gif(s, info);
  if (s.len >= 12 && memcmp(s.data, "RIFF", 4) == 0 && memcmp(s.data + 8, "WEBP", 4) == 0)
    return info->format = RL_IMAGE_WEBP, probe_webp(s, info);
  return RL_EUNSUPPORTED;
}
