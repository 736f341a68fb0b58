/*
 * Opening below a root and nowhere else, whatever the path says: it may be a stranger's.
 *
 * openat2 with RESOLVE_BENEATH where the kernel has it: "..", an absolute path and a symbolic link that leads out are refused,
 * links that stay inside are followed. Where it has not, one O_NOFOLLOW step for each segment: no link anywhere.
 */
#ifndef RL_BASE_BENEATH_H
#define RL_BASE_BENEATH_H

/* A descriptor, or -1 with errno. `root` is a directory (O_PATH will do); `path` is relative and NUL-terminated; `flags` are
 * open's, without O_CREAT. */
int rl_open_beneath(int root, const char *path, int flags);
/* The same by steps, whatever the kernel has. */
int rl_open_beneath_by_steps(int root, const char *path, int flags);

#endif
