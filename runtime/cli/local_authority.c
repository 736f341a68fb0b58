/* Making and keeping the local authority; see local_authority.h. */
#include "cli/local_authority.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os_error.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "crypto/ec_key.h"
#include "crypto/pem.h"
#include "loop/loop.h"

enum { DAY = 86400, AUTHORITY_DAYS = 3650, LEAF_DAYS = 90, RENEW_DAYS = 30, FILE_MOST = 64 << 10, NAMES = 40 };

/* The folder, and what is in it as DER. */
typedef struct home {
  char folder[PATH_MAX - 64];
  rl_buf authority, authority_key, leaf, leaf_key;
  rl_slice names[NAMES]; /* of the leaf */
  size_t count;
  rl_buf *why;
} home;

static int refuse(const home *h, const char *what, const char *path) {
  rl_buf_addf(h->why, "cannot %s %s: %s", what, path, strerror(errno));
  return rl_error_from_errno(errno);
}

static void path_of(const home *h, const char *name, char out[PATH_MAX]) {
  snprintf(out, PATH_MAX, "%s/%s", h->folder, name);
}

/* ---- the folder ----------------------------------------------------------------------------------------------------------- */

/* Makes each part of the path that is missing. */
static int make_folder(const home *h) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", h->folder);
  for (char *at = path + 1; (at = strchr(at, '/')); *at++ = '/') {
    *at = 0;
    if (mkdir(path, 0700) && errno != EEXIST) return refuse(h, "make the folder", path);
  }
  if (mkdir(path, 0700) && errno != EEXIST) return refuse(h, "make the folder", path);
  return RL_OK;
}

static int find_folder(home *h) {
  const char *data = getenv("XDG_DATA_HOME"), *user = getenv("HOME");
  int len = -1;
  if (data && *data == '/') len = snprintf(h->folder, sizeof h->folder, "%s/rille", data);
  else if (user && *user == '/') len = snprintf(h->folder, sizeof h->folder, "%s/.local/share/rille", user);
  if (len > 0 && len < (int)sizeof h->folder) return make_folder(h);
  rl_buf_add_str(h->why, "--https keeps its authority in your folder: HOME or XDG_DATA_HOME must be an absolute path");
  return RL_EINVALID;
}

/* Returns a descriptor that holds the lock until it is closed, or an error. */
static int lock(const home *h) {
  char path[PATH_MAX];
  path_of(h, "lock", path);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0 && flock(fd, LOCK_EX) == 0) return fd;
  int code = refuse(h, "lock", path);
  if (fd >= 0) close(fd);
  return code;
}

/* ---- files ---------------------------------------------------------------------------------------------------------------- */

/* Reads a block of PEM. Returns false if there is none: then it is made. */
static bool read_file(const home *h, const char *name, const char *label, rl_buf *der) {
  char path[PATH_MAX], text[FILE_MOST];
  path_of(h, name, path);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (fd >= 0) close(fd);
  rl_slice rest = len > 0 ? rl_slice_of(text, (size_t)len) : RL_SLICE_NONE;
  bool found = len > 0 && rl_pem_next(&rest, label, der) == RL_OK;
  rl_wipe(text, sizeof text);
  return found;
}

static bool write_all(int fd, rl_slice text) {
  while (text.len) {
    ssize_t n = write(fd, text.data, text.len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text = rl_slice_of(text.data + n, text.len - (size_t)n);
  }
  return fsync(fd) == 0;
}

/* Writes it beside the old one, and puts it in its place. */
static int write_text(const home *h, const char *name, rl_slice text, mode_t mode) {
  char path[PATH_MAX], fresh[PATH_MAX];
  path_of(h, name, path);
  snprintf(fresh, sizeof fresh, "%.*s/.new", (int)strlen(h->folder), h->folder);
  unlink(fresh);
  int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return refuse(h, "write", path);
  bool done = write_all(fd, text);
  close(fd);
  return done && rename(fresh, path) == 0 ? RL_OK : refuse(h, "write", path);
}

static int write_file(const home *h, const char *name, const char *label, const rl_buf *der, mode_t mode) {
  rl_buf text;
  rl_buf_init(&text, FILE_MOST);
  int code = rl_pem_encode(&text, label, rl_buf_slice(der));
  if (!code) code = write_text(h, name, rl_buf_slice(&text), mode);
  if (text.data) rl_wipe(text.data, text.cap);
  rl_buf_free(&text);
  return code;
}

/* ---- making --------------------------------------------------------------------------------------------------------------- */

static int64_t now_s(void) { return rl_loop_wall() / 1000; }

/* Says what failed, if nobody has. */
static int explain(const home *h, int code) {
  if (code && !h->why->len) rl_buf_addf(h->why, "cannot make a certificate: %s", rl_error_text(code));
  return code;
}

static int make(const rl_certificate_plan *plan, rl_buf *key, rl_buf *der) {
  rl_buf_clear(key);
  rl_buf_clear(der);
  int code = rl_ec_key_new(key);
  return code ? code : rl_certificate_make(plan, rl_buf_slice(key), der);
}

static int make_authority(home *h) {
  char title[64], host[32] = "";
  gethostname(host, sizeof host - 1);
  snprintf(title, sizeof title, "rille dev on %s", host);
  const rl_certificate_plan plan = {.title = title,
                                    .from = now_s() - DAY,
                                    .to = now_s() + (int64_t)AUTHORITY_DAYS * DAY,
                                    .is_authority = true,
                                    .is_local = true};
  int code = make(&plan, &h->authority_key, &h->authority);
  if (!code) code = write_file(h, "authority-key.pem", RL_PEM_KEY, &h->authority_key, 0600);
  if (!code) code = write_file(h, "authority.pem", RL_PEM_CERTIFICATE, &h->authority, 0644);
  return explain(h, code);
}

static int make_leaf(home *h) {
  const rl_certificate_plan plan = {.names = h->names,
                                    .count = h->count,
                                    .from = now_s() - DAY,
                                    .to = now_s() + (int64_t)LEAF_DAYS * DAY,
                                    .issuer = rl_buf_slice(&h->authority),
                                    .issuer_key = rl_buf_slice(&h->authority_key)};
  int code = make(&plan, &h->leaf_key, &h->leaf);
  if (!code) code = write_file(h, "localhost-key.pem", RL_PEM_KEY, &h->leaf_key, 0600);
  if (!code) code = write_file(h, "localhost.pem", RL_PEM_CERTIFICATE, &h->leaf, 0644);
  return explain(h, code);
}

static bool has_name(const rl_certificate_facts *facts, rl_slice name) {
  for (size_t at = 0; at < facts->names.len; at += strlen(facts->names.data + at) + 1)
    if (rl_slice_eq_nocase(rl_slice_str(facts->names.data + at), name)) return true;
  return false;
}

static bool has_names(const rl_certificate_facts *facts, const rl_slice *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!has_name(facts, names[i])) return false;
  return true;
}

