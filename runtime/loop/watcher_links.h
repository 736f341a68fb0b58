/*
 * Symbolic links for the watcher: the target of a link is watched too, wherever it is.
 *
 *   app/o.lua -> ../releases/current/o.lua          current -> v1
 *
 *   hops of app/o.lua:  (releases, "current")       a link on the way: changed when its target is changed
 *                       (releases/v1, "o.lua")      the file at its end
 *
 * A hop is a name in a directory that inotify watches. When something happens to it, the link has changed and is followed
 * anew. A link to a directory is also walked, as if the directory were in its place. A directory that is watched already is
 * not walked again, so that circles of links end. A link to a directory that contains the root is ignored.
 */
#ifndef RL_LOOP_WATCHER_LINKS_H
#define RL_LOOP_WATCHER_LINKS_H

#include "loop/watcher.h"

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
