/* Looking files up for a prefix; see static.h. */
#define _GNU_SOURCE
#include "server/static.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/url.h"
#include "http/encoding.h"
#include "server/mime.h"

enum { PATH_ROOM = 4096, LISTING_LIMIT = 1 << 20 };

int rl_static_init(rl_static *site, const char *directory, rl_file_cache *cache) {
  *site = (rl_static){.index = true, .precompressed = true};
  return rl_directory_open(&site->root, directory, cache);
}

void rl_static_free(rl_static *site) { rl_directory_close(&site->root); }

/* ---- the path ------------------------------------------------------------------------------------------------------------ */

static bool is_safe_segment(const rl_static *site, rl_slice segment) {
  if (!segment.len || segment.len > 255) return false;
  if (segment.data[0] == '.' && (!site->dotfiles || segment.len == 1 || rl_slice_eq(segment, RL_SLICE(".."))))
    return false;
  for (size_t i = 0; i < segment.len; i++) {
    unsigned char c = (unsigned char)segment.data[i];
    if (c < 0x20 || c == 0x7F || c == '\\') return false;
  }
  return true;
}

/* The path of a file below the root, NUL-terminated, without its last slash. False where it cannot be one. */
static bool clean_path(const rl_static *site, rl_slice path, char out[PATH_ROOM]) {
  size_t len = 0;
  while (path.len) {
    size_t end = rl_slice_find(path, '/', 0);
    rl_slice segment = {path.data, end};
    bool last = end == path.len;
    if (memmem(segment.data, segment.len, "%2F", 3)) return false; /* an encoded slash is part of no file's name */
    if (!is_safe_segment(site, segment) || len + segment.len + 2 > PATH_ROOM) return false;
    if (len) out[len++] = '/';
    memcpy(out + len, segment.data, segment.len);
    len += rl_path_unescape(out + len, segment.len); /* "%25" */
    path = last ? RL_SLICE_NONE : rl_slice_of(path.data + end + 1, path.len - end - 1);
  }
  out[len] = 0;
  return true;
}

static bool append(char path[PATH_ROOM], const char *text) {
  size_t len = strlen(path), more = strlen(text);
  bool slash = len && *text != '.';
  if (len + more + 2 > PATH_ROOM) return false;
  if (slash) path[len++] = '/';
  memcpy(path + len, text, more + 1);
  return true;
}

/* ---- answers ---------------------------------------------------------------------------------------------------------------- */

static void add_header(rl_static_answer *a, rl_header_id id, const char *name, rl_slice value) {
  a->headers[a->header_count++] = (rl_header){.name = rl_slice_str(name), .value = value, .id = (uint8_t)id};
}

/* A sibling that the client prefers, and that is a regular file itself (a link may lead anywhere: CVE-2024-42367). */
static bool open_sibling(rl_static *site, const char *path, rl_encoding encoding, rl_file *file) {
  char sibling[PATH_ROOM];
  struct stat info;
  snprintf(sibling, sizeof sibling, "%s", path);
  if (!append(sibling, encoding == RL_ENCODING_BROTLI ? ".br" : ".gz")) return false;
  if (fstatat(site->root.fd, sibling, &info, AT_SYMLINK_NOFOLLOW) || !S_ISREG(info.st_mode)) return false;
  return rl_file_open(&site->root, sibling, file) == 0;
}

static void negotiate(rl_static *site, const rl_req *req, const char *path, rl_static_answer *a) {
  static const rl_encoding order[] = {RL_ENCODING_BROTLI, RL_ENCODING_GZIP};
  if (!site->precompressed || !rl_encoding_helps(a->options.content_type)) return;
  add_header(a, RL_HEADER_VARY, "Vary", RL_SLICE("Accept-Encoding"));
  rl_accepted accepted = rl_accept_encoding(rl_req_list(req, RL_HEADER_ACCEPT_ENCODING));
  unsigned left = 1u << RL_ENCODING_BROTLI | 1u << RL_ENCODING_GZIP | 1u << RL_ENCODING_IDENTITY;
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    rl_encoding best = rl_encoding_choose(&accepted, left);
    rl_file sibling;
    if (best == RL_ENCODING_IDENTITY) return;
    if (open_sibling(site, path, best, &sibling)) {
      rl_file_close(&a->file);
      a->file = sibling;
      add_header(a, RL_HEADER_CONTENT_ENCODING, "Content-Encoding", rl_slice_str(rl_encoding_name(best)));
      return;
    }
    left &= ~(1u << best);
  }
}

