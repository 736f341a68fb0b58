/*
 * Which other process holds the lock that a write waits for, by what the kernel tells (/proc/locks), for messages. The file
 * itself is not opened: closing a descriptor of it would give up every lock of SQLite's in this process.
 */
#ifndef RL_DATA_SQLITE_LOCKS_H
#define RL_DATA_SQLITE_LOCKS_H

#include <sys/types.h>

/* The process that holds the database at `path` for writing, and its name; 0 where that is not known. */
pid_t rl_locks_holder(const char *path, char *name, size_t size);

#endif
