/*
 * A watcher: tells which files below some directories have changed. It uses inotify rather than uv_fs_event, because only
 * IN_CLOSE_WRITE tells when a writer has finished (a file that was truncated a moment ago must not be loaded), and because one
 * descriptor serves every directory.
 *
 *   write + close, rename onto it, delete  -> path noted --RL_WATCHER_QUIET_MS without another--> on_change(paths)
 *   a new directory                        -> watched, and its contents count as changed
 *   a symbolic link                        -> its target is watched by the link's name (watcher_links.c)
 *
 * Directories whose name begins with a dot, and those named in RL_WATCHER_SKIPS, are left out.
 */
#ifndef RL_LOOP_WATCHER_H
#define RL_LOOP_WATCHER_H

#include "loop/loop.h"

enum { RL_WATCHER_QUIET_MS = 4, RL_WATCHER_PATHS = 256, RL_WATCHER_DIRECTORIES = 4096 };

typedef struct rl_watcher rl_watcher;

struct rl_watcher {
  rl_loop *loop;
  /* Absolute paths, each once, with a slash after a directory that has gone; borrowed until return. More than
   * RL_WATCHER_PATHS come in several calls. */
  void (*on_change)(rl_watcher *watcher, char *const *paths, unsigned count);
  void *owner;
  int fd;
  uv_poll_t poll;
  rl_timer quiet;
  struct rl_watched *directories;
  unsigned count;
  char *root; /* the first directory that was added, without links in its path */
  struct rl_hop *hops;
  unsigned hop_count;
  char *paths[RL_WATCHER_PATHS];
  unsigned path_count;
};

/* Returns 0 or RL_EIO. Set on_change and owner after it. */
int rl_watcher_init(rl_watcher *watcher, rl_loop *loop);
/* Watches a directory and all below it. Returns 0, RL_EIO if it cannot be watched, RL_EBUSY beyond RL_WATCHER_DIRECTORIES. */
int rl_watcher_add(rl_watcher *watcher, const char *directory);
/* Closes it; the handle needs one more turn of the loop. */
void rl_watcher_close(rl_watcher *watcher);

/* ---- between watcher.c and watcher_links.c ---- */

/* The parts of each file that the other one needs. */
enum { RL_WATCHER_PATH = 4096, RL_WATCHER_HOPS = 8192 };

/* watcher.c: adds a directory to inotify. Returns its number or -1. */
int rl_watcher_number(rl_watcher *watcher, const char *directory);
/* watcher.c: stops watching a number that neither directories nor hops use any more. */
void rl_watcher_release(rl_watcher *watcher, int number);
/* watcher.c: watches the link's target, with all below it, by the link's name. */
void rl_watcher_walk(rl_watcher *watcher, const char *path, bool fresh);
/* watcher.c: returns true if a directory of that name is skipped. */
bool rl_watcher_skips(const char *name);
/* watcher.c: notes a change of `path`, to be told. */
void rl_watcher_note(rl_watcher *watcher, const char *path);
/* watcher.c: forgets the directories that are watched by this name. */
void rl_watcher_drop_within(rl_watcher *watcher, const char *directory);

/* Follows `path`, a symbolic link that is there now. `fresh`: its target counts as changed. */
void rl_watcher_follow(rl_watcher *watcher, const char *path, bool fresh);
/* Forgets a link that is gone or no link any more, and what was below it. */
void rl_watcher_unfollow(rl_watcher *watcher, const char *path);
/* Handles an event for a name in the directory of that number: links that lead through it have changed. */
void rl_watcher_tell_links(rl_watcher *watcher, int number, const char *name, bool created);
/* Forgets the directory of that number, which is gone. */
void rl_watcher_lose_hops(rl_watcher *watcher, int number);
bool rl_watcher_has_hops(const rl_watcher *watcher, int number);
void rl_watcher_free_links(rl_watcher *watcher);

#endif
