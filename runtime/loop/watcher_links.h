/*
 * Symbolic links for the watcher: what a link leads to is watched too, wherever that is.
 *
 *   app/o.lua -> ../releases/current/o.lua          current -> v1
 *
 *   hops of app/o.lua:  (releases, "current")       a link on the way: changed when it is made to lead elsewhere
 *                       (releases/v1, "o.lua")      what it ends at
 *
 * A hop is a name in a directory that inotify watches. When something happens to it, the link has changed, and is followed anew.
 * A link to a directory is also walked as if that stood in its place; a directory that is watched already is not walked again, so
 * that links which lead back end. Links to what holds the root itself are left alone.
 */
#ifndef RL_LOOP_WATCHER_LINKS_H
#define RL_LOOP_WATCHER_LINKS_H

#include "loop/watcher.h"

/* What both files need of each other. */
enum { RL_WATCHER_PATH = 4096, RL_WATCHER_HOPS = 8192 };

/* watcher.c: adds a directory to inotify; its number or -1. */
int rl_watcher_number(rl_watcher *watcher, const char *directory);
/* watcher.c: stops watching a number that neither directories nor hops use any more. */
void rl_watcher_release(rl_watcher *watcher, int number);
/* watcher.c: watches what the link leads to, with all below it, by the link's name. */
void rl_watcher_walk(rl_watcher *watcher, const char *path, bool fresh);
/* watcher.c: whether a directory of that name is left out. */
bool rl_watcher_skips(const char *name);
/* watcher.c: a change of `path` is to be told. */
void rl_watcher_note(rl_watcher *watcher, const char *path);
/* watcher.c: forgets the directories that are watched by this name. */
void rl_watcher_drop_within(rl_watcher *watcher, const char *directory);

/* `path` is a symbolic link that is there now. `fresh`: what it leads to counts as changed. */
void rl_watcher_follow(rl_watcher *watcher, const char *path, bool fresh);
/* It is no link any more, or gone, as is what was below it. */
void rl_watcher_unfollow(rl_watcher *watcher, const char *path);
/* Something happened to a name in the directory of that number: links that lead through it have changed. */
void rl_watcher_tell_links(rl_watcher *watcher, int number, const char *name, bool created);
/* The directory of that number is gone. */
void rl_watcher_lose_hops(rl_watcher *watcher, int number);
bool rl_watcher_has_hops(const rl_watcher *watcher, int number);
void rl_watcher_free_links(rl_watcher *watcher);

#endif
