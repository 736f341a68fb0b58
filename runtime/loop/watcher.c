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
  PATH_ROOM = RL_WATCHER_PATH
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

void rl_watcher_note(rl_watcher *w, const char *path) {
  for (unsigned i = 0; i < w->path_count; i++)
    if (strcmp(w->paths[i], path) == 0) return;
  if (w->path_count == RL_WATCHER_PATHS) tell(w);
  w->paths[w->path_count++] = rl_must_strdup(path);
  rl_timer_start(w->loop, &w->quiet, RL_WATCHER_QUIET_MS, on_quiet);
}

/* ---- directories ---------------------------------------------------------------------------------------------------------- */

bool rl_watcher_skips(const char *name) {
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

void rl_watcher_release(rl_watcher *w, int number) {
  if (!find(w, number) && !rl_watcher_has_hops(w, number)) inotify_rm_watch(w->fd, number);
}

/* Forgets a directory that is gone or was renamed: what is below it is watched by the new name, or not at all. */
void rl_watcher_drop_within(rl_watcher *w, const char *directory) {
  for (unsigned i = w->count; i-- > 0;) {
    int number = w->directories[i].number;
    if (!is_within(w->directories[i].path, directory)) continue;
    drop(w, &w->directories[i]);
    rl_watcher_release(w, number);
  }
}

int rl_watcher_number(rl_watcher *w, const char *directory) { return inotify_add_watch(w->fd, directory, EVENTS); }

/* Returns RL_EEXISTS if that directory is watched already, by this name or another. */
static int watch_one(rl_watcher *w, const char *path) {
  if (w->count == RL_WATCHER_DIRECTORIES) return RL_EBUSY;
  int number = rl_watcher_number(w, path);
  if (number < 0) return RL_EIO;
  if (find(w, number)) return RL_EEXISTS;
  rl_watched *directories = rl_realloc(w->directories, (w->count + 1) * sizeof *directories);
  if (!directories) return RL_ENOMEM;
  w->directories = directories;
  directories[w->count++] = (rl_watched){.number = number, .path = rl_must_strdup(path)};
  return RL_OK;
}

/* Returns S_IFDIR, S_IFLNK, another type, or 0 if there is nothing. */
static mode_t kind_of(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0 ? info.st_mode & S_IFMT : 0;
}

/* Calls visit for the entries of a directory, except those to skip. */
static int each_entry(rl_watcher *w, const char *path, bool fresh,
                      int (*visit)(rl_watcher *w, const char *below, bool fresh)) {
  char below[PATH_ROOM];
  int code = RL_OK;
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory && !code && (entry = readdir(directory));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    int len = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
    if (len > 0 && (size_t)len < sizeof below) code = visit(w, below, fresh);
  }
  if (directory) closedir(directory);
  return code;
}

static bool is_walked(const char *path) {
  return kind_of(path) == S_IFDIR && !rl_watcher_skips(strrchr(path, '/') + 1);
}

/* `fresh`: the directory is new, so its contents count as changed. What may not be read is left out. */
static int visit_real(rl_watcher *w, const char *path, bool fresh);

static int watch_real(rl_watcher *w, const char *path, bool fresh) {
  int code = watch_one(w, path);
  return code ? code : each_entry(w, path, fresh, visit_real);
}

static int visit_real(rl_watcher *w, const char *path, bool fresh) {
  mode_t kind = kind_of(path);
  if (kind != S_IFDIR && kind != S_IFLNK && fresh) rl_watcher_note(w, path);
  int code = is_walked(path) ? watch_real(w, path, fresh) : RL_OK;
  return code == RL_EIO || code == RL_EEXISTS ? RL_OK : code;
}

static int visit_links(rl_watcher *w, const char *path, bool fresh) {
  if (kind_of(path) == S_IFLNK) rl_watcher_follow(w, path, fresh);
  else if (is_walked(path)) each_entry(w, path, fresh, visit_links);
  return RL_OK;
}

/* Watches links last, because entries of the directory itself are watched by their own names. */
static int watch_all(rl_watcher *w, const char *path, bool fresh) {
  int code = watch_real(w, path, fresh);
  if (code == RL_EEXISTS) return RL_OK;
  if (!code) each_entry(w, path, fresh, visit_links);
  return code;
}

void rl_watcher_walk(rl_watcher *w, const char *path, bool fresh) { watch_all(w, path, fresh); }

int rl_watcher_add(rl_watcher *w, const char *directory) {
  char *real = w->root ? NULL : realpath(directory, NULL);
  if (real) w->root = rl_must_strdup(real);
  free(real);
  return watch_all(w, directory, false);
}

/* ---- events --------------------------------------------------------------------------------------------------------------- */

static void on_directory(rl_watcher *w, const char *path, const char *name, uint32_t mask) {
  if (mask & (IN_MOVED_FROM | IN_DELETE)) {
    char with_slash[PATH_ROOM + 1];
    rl_watcher_drop_within(w, path);
    rl_watcher_unfollow(w, path);
    snprintf(with_slash, sizeof with_slash, "%s/", path);
    rl_watcher_note(w, with_slash);
  } else if (mask & (IN_CREATE | IN_MOVED_TO) && !rl_watcher_skips(name)) {
    watch_all(w, path, true);
  }
}

/* Notes a change of a file or a link. Ignores the creation of a file, because the end of writing follows; nothing follows
 * for a link. */
static void on_file(rl_watcher *w, const char *path, uint32_t mask) {
  bool link = kind_of(path) == S_IFLNK;
  if (mask & IN_CREATE && !link) return;
  rl_watcher_unfollow(w, path);
  rl_watcher_drop_within(w, path);
  rl_watcher_note(w, path);
  if (link) rl_watcher_follow(w, path, true);
}

static void on_entry(rl_watcher *w, const rl_watched *directory, const struct inotify_event *event) {
  char path[PATH_ROOM];
  int len = snprintf(path, sizeof path, "%s/%s", directory->path, event->name);
  if (len < 0 || (size_t)len >= sizeof path) return;
  if (event->mask & IN_ISDIR) on_directory(w, path, event->name, event->mask);
  else on_file(w, path, event->mask);
}

static void on_event(rl_watcher *w, const struct inotify_event *event) {
  rl_watched *directory = find(w, event->wd);
  if (event->mask & IN_Q_OVERFLOW && w->count)
    rl_watcher_note(w, w->directories[0].path); /* something changed, and nobody knows what */
  if (event->mask & IN_IGNORED) {
    if (directory) drop(w, directory);
    rl_watcher_lose_hops(w, event->wd);
  } else if (event->len) {
    if (directory) on_entry(w, directory, event);
    rl_watcher_tell_links(w, event->wd, event->name, event->mask & IN_CREATE);
  }
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
  rl_watcher_free_links(w);
  rl_free(w->root);
  w->root = NULL;
  while (w->count) rl_free(w->directories[--w->count].path);
  rl_free(w->directories);
  w->directories = NULL;
  while (w->path_count) rl_free(w->paths[--w->path_count]);
}
