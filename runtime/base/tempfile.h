/*
 * Temporary files, and files that appear whole or not at all. Every call may wait for the disk: for threads, not for a loop.
 * 0 or a descriptor, or an error of base/error.h (RL_EFULL where no space is left).
 */
#ifndef RL_BASE_TEMPFILE_H
#define RL_BASE_TEMPFILE_H

#include <stdint.h>

#include "base/slice.h"

/* A file without a name, in TMPDIR, else /var/tmp (which is a disk where /tmp is memory), else /tmp: it is gone when the
 * descriptor is closed, whatever happens to the process. Returns the descriptor. */
int rl_tempfile_open(void);

/* A file with a hidden name of its own in the folder of `path`, where it can become `path` in one step. Returns the
 * descriptor; `*name` is its name, for rl_free. */
int rl_tempfile_open_beside(const char *path, char **name);
/* Makes it `path`: its bytes are on the disk before it gets that name, and the name is before this returns. Whatever was
 * there is replaced. */
int rl_tempfile_commit(int fd, const char *name, const char *path);
/* The same, but what is there stays: RL_EEXISTS. */
int rl_tempfile_commit_new(int fd, const char *name, const char *path);

/* All of it, at the end of what was written before. */
int rl_write_all(int fd, rl_slice bytes);
/* All of it, from `offset` on. */
int rl_write_all_at(int fd, uint64_t offset, rl_slice bytes);
/* Up to `size` bytes from `offset` on into `out`: how many, 0 at the end. */
long rl_read_at(int fd, uint64_t offset, char *out, size_t size);

#endif
