/* Watching directories by inotify; see watcher.h. */
#define _GNU_SOURCE
#include "loop/watcher.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

enum {
  EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR | IN_EXCL_UNLINK,
  PATH_ROOM = 4096
};

typedef struct rl_watched {
  int number; /* inotify's */
  char *path;
} rl_watched;

/* ---- what has changed ----------------------------------------------------------------------------------------------- */

static void tell(rl_watcher *w) {
  rl_timer_stop(w->loop, &w->quiet);
  w->on_change(w, w->paths, w->path_count);
  while (w->path_count) rl_free(w->paths[--w->path_count]);
}

static void on_quiet(rl_timer *timer) { tell(RL_CONTAINER(timer, rl_watcher, quiet)); }

static void note(rl_watcher *w, const char *path) {
  for (unsigned i = 0; i < w->path_count; i++)
    if (strcmp(w->paths[i], path) == 0) return;
  if (w->path_count == RL_WATCHER_PATHS) tell(w);
  w->paths[w->path_count++] = rl_must_strdup(path);
  rl_timer_start(w->loop, &w->quiet, RL_WATCHER_QUIET_MS, on_quiet);
}

/* ---- directories ---------------------------------------------------------------------------------------------------------- */

static bool is_skipped(const char *name) {
  static const char *const skips[] = {"node_modules", "lua_modules", "build"};
  if (*name == '.') return true;
  for (size_t i = 0; i < sizeof skips / sizeof *skips; i++)
    if (strcmp(name, skips[i]) == 0) return true;
  return false;
}

static rl_watched *find(rl_watcher *w, int number) {
  for (unsigned i = 0; i < w->count; i++)
    if (w->directories[i].number == number) return &w->directories[i];
  return NULL;
}

static void drop(rl_watcher *w, rl_watched *entry) {
  rl_free(entry->path);
  *entry = w->directories[--w->count];
}

static bool is_within(const char *path, const char *directory) {
  size_t len = strlen(directory);
  return strncmp(path, directory, len) == 0 && (path[len] == 0 || path[len] == '/');
}

/* It is gone or has another name now: what was below it is watched by that name, or not at all. */
static void drop_within(rl_watcher *w, const char *directory) {
  for (unsigned i = w->count; i-- > 0;) {
    if (!is_within(w->directories[i].path, directory)) continue;
    inotify_rm_watch(w->fd, w->directories[i].number);
    drop(w, &w->directories[i]);
  }
}

static int watch_one(rl_watcher *w, const char *path) {
  if (w->count == RL_WATCHER_DIRECTORIES) return RL_EBUSY;
  int number = inotify_add_watch(w->fd, path, EVENTS);
  if (number < 0) return RL_EIO;
  if (find(w, number)) return RL_OK;
  rl_watched *directories = rl_realloc(w->directories, (w->count + 1) * sizeof *directories);
  if (!directories) return RL_ENOMEM;
  w->directories = directories;
  directories[w->count++] = (rl_watched){.number = number, .path = rl_must_strdup(path)};
  return RL_OK;
}

static bool is_directory(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* `fresh`: the directory is new, so what is in it was never told of. One below that may not be read is left out. */
static int watch_all(rl_watcher *w, const char *path, bool fresh) {
  char below[PATH_ROOM];
  int code = watch_one(w, path);
  DIR *directory = code ? NULL : opendir(path);
  if (!directory) return code;
  for (struct dirent *entry; !code && (entry = readdir(directory));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    int len = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
    if (len < 0 || (size_t)len >= sizeof below) continue;
    if (!is_directory(below)) {
      if (fresh) note(w, below);
    } else if (!is_skipped(entry->d_name)) {
      code = watch_all(w, below, fresh);
      if (code == RL_EIO) code = RL_OK;
    }
  }
  closedir(directory);
  return code;
}

int rl_watcher_add(rl_watcher *w, const char *directory) { return watch_all(w, directory, false); }

/* ---- events --------------------------------------------------------------------------------------------------------------- */

static void on_directory(rl_watcher *w, const char *path, const char *name, uint32_t mask) {
  if (mask & (IN_MOVED_FROM | IN_DELETE)) {
    char with_slash[PATH_ROOM + 1];
    drop_within(w, path);
    snprintf(with_slash, sizeof with_slash, "%s/", path);
    note(w, with_slash);
  } else if (mask & (IN_CREATE | IN_MOVED_TO) && !is_skipped(name)) {
    watch_all(w, path, true);
  }
}

static void on_event(rl_watcher *w, const struct inotify_event *event) {
  char path[PATH_ROOM];
  rl_watched *directory = find(w, event->wd);
  if (event->mask & IN_Q_OVERFLOW && w->count) note(w, w->directories[0].path); /* something has: nobody knows what */
  if (!directory) return;
  if (event->mask & IN_IGNORED) {
    drop(w, directory);
    return;
  }
  if (!event->len) return;
  int len = snprintf(path, sizeof path, "%s/%s", directory->path, event->name);
  if (len < 0 || (size_t)len >= sizeof path) return;
  if (event->mask & IN_ISDIR) on_directory(w, path, event->name, event->mask);
  else if (!(event->mask & IN_CREATE)) note(w, path); /* of a file the end of writing is told, too */
}

static void on_readable(uv_poll_t *poll, int status, int ready) {
  (void)status, (void)ready;
  rl_watcher *w = poll->data;
  _Alignas(struct inotify_event) char bytes[16 << 10];
  for (ssize_t got; (got = read(w->fd, bytes, sizeof bytes)) > 0;) {
    for (char *at = bytes; at < bytes + got;) {
      const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
      at += sizeof *event + event->len;
      on_event(w, event);
    }
  }
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

int rl_watcher_init(rl_watcher *w, rl_loop *loop) {
  memset(w, 0, sizeof *w);
  w->loop = loop;
  w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (w->fd < 0) return RL_EIO;
  uv_poll_init(&loop->uv, &w->poll, w->fd);
  w->poll.data = w;
  uv_poll_start(&w->poll, UV_READABLE, on_readable);
  return RL_OK;
}

void rl_watcher_close(rl_watcher *w) {
  rl_timer_stop(w->loop, &w->quiet);
  uv_poll_stop(&w->poll);
  uv_close((uv_handle_t *)&w->poll, NULL);
  close(w->fd);
  while (w->count) rl_free(w->directories[--w->count].path);
  rl_free(w->directories);
  w->directories = NULL;
  while (w->path_count) rl_free(w->paths[--w->path_count]);
}
