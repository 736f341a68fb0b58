/*
 * Symbolic links for the watcher: a link's target is watched too, wherever it is.
 *
 *   app/o.lua -> ../releases/current/o.lua          current -> v1
 *
 *   hops of app/o.lua:  (releases, "current")       a link on the way: changed when its target is changed
 *                       (releases/v1, "o.lua")      its end
 *
 * A hop is a name in a directory that inotify watches. When something happens to it, the link has changed and is followed anew.
 * A link to a directory is also walked, as if the directory were in its place. A directory that is watched already is not walked
 * again, so that circles of links end. A link to a directory that contains the root is ignored.
 */
#define _GNU_SOURCE
#include "loop/watcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

enum { LINKS_MOST = 40, TOLD_MOST = 64 }; /* as the kernel follows them; links that one event may touch */

typedef struct rl_hop {
  int number;  /* of the directory */
  char *place; /* the name in it, with that directory before it */
  char *path;  /* of the link that leads through here */
} rl_hop;

/* ---- hops ---------------------------------------------------------------------------------------------------------------- */

static void add_hop(rl_watcher *w, const char *directory, const char *place, const char *path) {
  int number = w->hop_count < RL_WATCHER_HOPS ? rl_watcher_number(w, directory) : -1;
  if (number < 0) return;
  rl_hop *hops = rl_realloc(w->hops, (w->hop_count + 1) * sizeof *hops);
  if (!hops) return;
  w->hops = hops;
  hops[w->hop_count++] = (rl_hop){.number = number, .place = rl_must_strdup(place), .path = rl_must_strdup(path)};
}

static void drop_hop(rl_watcher *w, unsigned i) {
  rl_hop gone = w->hops[i];
  w->hops[i] = w->hops[--w->hop_count];
  rl_watcher_release(w, gone.number);
  rl_free(gone.place);
  rl_free(gone.path);
}

static bool is_within(const char *path, const char *above) {
  size_t len = strlen(above);
  return strncmp(path, above, len) == 0 && (path[len] == 0 || path[len] == '/');
}

void rl_watcher_unfollow(rl_watcher *w, const char *path) {
  for (unsigned i = w->hop_count; i-- > 0;)
    if (i < w->hop_count && is_within(w->hops[i].path, path)) drop_hop(w, i);
}

bool rl_watcher_has_hops(const rl_watcher *w, int number) {
  for (unsigned i = 0; i < w->hop_count; i++)
    if (w->hops[i].number == number) return true;
  return false;
}

void rl_watcher_free_links(rl_watcher *w) {
  while (w->hop_count) {
    rl_hop *hop = &w->hops[--w->hop_count];
    rl_free(hop->place);
    rl_free(hop->path);
  }
  rl_free(w->hops);
  w->hops = NULL;
}

/* ---- the way of a link ------------------------------------------------------------------------------------------------------ */

/* The state of a walk: a directory without links in its own path, and the rest of the way from there. */
typedef struct way {
  char at[RL_WATCHER_PATH];
  char rest[RL_WATCHER_PATH];
  char name[256];
  int links;
} way;

/* Cuts the next name off the rest. Returns false at the end, or if a name is too long. */
static bool next_name(way *y) {
  char *from = y->rest;
  while (*from == '/') from++;
  size_t len = strcspn(from, "/");
  if (!len || len >= sizeof y->name) return false;
  memcpy(y->name, from, len);
  y->name[len] = 0;
  memmove(y->rest, from + len, strlen(from + len) + 1);
  return true;
}

static bool has_more(const way *y) { return y->rest[strspn(y->rest, "/")] != 0; }

static bool join(char out[RL_WATCHER_PATH], const char *a, const char *b) {
  int n = snprintf(out, RL_WATCHER_PATH, "%s/%s", strcmp(a, "/") == 0 ? "" : a, b);
  return n > 0 && n < RL_WATCHER_PATH;
}

/* Puts the link's text in the place of its name. */
static bool take_link(way *y, const char *link) {
  char text[RL_WATCHER_PATH], all[RL_WATCHER_PATH];
  ssize_t len = readlink(link, text, sizeof text - 1);
  if (len <= 0 || ++y->links > LINKS_MOST) return false;
  text[len] = 0;
  if (text[0] == '/') strcpy(y->at, "/");
  if (!join(all, text, y->rest)) return false;
  memcpy(y->rest, all, strlen(all) + 1);
  return true;
}