static void found(rl_static *site, const rl_req *req, const char *path, rl_static_answer *a) {
  a->status = 200;
  a->options.content_type = rl_slice_str(rl_mime_type(rl_slice_str(path)));
  if (site->cache_control[0])
    add_header(a, RL_HEADER_CACHE_CONTROL, "Cache-Control", rl_slice_str(site->cache_control));
  negotiate(site, req, path, a);
  a->options.headers = a->headers;
  a->options.header_count = a->header_count;
}

/* ---- listings ------------------------------------------------------------------------------------------------------------------ */

static void add_escaped(rl_buf *out, const char *text) {
  for (; *text; text++) {
    switch (*text) {
      case '&': rl_buf_add_str(out, "&amp;"); break;
      case '<': rl_buf_add_str(out, "&lt;"); break;
      case '>': rl_buf_add_str(out, "&gt;"); break;
      case '"': rl_buf_add_str(out, "&#34;"); break;
      default: rl_buf_add_char(out, *text);
    }
  }
}

static void add_entry(rl_buf *out, const char *name, bool directory) {
  rl_buf_add_str(out, "<li><a href=\"./");
  rl_url_encode(out, rl_slice_str(name));
  rl_buf_add_str(out, directory ? "/\">" : "\">");
  add_escaped(out, name);
  rl_buf_add_str(out, directory ? "/</a></li>\n" : "</a></li>\n");
}

static bool is_listed(const rl_static *site, const struct dirent *entry) {
  return is_safe_segment(site, rl_slice_str(entry->d_name)) && (entry->d_type == DT_REG || entry->d_type == DT_DIR);
}

static bool list_directory(rl_static *site, const char *path, rl_buf *out) {
  struct dirent **entries = NULL;
  int count = scandirat(site->root.fd, *path ? path : ".", &entries, NULL, alphasort);
  if (count < 0) return false;
  rl_buf_init(out, LISTING_LIMIT);
  rl_buf_add_str(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>/");
  add_escaped(out, path);
  rl_buf_add_str(out, "</title></head><body><ul>\n");
  if (*path) rl_buf_add_str(out, "<li><a href=\"../\">../</a></li>\n");
  for (int i = 0; i < count; i++) {
    if (is_listed(site, entries[i])) add_entry(out, entries[i]->d_name, entries[i]->d_type == DT_DIR);
    free(entries[i]);
  }
  free(entries);
  rl_buf_add_str(out, "</ul></body></html>\n");
  return !out->error;
}

static void find_directory(rl_static *site, const rl_req *req, char path[PATH_ROOM], bool slash, rl_static_answer *a) {
  char index[PATH_ROOM];
  memcpy(index, path, strlen(path) + 1);
  bool has_index = site->index && append(index, "index.html") && rl_file_open(&site->root, index, &a->file) == 0;
  if (!has_index && !site->listing) return;
  if (!slash) { /* relative links of the page need it */
    rl_file_close(&a->file);
    a->status = 308;
  } else if (has_index) {
    found(site, req, index, a);
  } else if (list_directory(site, path, &a->listing)) {
    a->status = 200;
  } else {
    rl_buf_free(&a->listing);
  }
}

void rl_static_find(rl_static *site, const rl_req *req, rl_slice path, rl_static_answer *a) {
  char clean[PATH_ROOM];
  *a = (rl_static_answer){.status = 404, .file.fd = -1};
  rl_slice whole = path;
  bool slash = !path.len || path.data[path.len - 1] == '/';
  if (slash && path.len) whole.len--;
  if (!clean_path(site, whole, clean)) return;
  int code = *clean ? rl_file_open(&site->root, clean, &a->file) : RL_EEXISTS;
  if (code == RL_EEXISTS) find_directory(site, req, clean, slash, a);
  else if (!code && !slash) found(site, req, clean, a);
  else if (!code) rl_file_close(&a->file);
}
