/* The table of media types; see mime.h. */
#include "server/mime.h"

static const struct {
  const char *extension, *type;
} types[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"xml", "application/xml"},
    {"atom", "application/atom+xml"},
    {"rss", "application/rss+xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"bmp", "image/bmp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"wasm", "application/wasm"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"wav", "audio/wav"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"vtt", "text/vtt; charset=utf-8"},
    {"epub", "application/epub+zip"},
};

const char *rl_mime_type(rl_slice name) {
  size_t dot = name.len;
  while (dot > 0 && name.data[dot - 1] != '.' && name.data[dot - 1] != '/') dot--;
  if (dot > 0 && name.data[dot - 1] == '.') {
    rl_slice extension = {name.data + dot, name.len - dot};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
      if (rl_slice_eq_nocase(extension, rl_slice_str(types[i].extension))) return types[i].type;
  }
  return "application/octet-stream";
}
