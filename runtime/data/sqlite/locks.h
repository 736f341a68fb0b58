/*
 * Finds out which other process holds the lock that a write waits for, from the kernel's /proc/locks, for messages. The file
 * itself is not opened: closing a descriptor of it would release every lock that SQLite holds in this process.
 */
#ifndef RL_DATA_SQLITE_LOCKS_H
#define RL_DATA_SQLITE_LOCKS_H

#include <sys/types.h>

/* Finds the process that holds the database at `path` for writing, and its name; 0 if that is not known. */
pid_t rl_locks_holder(const char *path, char *name, size_t size);

#endif
