/* Opening files below a root, and the cache of small ones; see file.h. */
#define _GNU_SOURCE
#include "server/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/beneath.h"
#include "base/error.h"
#include "base/list.h"
#include "base/os_error.h"

enum { BUCKETS = 256 };

/* Bytes of one file, shared by the cache and the responses that send them. */
struct rl_cached {
  rl_list node; /* most recently used first; unlinked once it left the cache */
  rl_cached *next;
  unsigned references;
  uint64_t hash;
  rl_file_identity identity;
  int root; /* the directory's descriptor: part of the name */
  char *path;
  size_t size;
  char bytes[];
};

struct rl_file_cache {
  size_t size, limit;
  rl_file_version *versions; /* made when the first is asked for */
  rl_list entries;
  rl_cached *buckets[BUCKETS];
};

/* ---- opening ----------------------------------------------------------------------------------------------------------- */

int rl_directory_open(rl_directory *directory, const char *path, rl_file_cache *cache) {
  directory->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  directory->cache = cache;
  return directory->fd < 0 ? rl_error_from_errno(errno) : RL_OK;
}

void rl_directory_close(rl_directory *directory) {
  if (directory->fd >= 0) close(directory->fd);
  directory->fd = -1;
}

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };

static rl_file_identity identity_of(const struct stat *info) {
  return (rl_file_identity){.device = info->st_dev,
                            .inode = info->st_ino,
                            .size = (uint64_t)info->st_size,
                            .modified = info->st_mtim,
                            .changed = info->st_ctim};
}

static bool same_time(struct timespec a, struct timespec b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

bool rl_file_identity_eq(const rl_file_identity *a, const rl_file_identity *b) {
  return a->inode == b->inode && a->device == b->device && a->size == b->size && same_time(a->modified, b->modified) &&
         same_time(a->changed, b->changed);
}

static void describe(rl_file *file, const struct stat *info) {
  file->identity = identity_of(info);
  file->size = (uint64_t)info->st_size;
  file->modified = info->st_mtim.tv_sec;
  unsigned long long ns =
      (unsigned long long)info->st_mtim.tv_sec * 1000000000u + (unsigned long long)info->st_mtim.tv_nsec;
  snprintf(file->etag, sizeof file->etag, "\"%llx-%llx\"", ns, (unsigned long long)file->size);
}

/* What is not there, or not readable, is no file; running out of something is another matter. */
static int code_of_open(int saved_errno) {
  int code = rl_error_from_errno(saved_errno);
  return code == RL_ENOFILES || code == RL_ENOMEM ? code : RL_ENOTFOUND;
}

/* Takes fd. */
static int accept_file(int fd, rl_file *file, struct stat *info) {
  if (fd < 0) return code_of_open(errno);
  int code = fstat(fd, info)          ? RL_ENOTFOUND
             : S_ISREG(info->st_mode) ? RL_OK
             : S_ISDIR(info->st_mode) ? RL_EEXISTS
                                      : RL_ENOTFOUND;
  if (code) {
    close(fd);
    return code;
  }
  *file = (rl_file){.fd = fd};
  describe(file, info);
  return RL_OK;
}

int rl_file_open_path(const char *path, rl_file *file) {
  struct stat info;
  return accept_file(open(path, OPEN_FLAGS), file, &info);
}

int rl_file_open_beneath(const char *root, const char *path, rl_file *file) {
  struct stat info;
  int directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    int code = code_of_open(errno);
    return code == RL_ENOTFOUND ? RL_EINVALID : code;
  }
  int code = accept_file(rl_open_beneath(directory, path, OPEN_FLAGS), file, &info);
  close(directory);
  return code;
}

/* ---- the cache ---------------------------------------------------------------------------------------------------------- */

rl_file_cache *rl_file_cache_new(size_t limit) {
  rl_file_cache *cache = rl_calloc(1, sizeof *cache);
  if (!cache) return NULL;
  cache->limit = limit;
  rl_list_init(&cache->entries);
  return cache;
}

static void unref(rl_cached *entry) {
  if (--entry->references) return;
  rl_free(entry->path);
  rl_free(entry);
}

static void drop(rl_file_cache *cache, rl_cached *entry) {
  rl_cached **at = &cache->buckets[entry->hash % BUCKETS];
  while (*at != entry) at = &(*at)->next;
  *at = entry->next;
  rl_list_remove(&entry->node);
  cache->size -= entry->size;
  unref(entry);
}

