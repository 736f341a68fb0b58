/* Looking files up for a prefix; see static.h. */
#define _GNU_SOURCE
#include "server/static.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os_error.h"
#include "base/url.h"
#include "http/accept.h"
#include "http/encoding.h"
#include "server/mime.h"

enum { PATH_ROOM = 4096, LISTING_LIMIT = 1 << 20 };

int rl_static_init(rl_static *site, const char *directory, rl_file_cache *cache) {
  *site = (rl_static){.index = true, .precompressed = true};
  return rl_directory_open(&site->root, directory, cache);
}

void rl_static_free(rl_static *site) { rl_directory_close(&site->root); }

/* ---- the path ------------------------------------------------------------------------------------------------------------ */

static bool is_dot_allowed(const rl_static *site, rl_slice segment, bool first) {
  if (segment.len == 1 || rl_slice_eq(segment, RL_SLICE(".."))) return false;
  return site->dotfiles || (first && rl_slice_eq(segment, RL_SLICE(".well-known")));
}

static bool is_safe_segment(const rl_static *site, rl_slice segment, bool first) {
  if (!segment.len || segment.len > 255) return false;
  if (segment.data[0] == '.' && !is_dot_allowed(site, segment, first)) return false;
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
    if (!is_safe_segment(site, segment, !len) || len + segment.len + 2 > PATH_ROOM) return false;
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

/* Under a URL that names what is in the file it can be kept for ever. */
static bool is_asked_by_version(const rl_static *site, const rl_req *req, const rl_file *file) {
  rl_slice asked;
  char version[RL_FILE_VERSION];
  if (!rl_file_version_is_asked(req->query, &asked)) return false;
  return !rl_file_version_of(site->root.cache, file, version) &&
         rl_slice_eq(asked, rl_slice_of(version, sizeof version));
}

static void found(rl_static *site, const rl_req *req, const char *path, rl_static_answer *a) {
  a->status = 200;
  a->options.content_type = rl_slice_str(rl_mime_type(rl_slice_str(path)));
  if (is_asked_by_version(site, req, &a->file))
    add_header(a, RL_HEADER_CACHE_CONTROL, "Cache-Control", RL_SLICE("public, max-age=31536000, immutable"));
  else if (site->cache_control[0])
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
  return is_safe_segment(site, rl_slice_str(entry->d_name), false) &&
         (entry->d_type == DT_REG || entry->d_type == DT_DIR);
}

static int list_directory(rl_static *site, const char *path, rl_buf *out) {
  struct dirent **entries = NULL;
  int count = scandirat(site->root.fd, *path ? path : ".", &entries, NULL, alphasort);
  if (count < 0) return rl_error_from_errno(errno);
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
  return out->error;
}

/* What could not be opened for want of something may be there. */
static int status_of(int code) { return code == RL_ENOFILES || code == RL_ENOMEM ? 503 : 404; }

static int open_index(rl_static *site, char path[PATH_ROOM], rl_file *file) {
  if (!site->index || !append(path, "index.html")) return RL_ENOTFOUND;
  return rl_file_open(&site->root, path, file);
}

static void send_listing(rl_static *site, const char *path, rl_static_answer *a) {
  int code = list_directory(site, path, &a->listing);
  a->status = code ? status_of(code) : 200;
  if (code) rl_buf_free(&a->listing);
}

static void find_directory(rl_static *site, const rl_req *req, const char *path, bool slash, rl_static_answer *a) {
  char index[PATH_ROOM];
  memcpy(index, path, strlen(path) + 1);
  int code = open_index(site, index, &a->file);
  if (code && !site->listing) {
    a->status = status_of(code);
  } else if (!slash) { /* relative links of the page need it */
    rl_file_close(&a->file);
    a->status = 308;
  } else if (!code) {
    found(site, req, index, a);
  } else {
    send_listing(site, path, a);
  }
}

static void find_path(rl_static *site, const rl_req *req, const char *path, bool slash, rl_static_answer *a) {
  int code = *path ? rl_file_open(&site->root, path, &a->file) : RL_EEXISTS;
  if (code == RL_EEXISTS) find_directory(site, req, path, slash, a);
  else if (code) a->status = status_of(code);
  else if (!slash) found(site, req, path, a);
  else rl_file_close(&a->file);
}

/* ---- the fallback -------------------------------------------------------------------------------------------------------------- */

static bool has_extension(const char *path) {
  const char *name = strrchr(path, '/');
  return strchr(name ? name + 1 : path, '.') != NULL;
}

static bool takes_html(const rl_req *req) {
  rl_field_list list = rl_req_list(req, RL_HEADER_ACCEPT);
  return !rl_req_header(req, RL_HEADER_ACCEPT) || rl_accept_list_quality(list, RL_SLICE("text/html")) > 0;
}

static void fall_back(rl_static *site, const rl_req *req, const char *path, rl_static_answer *a) {
  if (!site->fallback[0] || has_extension(path) || !takes_html(req)) return;
  int code = rl_file_open(&site->root, site->fallback, &a->file);
  a->status = status_of(code);
  if (code) return;
  add_header(a, RL_HEADER_VARY, "Vary", RL_SLICE("Accept"));
  found(site, req, site->fallback, a);
}

/* ---- all together ---------------------------------------------------------------------------------------------------------------- */

/* The root itself has no path behind its prefix: whether it was asked for with a slash, the request's own path says. */
static bool ends_with_slash(const rl_req *req, rl_slice path) {
  rl_slice all = path.len ? path : req->path;
  return all.len && all.data[all.len - 1] == '/';
}

void rl_static_find(rl_static *site, const rl_req *req, rl_slice path, rl_static_answer *a) {
  char clean[PATH_ROOM];
  *a = (rl_static_answer){.status = 404, .file.fd = -1};
  bool slash = ends_with_slash(req, path);
  if (slash && path.len) path.len--;
  if (!clean_path(site, path, clean)) return;
  find_path(site, req, clean, slash, a);
  if (a->status == 404) fall_back(site, req, clean, a);
}

int rl_static_version(rl_static *site, rl_slice path, char out[RL_FILE_VERSION]) {
  char clean[PATH_ROOM];
  rl_file file;
  if (!clean_path(site, path, clean)) return RL_ENOTFOUND;
  int code = rl_file_open(&site->root, clean, &file);
  if (code) return code;
  code = rl_file_version_of(site->root.cache, &file, out);
  rl_file_close(&file);
  return code;
}
