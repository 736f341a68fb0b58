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

#include "base/root.h"
#include "base/slice.h"

enum { RL_FILE_ETAG = 48, RL_FILE_CACHED = 32 << 10 };

typedef struct rl_cached rl_cached;
typedef struct rl_file_cache rl_file_cache;
typedef struct rl_file_version rl_file_version;

/* Another file, or the same one changed, differs in one of these. */
typedef struct rl_file_identity {
  dev_t device;
  ino_t inode;
  uint64_t size;
  struct timespec modified, changed;
} rl_file_identity;

typedef struct rl_file {
  int fd;            /* -1 where the bytes are in memory */
  rl_cached *cached; /* a reference, or NULL */
  rl_slice bytes;    /* of a cached one */
  uint64_t size;
  int64_t modified; /* seconds since 1970 */
  rl_file_identity identity;
  char etag[RL_FILE_ETAG];
} rl_file;

/* A root below which files are opened and nothing else can be (base/root.h). */
typedef struct rl_directory {
  rl_root root;
  rl_file_cache *cache; /* may be NULL */
} rl_directory;

/* 0, or RL_ENOTFOUND, RL_EDENIED … */
int rl_directory_open(rl_directory *directory, const char *path, rl_file_cache *cache);
void rl_directory_close(rl_directory *directory);

/* `path` is relative, decoded, NUL-terminated, without empty, "." and ".." segments. 0: a regular file. RL_EEXISTS: it is a
 * directory. RL_ENOFILES, RL_ENOMEM: there may be one, but nothing can be opened now. RL_ENOTFOUND for everything else that
 * cannot be served: what is not there, not readable, no regular file. */
int rl_file_open(const rl_directory *directory, const char *path, rl_file *file);
/* A file by any path, for rille.file. The codes are the same. */
int rl_file_open_path(const char *path, rl_file *file);
/* The same of a path that may be a stranger's: below the directory `root` and nowhere else. RL_EINVALID where that cannot be
 * opened. */
int rl_file_open_beneath(const char *root, const char *path, rl_file *file);
void rl_file_close(rl_file *file);

bool rl_file_identity_eq(const rl_file_identity *a, const rl_file_identity *b);

/* Up to `limit` bytes of files of up to RL_FILE_CACHED each, least recently used out first. One for each worker. */
rl_file_cache *rl_file_cache_new(size_t limit);
void rl_file_cache_del(rl_file_cache *cache);
/* Where file_version.c keeps its table, which is freed with the cache. */
rl_file_version **rl_file_cache_versions(rl_file_cache *cache);

#endif