void rl_file_cache_del(rl_file_cache *cache) {
  if (!cache) return;
  while (!rl_list_empty(&cache->entries)) drop(cache, RL_CONTAINER(cache->entries.next, rl_cached, node));
  rl_free(cache->versions);
  rl_free(cache);
}

rl_file_version **rl_file_cache_versions(rl_file_cache *cache) { return &cache->versions; }

static uint64_t hash_of(int root, const char *path) { return rl_slice_hash(rl_slice_str(path)) ^ (uint64_t)root; }

static rl_cached *find(rl_file_cache *cache, int root, const char *path, uint64_t hash) {
  for (rl_cached *e = cache->buckets[hash % BUCKETS]; e; e = e->next)
    if (e->hash == hash && e->root == root && strcmp(e->path, path) == 0) return e;
  return NULL;
}

static bool is_fresh(const rl_cached *e, const struct stat *info) {
  rl_file_identity now = identity_of(info);
  return S_ISREG(info->st_mode) && rl_file_identity_eq(&e->identity, &now);
}

/* A hit must still be the same file by name: a link that has come in its way is a change too. */
static bool take_cached(const rl_directory *d, const char *path, uint64_t hash, rl_file *file) {
  rl_cached *e = find(d->cache, d->fd, path, hash);
  struct stat info;
  if (!e) return false;
  if (fstatat(d->fd, path, &info, AT_SYMLINK_NOFOLLOW) || !is_fresh(e, &info)) {
    drop(d->cache, e);
    return false;
  }
  rl_list_remove(&e->node);
  rl_list_push(d->cache->entries.next, &e->node); /* to the front */
  e->references++;
  *file = (rl_file){.fd = -1, .cached = e, .bytes = {e->bytes, e->size}};
  describe(file, &info);
  return true;
}

static rl_cached *read_whole(const rl_file *file, const char *path) {
  rl_cached *e = rl_alloc(sizeof *e + file->size);
  char *copy = rl_strndup(path, strlen(path));
  size_t done = 0;
  while (e && copy && done < file->size) {
    ssize_t n = pread(file->fd, e->bytes + done, file->size - done, (off_t)done);
    if (n <= 0) break;
    done += (size_t)n;
  }
  if (e && copy && done == file->size) {
    e->path = copy;
    return e;
  }
  rl_free(copy);
  rl_free(e);
  return NULL;
}

/* Keeps a small file; what fails is no matter, it is sent from its descriptor. */
static void keep(const rl_directory *d, const char *path, uint64_t hash, rl_file *file, const struct stat *info) {
  rl_file_cache *cache = d->cache;
  if (file->size > RL_FILE_CACHED || file->size > cache->limit) return;
  rl_cached *e = read_whole(file, path);
  if (!e) return;
  while (cache->size + file->size > cache->limit && !rl_list_empty(&cache->entries))
    drop(cache, RL_CONTAINER(cache->entries.prev, rl_cached, node));
  e->references = 2; /* the cache's and the file's */
  e->hash = hash;
  e->root = d->fd;
  e->size = file->size;
  e->identity = identity_of(info);
  e->next = cache->buckets[hash % BUCKETS];
  cache->buckets[hash % BUCKETS] = e;
  rl_list_init(&e->node);
  rl_list_push(cache->entries.next, &e->node);
  cache->size += e->size;
  close(file->fd);
  file->fd = -1;
  file->cached = e;
  file->bytes = rl_slice_of(e->bytes, e->size);
}

int rl_file_open(const rl_directory *directory, const char *path, rl_file *file) {
  struct stat info, by_name;
  uint64_t hash = directory->cache ? hash_of(directory->fd, path) : 0;
  if (directory->cache && take_cached(directory, path, hash, file)) return RL_OK;
  int code = accept_file(rl_open_beneath(directory->fd, path, OPEN_FLAGS), file, &info);
  if (code || !directory->cache) return code;
  /* behind a link the name alone would not tell of a change */
  if (fstatat(directory->fd, path, &by_name, AT_SYMLINK_NOFOLLOW) == 0 && by_name.st_ino == info.st_ino)
    keep(directory, path, hash, file, &info);
  return RL_OK;
}

void rl_file_close(rl_file *file) {
  if (file->fd >= 0) close(file->fd);
  if (file->cached) unref(file->cached);
  *file = (rl_file){.fd = -1};
}