static void go_up(way *y) {
  char *slash = strrchr(y->at, '/');
  if (slash && slash != y->at) *slash = 0;
  else strcpy(y->at, "/");
}

/* Goes one name further. Returns false at the end. The first hop is the link itself, whose own directory is watched
 * already. */
static bool step(rl_watcher *w, way *y, const char *path, bool first) {
  char full[RL_WATCHER_PATH];
  struct stat info;
  if (strcmp(y->name, ".") == 0) return true;
  if (strcmp(y->name, "..") == 0) return go_up(y), true;
  if (!join(full, y->at, y->name)) return false;
  bool there = lstat(full, &info) == 0, link = there && S_ISLNK(info.st_mode);
  if (!first && (!there || link || !has_more(y))) add_hop(w, y->at, full, path);
  if (link) return take_link(y, full);
  if (!there || !S_ISDIR(info.st_mode)) return false;
  strcpy(y->at, full);
  return true;
}

static bool begin(way *y, const char *path) {
  char folder[RL_WATCHER_PATH], *real;
  const char *slash = strrchr(path, '/');
  int len = snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
  if (len < 0 || (size_t)len >= sizeof folder || !(real = realpath(*folder ? folder : "/", NULL))) return false;
  snprintf(y->at, sizeof y->at, "%s", real);
  snprintf(y->rest, sizeof y->rest, "%s", slash + 1);
  y->links = 0;
  free(real);
  return true;
}

static void note_hops(rl_watcher *w, const char *path) {
  way *y = rl_alloc(sizeof *y);
  bool first = true;
  if (y && begin(y, path))
    while (next_name(y) && step(w, y, path, first)) first = false;
  rl_free(y);
}

/* Returns true if a directory is "/" or contains the root. It is not walked: it leads back to everything watched. */
static bool holds_the_root(const rl_watcher *w, const char *path) {
  char *target = realpath(path, NULL);
  bool holds = target && (strcmp(target, "/") == 0 || (w->root && is_within(w->root, target)));
  free(target);
  return holds;
}

void rl_watcher_follow(rl_watcher *w, const char *path, bool fresh) {
  struct stat info;
  note_hops(w, path);
  if (stat(path, &info)) return;
  if (!S_ISDIR(info.st_mode)) {
    if (fresh) rl_watcher_note(w, path);
  } else if (!rl_watcher_skips(strrchr(path, '/') + 1) && !holds_the_root(w, path)) {
    rl_watcher_walk(w, path, fresh);
  }
}

/* ---- when something happens --------------------------------------------------------------------------------------------------- */

static bool is_file(const char *path, bool through_links) {
  struct stat info;
  return (through_links ? stat(path, &info) : lstat(path, &info)) == 0 && S_ISREG(info.st_mode);
}

static void retrace(rl_watcher *w, const char *path) {
  char with_slash[RL_WATCHER_PATH + 1];
  rl_watcher_unfollow(w, path);
  rl_watcher_drop_within(w, path);
  rl_watcher_follow(w, path, false);
  snprintf(with_slash, sizeof with_slash, "%s%s", path, is_file(path, true) ? "" : "/");
  rl_watcher_note(w, with_slash);
}

/* Returns true if the event is about this hop. A new file has an event of its own when it has been written. */
static bool is_about(const rl_hop *hop, int number, const char *name, bool created) {
  if (hop->number != number) return false;
  if (!name) return true;
  return strcmp(strrchr(hop->place, '/') + 1, name) == 0 && !(created && is_file(hop->place, false));
}

/* Copies the paths first, because following one changes the list. */
static void retrace_all(rl_watcher *w, int number, const char *name, bool created) {
  char *paths[TOLD_MOST];
  unsigned count = 0;
  for (unsigned i = 0; i < w->hop_count && count < TOLD_MOST; i++)
    if (is_about(&w->hops[i], number, name, created)) paths[count++] = rl_must_strdup(w->hops[i].path);
  for (unsigned i = 0; i < count; i++) {
    retrace(w, paths[i]);
    rl_free(paths[i]);
  }
}

void rl_watcher_tell_links(rl_watcher *w, int number, const char *name, bool created) {
  retrace_all(w, number, name, created);
}

void rl_watcher_lose_hops(rl_watcher *w, int number) { retrace_all(w, number, NULL, false); }
