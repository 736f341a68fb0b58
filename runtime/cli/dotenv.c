/* Taking .env into the environment; see dotenv.h. */
#include "cli/dotenv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dotenv.h"
#include "base/error.h"
#include "base/os_error.h"

enum { MOST = 1 << 20, PIECE = 16 << 10 };

/* The variables that .env has set, so that a reload can set them anew. */
static char **names;
static size_t name_count;

static bool is_ours(const char *name) {
  for (size_t i = 0; i < name_count; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

static void note_name(const char *name) {
  char **more = rl_realloc(names, (name_count + 1) * sizeof *more);
  char *copy = more ? rl_strndup(name, strlen(name)) : NULL;
  if (more) names = more;
  if (copy) names[name_count++] = copy;
}

/* Sets a variable, unless the environment itself had it first. */
static void set(const char *name, const char *value) {
  bool ours = is_ours(name);
  if (getenv(name) && !ours) return;
  if (setenv(name, value, 1) == 0 && !ours) note_name(name);
}

static int read_all(const char *path, rl_buf *text) {
  int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
  if (fd < 0) return errno;
  for (ssize_t n = 1; n > 0 && !error;) {
    if (rl_buf_reserve(text, PIECE)) break;
    n = read(fd, text->data + text->len, PIECE);
    if (n > 0) text->len += (size_t)n;
    else if (n < 0) error = errno;
  }
  close(fd);
  return error ? error : text->error ? EFBIG : 0;
}

/* Calls `found` with each name and value, both ending in NUL. */
static int each(const char *path, rl_slice text, void (*found)(const char *name, const char *value), rl_buf *why) {
  rl_dotenv d;
  int code;
  rl_dotenv_init(&d, text);
  while ((code = rl_dotenv_next(&d)) > 0) {
    char *name = found && rl_buf_add_char(&d.value, 0) == 0 ? rl_strndup(d.name.data, d.name.len) : NULL;
    if (name) found(name, d.value.data);
    rl_free(name);
  }
  if (code == RL_ESYNTAX) rl_buf_addf(why, "%s:%u: %s", path, d.at, d.why);
  else if (code) rl_buf_addf(why, "%s: %s", path, rl_error_text(code));
  rl_dotenv_free(&d);
  return code;
}

static void unset_ours(void) {
  while (name_count) {
    unsetenv(names[--name_count]);
    rl_free(names[name_count]);
  }
}

/* Sets nothing before all of it was parsed without an error. */
static int take(const char *path, rl_slice text, bool anew, rl_buf *why) {
  int code = each(path, text, NULL, why);
  if (code) return code;
  if (anew) unset_ours();
  return each(path, text, set, why);
}

static int load(const char *root, bool anew, rl_buf *why) {
  char path[4096];
  rl_buf text;
  snprintf(path, sizeof path, "%s/.env", root);
  rl_buf_init(&text, MOST);
  int error = read_all(path, &text), code = RL_OK;
  if (error == ENOENT || error == ENOTDIR) {
    if (anew) unset_ours();
  } else if (error) {
    rl_buf_addf(why, "cannot read %s: %s", path, strerror(error));
    code = rl_error_from_errno(error);
  } else {
    code = take(path, rl_buf_slice(&text), anew, why);
  }
  rl_buf_free(&text);
  return code;
}

int rl_dotenv_load(const char *root, rl_buf *why) { return load(root, false, why); }
int rl_dotenv_reload(const char *root, rl_buf *why) { return load(root, true, why); }
