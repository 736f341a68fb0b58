/*
 * Temporary files, and files that appear whole or not at all. Every call may wait for the disk, so call it on a
 * thread, never on a loop. Each returns 0 or a descriptor (the caller's), or an error (RL_EFULL if no space is left).
 */
#ifndef RL_BASE_TEMPFILE_H
#define RL_BASE_TEMPFILE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

/* Opens a file without a name, in TMPDIR, else /var/tmp (a disk even if /tmp is memory), else /tmp. It is gone when the
 * descriptor is closed, even after a crash. */
int rl_tempfile_open(void);

/* Opens a file with a hidden name of its own in the folder of `path`, where it can become `path` in one step. Sets `*name`
 * to its name (rl_free). Its permissions are `mode` without the program's umask, from the first moment on. */
int rl_tempfile_open_beside(const char *path, mode_t mode, char **name);
/* Renames it to `path`. Its bytes are on the disk before it gets that name, and the name is before this returns. Replaces
 * what was there. */
int rl_tempfile_commit(int fd, const char *name, const char *path);
/* The same, but keeps what is there: RL_EEXISTS. */
int rl_tempfile_commit_new(int fd, const char *name, const char *path);

/* Writes all of it after what was written before. */
int rl_write_all(int fd, rl_slice bytes);
/* Writes all of it from `offset` on. */
int rl_write_all_at(int fd, uint64_t offset, rl_slice bytes);
/* Reads up to `size` bytes from `offset` on into `out`. Returns how many, 0 at the end. */
long rl_read_at(int fd, uint64_t offset, char *out, size_t size);

#endif