/* Returns true if a certificate and its key are there, fit, last so long, and are for these names. */
static bool is_good(const rl_buf *der, const rl_buf *key, int64_t days, const rl_slice *names, size_t count) {
  rl_certificate_facts facts;
  if (!der->len || !key->len || !rl_certificate_fits(rl_buf_slice(der), rl_buf_slice(key))) return false;
  bool good = rl_certificate_describe(rl_buf_slice(der), &facts) == RL_OK && facts.to > now_s() + days * DAY &&
              facts.from <= now_s() && has_names(&facts, names, count);
  rl_certificate_facts_free(&facts);
  return good;
}

static bool is_leaf_good(const home *h) {
  return is_good(&h->leaf, &h->leaf_key, RENEW_DAYS, h->names, h->count) &&
         rl_certificate_is_issued_by(rl_buf_slice(&h->leaf), rl_buf_slice(&h->authority));
}

static int prepare(home *h) {
  read_file(h, "authority.pem", RL_PEM_CERTIFICATE, &h->authority);
  read_file(h, "authority-key.pem", RL_PEM_KEY, &h->authority_key);
  read_file(h, "localhost.pem", RL_PEM_CERTIFICATE, &h->leaf);
  read_file(h, "localhost-key.pem", RL_PEM_KEY, &h->leaf_key);
  if (!is_good(&h->authority, &h->authority_key, LEAF_DAYS, NULL, 0)) {
    int code = make_authority(h);
    if (code) return code;
  }
  return is_leaf_good(h) ? RL_OK : make_leaf(h);
}

/* ---- using ----------------------------------------------------------------------------------------------------------------- */

static void wipe(rl_buf *buf) {
  if (buf->data) rl_wipe(buf->data, buf->cap);
  rl_buf_free(buf);
}

static int use(home *h, rl_tls_store *store, rl_buf *path) {
  char certificate[PATH_MAX], key[PATH_MAX];
  path_of(h, "localhost.pem", certificate);
  path_of(h, "localhost-key.pem", key);
  rl_buf_addf(path, "%s/authority.pem", h->folder);
  return path->error ? path->error : rl_tls_store_add(store, certificate, key, h->why);
}

static void add_names(home *h, const char *const *names, int count) {
  static const char *const always[] = {"localhost", "*.localhost", "127.0.0.1", "::1"};
  const rl_slice end = RL_SLICE(".localhost");
  for (size_t i = 0; i < sizeof always / sizeof *always; i++) h->names[h->count++] = rl_slice_str(always[i]);
  for (int i = 0; i < count && h->count < NAMES; i++) {
    rl_slice name = rl_slice_str(names[i]);
    if (name.len <= end.len || *name.data == '.') continue;
    if (rl_slice_eq_nocase(rl_slice_of(name.data + name.len - end.len, end.len), end)) h->names[h->count++] = name;
  }
}

int rl_local_authority_use(rl_tls_store *store, const char *const *names, int count, rl_buf *path, rl_buf *why) {
  home h = {.why = why};
  add_names(&h, names, count);
  rl_buf *all[] = {&h.authority, &h.authority_key, &h.leaf, &h.leaf_key};
  for (int i = 0; i < 4; i++) rl_buf_init(all[i], FILE_MOST);
  int code = find_folder(&h), held = code ? code : lock(&h);
  code = held < 0 ? held : prepare(&h);
  if (!code) code = use(&h, store, path);
  if (held >= 0) close(held);
  for (int i = 0; i < 4; i++) wipe(all[i]);
  return code;
}
