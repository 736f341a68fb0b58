/*
 * A file to be sent: opened safely, with its validators. Small ones come from a bounded cache of their bytes, which is asked
 * for anew each time (one fstatat), so that a changed file is never served stale.
 *
 *   rl_directory (a root)  --rl_file_open(path)-->  rl_file {fd or bytes, size, etag, modified}  --rl_file_close-->
 */
#ifndef RL_SERVER_FILE_H
#define RL_SERVER_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/slice.h"

enum { RL_FILE_ETAG = 48, RL_FILE_CACHED = 32 << 10 };

typedef struct rl_cached rl_cached;
typedef struct rl_file_cache rl_file_cache;

typedef struct rl_file {
  int fd;            /* -1 where the bytes are in memory */
  rl_cached *cached; /* a reference, or NULL */
  rl_slice bytes;    /* of a cached one */
  uint64_t size;
  int64_t modified; /* seconds since 1970 */
  char etag[RL_FILE_ETAG];
} rl_file;

/* A root below which files are opened and nothing else can be: openat2 with RESOLVE_BENEATH where the kernel has it, one
 * O_NOFOLLOW step for each segment where it has not. Symbolic links inside the root are followed by the former only. */
typedef struct rl_directory {
  int fd;
  rl_file_cache *cache; /* may be NULL */
} rl_directory;

/* 0, or RL_ENOTFOUND, RL_EDENIED … */
int rl_directory_open(rl_directory *directory, const char *path, rl_file_cache *cache);
void rl_directory_close(rl_directory *directory);

/* `path` is relative, decoded, NUL-terminated, without empty, "." and ".." segments. 0: a regular file. RL_EEXISTS: it is a
 * directory. RL_ENOTFOUND for everything else that cannot be served: what is not there, not readable, no regular file. */
int rl_file_open(const rl_directory *directory, const char *path, rl_file *file);
/* A file by any path, for rille.file. */
int rl_file_open_path(const char *path, rl_file *file);
void rl_file_close(rl_file *file);

/* Up to `limit` bytes of files of up to RL_FILE_CACHED each, least recently used out first. One for each worker. */
rl_file_cache *rl_file_cache_new(size_t limit);
void rl_file_cache_del(rl_file_cache *cache);

#endif
