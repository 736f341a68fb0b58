/*
 * Opens files below a root and nowhere else, even if a stranger chose the path.
 *
 * Uses openat2 with RESOLVE_BENEATH if the kernel has it: "..", an absolute path and a symbolic link that leads out are
 * refused, links that stay inside are followed. Otherwise it takes one O_NOFOLLOW step for each segment, so no link is
 * followed at all.
 */
#ifndef RL_BASE_BENEATH_H
#define RL_BASE_BENEATH_H

/* Returns a descriptor (the caller's), or -1 with errno. `root` is a directory (O_PATH will do); `path` is relative and
 * NUL-terminated; `flags` are open's, without O_CREAT. */
int rl_open_beneath(int root, const char *path, int flags);
/* The same by steps, without openat2: the fallback, public for its test. */
int rl_open_beneath_by_steps(int root, const char *path, int flags);

#endif
