/*
 * Spools collect bytes that arrive in pieces. Up to 64 KiB stay in memory; more goes to a file, which threads write. There are
 * two kinds:
 *
 *   spool(req)   an upload; closed at the end of the request
 *   saver(path)  a file that becomes `path` when it is committed, and is removed if it is not. With a root it stays below that
 *                directory: its folder is opened there (base/beneath.h), and it is written through that descriptor
 *
 *   write -> [memory < 64 KiB] -> job: open once, write, empty the memory -> write …      one job of a spool at a time
 *
 * A body may hold a thousand files, and a process has few descriptors. So all uploads of a request share one unnamed file, the
 * heap. Each piece that is written gets the next place in it, and a spool knows which extents are its own.
 *
 *   heap   | a …… | b …… | a ……… |          extents of a: 1 and 3
 *
 * The Lua handle and a job under way each keep the C object alive. Closing during a job frees the contents when the job ends.
 * The request and each of its spools hold a reference to the heap.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/serving.h"
#include "base/alloc.h"
#include "base/beneath.h"
#include "base/error.h"
#include "base/os_error.h"
#include "base/tempfile.h"
#include "bind/bind.h"
#include "bind/http/http.h"
#include "bind/http/request.h"
#include "loop/job.h"

enum { PATH_ROOM = 4096 };

typedef struct heap {
  rl_cleanup cleanup; /* in the request's list, which holds one heap at most */
  unsigned refs;
  uv_mutex_t lock; /* of fd: opened by the first job that needs it, on its thread */
  int fd;
  uint64_t size;    /* where the next piece goes */
  size_t in_memory; /* bytes of all its spools that are in memory */
} heap;

typedef struct extent {
  uint64_t offset, len;
} extent;

typedef struct spool spool;

struct spool {
  rl_cleanup cleanup; /* in the request's list, or nowhere */
  rl_job job;
  rl_waker waker;           /* of the task that waits for the job */
  int (*work)(spool *file); /* runs on a thread; its result is `code` */
  int code;
  bool busy, closed, has_handle;
  heap *heap;       /* of an upload; else NULL */
  size_t counted;   /* its share of heap->in_memory */
  uint64_t place;   /* offset in the heap of the piece that is being written */
  rl_buf extents;   /* of extent, in the order in which they were written */
  int fd;           /* of a saver */
  uint64_t written; /* bytes in the file; those in memory follow them */
  rl_buf memory;
  rl_buf piece; /* bytes read back from the file */
  uint64_t read_at;
  char *path, *name;   /* of a saver: the final path, and the temporary name */
  char *root, *said;   /* of a saver: the root or NULL; the path as the program gave it */
  int folder;          /* below a root: the file's folder, through which `path` leads; else -1 */
  bool keeps;          /* an existing file is not replaced */
  const char *problem; /* what is wrong with the path, if no code says it */
};

static spool *check_spool(lua_State *L) {
  spool *file = *(spool **)luaL_checkudata(L, 1, "rille.spool");
  if (!file || file->closed)
    rl_error_mistake(L, "this file has been closed: an upload is gone at the end of its request");
  if (file->busy) rl_error_mistake(L, "another task is using this file");
  return file;
}

/* ---- the heap -------------------------------------------------------------------------------------------------------------- */

static void unref_heap(heap *h) {
  if (--h->refs) return;
  if (h->fd >= 0) close(h->fd);
  uv_mutex_destroy(&h->lock);
  rl_free(h);
}

static void release_heap(rl_cleanup *cleanup) {
  rl_list_remove(&cleanup->node);
  unref_heap(RL_CONTAINER(cleanup, heap, cleanup));
}

static heap *new_heap(void) {
  heap *h = rl_calloc(1, sizeof *h);
  if (!h) return NULL;
  if (uv_mutex_init(&h->lock)) {
    rl_free(h);
    return NULL;
  }
  rl_list_init(&h->cleanup.node);
  h->cleanup.run = release_heap;
  h->refs = 1;
  h->fd = -1;
  return h;
}

/* Returns the heap of a request. Makes it if there is none. Returns NULL if out of memory. */
static heap *heap_of(rl_serving *serving) {
  RL_LIST_EACH(&serving->cleanups, node) {
    rl_cleanup *cleanup = RL_CONTAINER(node, rl_cleanup, node);
    if (cleanup->run == release_heap) return RL_CONTAINER(cleanup, heap, cleanup);
  }
  heap *h = new_heap();
  if (h) rl_serving_add_cleanup(serving, &h->cleanup);
  return h;
}

/* Returns the descriptor of the heap, opened by the first call, or an error. Runs on a thread. */
static int open_heap(heap *h) {
  uv_mutex_lock(&h->lock);
  if (h->fd < 0) {
    int fd = rl_tempfile_open();
    if (fd < 0) {
      uv_mutex_unlock(&h->lock);
      return fd;
    }
    h->fd = fd;
  }
  uv_mutex_unlock(&h->lock);
  return h->fd;
}

/* Takes the spool's share off heap->in_memory. */
static void uncount(spool *file) {
  if (file->heap) file->heap->in_memory -= file->counted;
  file->counted = 0;
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

static void free_if_unused(spool *file) {
  if (file->busy || file->has_handle) return;
  rl_free(file);
}

static void drop_contents(spool *file) {
  if (file->fd >= 0) close(file->fd);
  if (file->name) unlink(file->name);
  uncount(file);
  if (file->heap) unref_heap(file->heap);
  file->heap = NULL;
  rl_buf_free(&file->extents);
  rl_buf_free(&file->memory);
  rl_buf_free(&file->piece);
  if (file->folder >= 0) close(file->folder);
  rl_free(file->path);
  rl_free(file->name);
  rl_free(file->root);
  rl_free(file->said);
  file->fd = file->folder = -1;
  file->path = file->name = file->root = file->said = NULL;
}

static void close_spool(spool *file) {
  if (file->closed) return;
  file->closed = true;
  rl_list_remove(&file->cleanup.node);
  if (!file->busy) drop_contents(file);
}

static void release(rl_cleanup *cleanup) { close_spool(RL_CONTAINER(cleanup, spool, cleanup)); }

static int spool_gc(lua_State *L) {
  spool **handle = lua_touserdata(L, 1);
  if (!*handle) return 0;
  close_spool(*handle);
  (*handle)->has_handle = false;
  free_if_unused(*handle);
  *handle = NULL;
  return 0;
}

/* spool:close() */
static int l_close(lua_State *L) {
  spool **handle = luaL_checkudata(L, 1, "rille.spool");
  if (*handle) close_spool(*handle);
  return 0;
}

static spool *push_spool(lua_State *L) {
  spool **handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = NULL;
  luaL_setmetatable(L, "rille.spool");
  spool *file = rl_calloc(1, sizeof *file);
  if (!file) rl_error_raise(L, RL_ENOMEM, NULL);
  file->fd = file->folder = -1;
  file->has_handle = true;
  rl_list_init(&file->cleanup.node);
  file->cleanup.run = release;
  rl_buf_init(&file->extents, RL_BUF_NO_LIMIT);
  rl_buf_init(&file->memory, RL_BUF_NO_LIMIT);
  rl_buf_init(&file->piece, RL_BUF_NO_LIMIT);
  return *handle = file;
}

/* spool(req) -> spool */
static int l_spool(lua_State *L) {
  rl_serving *serving = rl_check_serving(L, 1);
  heap *h = heap_of(serving);
  if (!h) return rl_error_raise(L, RL_ENOMEM, NULL);
  spool *file = push_spool(L);
  file->heap = h;
  h->refs++;
  rl_serving_add_cleanup(serving, &file->cleanup);
  return 1;
}

/* saver(path, root?, keeps?) -> spool that can be committed; keeps: an existing file is not replaced */
static int l_saver(lua_State *L) {
  rl_slice path = rl_check_slice(L, 1);
  const char *root = luaL_optstring(L, 2, NULL);
  luaL_argcheck(L, path.len > 0 && strlen(path.data) == path.len, 1, "a path is not empty and holds no NUL");
  spool *file = push_spool(L);
  file->keeps = lua_toboolean(L, 3);
  file->path = rl_strndup(path.data, path.len);
  file->said = rl_strndup(path.data, path.len);
  if (root) file->root = rl_strndup(root, strlen(root));
  if (!file->path || !file->said || (root && !file->root)) return rl_error_raise(L, RL_ENOMEM, NULL);
  return 1;
}

/* ---- jobs ------------------------------------------------------------------------------------------------------------------- */

static void run_job(rl_job *job) {
  spool *file = RL_CONTAINER(job, spool, job);
  file->code = file->work(file);
}

static void on_job_done(rl_job *job, bool ran) {
  spool *file = RL_CONTAINER(job, spool, job);
  if (!ran) file->code = RL_ECANCELLED;
  file->busy = false;
  if (file->closed) drop_contents(file);
  rl_task_wake(&file->waker);
  free_if_unused(file);
}

static bool undo_job(rl_task *task, void *ud) {
  spool *file = ud;
  (void)task;
  file->waker.task = NULL;
  rl_job_cancel(&file->job);
  return true;
}

/* Runs `work` on a thread, then `k`. The handle at index 1 keeps the object alive. */
static int start_job(lua_State *L, spool *file, const char *name, int (*work)(spool *), lua_KFunction k) {
  rl_task *task = rl_task_may_wait(L, name);
  file->work = work;
  file->waker = rl_task_waker(task);
  file->busy = true;
  file->job.run = run_job;
  file->job.done = on_job_done;
  rl_job_start(task->vm->loop, &file->job);
  return rl_task_wait(L, name, undo_job, file, k, 0);
}

static RL_RAISES int raise_failure(lua_State *L, const spool *file, int code) {
  const char *what = file->said ? file->said : "a temporary file", *why = file->problem;
  char message[512];
  if (code == RL_EFULL || code == RL_ENOMEM || code == RL_EBUSY || code == RL_ENOFILES)
    rl_error_raise(L, code, "%s: %s", what, rl_error_text(code));
  if (!why) why = code == RL_ENOTFOUND ? "there is no such folder" : rl_error_text(code);
  snprintf(message, sizeof message, "cannot write %s: %s", what, why);
  if (code == RL_EEXISTS && !file->problem) rl_error_push_word(L, "exists", 409, message);
  else rl_error_push_word(L, "io", 500, message);
  lua_error(L);
}

/* Returns the spool after a job. Raises if the job failed. */
static spool *check_done(lua_State *L) {
  spool *file = *(spool **)lua_touserdata(L, 1);
  if (file->code) raise_failure(L, file, file->code);
  if (file->closed) rl_error_mistake(L, "this file has been closed");
  return file;
}

/* ---- writing ----------------------------------------------------------------------------------------------------------------- */

/* Opens the folder of a path below the root. Returns -1 and sets errno if it cannot. */
static int open_folder(int root, const char *path) {
  char folder[PATH_ROOM];
  const char *slash = strrchr(path, '/');
  if (!slash) return fcntl(root, F_DUPFD_CLOEXEC, 0);
  size_t len = (size_t)(slash - path);
  if (len >= sizeof folder) return errno = ENAMETOOLONG, -1;
  memcpy(folder, path, len);
  folder[len] = 0;
  return rl_open_beneath(root, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Makes the path lead through the folder's descriptor, so that a symbolic link that is set meanwhile cannot redirect it (CWE-367). */
static int go_through_folder(spool *file) {
  const char *slash = strrchr(file->said, '/'), *name = slash ? slash + 1 : file->said;
  size_t size = strlen(name) + 32;
  char *path = rl_alloc(size);
  if (!path) return RL_ENOMEM;
  snprintf(path, size, "/proc/self/fd/%d/%s", file->folder, name);
  rl_free(file->path);
  file->path = path;
  return RL_OK;
}

static int enter_root(spool *file) {
  int root = open(file->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) {
    file->problem = "its root is no folder that can be opened";
    return rl_error_from_errno(errno);
  }
  file->folder = open_folder(root, file->said);
  int saved = errno;
  close(root);
  if (file->folder >= 0) return go_through_folder(file);
  if (saved == EXDEV || saved == ELOOP) file->problem = "it leads out of its root";
  return rl_error_from_errno(saved);
}

/* Checks at once that the path can be replaced, which would otherwise fail only after everything was written. */
static int check_place(spool *file) {
  struct stat info;
  if (stat(file->path, &info)) return RL_OK;
  if (S_ISDIR(info.st_mode)) file->problem = "it is a folder: the path names a file, such as folder .. \"/\" .. name";
  else if (!S_ISREG(info.st_mode)) file->problem = "it is a device, a pipe or a socket, whose place no file may take";
  return file->problem || file->keeps ? RL_EEXISTS : RL_OK;
}

static int open_path(spool *file) {
  int code = file->root ? enter_root(file) : RL_OK;
  if (!code) code = check_place(file);
  return code ? code : rl_tempfile_open_beside(file->path, 0666, &file->name);
}

static int write_to_path(spool *file) {
  int fd = file->fd >= 0 ? file->fd : open_path(file);
  if (fd < 0) return fd;
  file->fd = fd;
  return rl_write_all(fd, rl_buf_slice(&file->memory));
}

/* Adds an extent, or extends the last one. take_place has reserved its memory. */
static void add_extent(spool *file, extent more) {
  size_t count = file->extents.len / sizeof more;
  extent *last = count ? (extent *)(void *)file->extents.data + count - 1 : NULL;
  if (last && last->offset + last->len == more.offset) last->len += more.len;
  else rl_buf_add(&file->extents, &more, sizeof more);
}

static int write_to_heap(spool *file) {
  int fd = open_heap(file->heap), code = fd < 0 ? fd : RL_OK;
  if (!code) code = rl_write_all_at(fd, file->place, rl_buf_slice(&file->memory));
  if (!code) add_extent(file, (extent){file->place, file->memory.len});
  return code;
}

static int write_out(spool *file) {
  int code = file->path ? write_to_path(file) : write_to_heap(file);
  if (code) return code;
  file->written += file->memory.len;
  rl_buf_clear(&file->memory);
  return RL_OK;
}

static int write_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  check_done(L);
  return 0;
}

static void count(spool *file, size_t len) {
  if (!file->heap) return;
  file->counted += len;
  file->heap->in_memory += len;
}

/* Returns true if the bytes in memory may stay there together with `more`. */
static bool fits(const spool *file, size_t more) {
  return file->memory.len + more <= RL_LIMIT_SPOOL && (!file->heap || file->heap->in_memory + more <= RL_LIMIT_SPOOLS);
}

/* Takes a place in the heap for the bytes in memory, which will be written. Returns 0 or RL_ENOMEM. */
static int take_place(spool *file) {
  if (rl_buf_reserve(&file->extents, sizeof(extent))) return RL_ENOMEM;
  uncount(file);
  file->place = file->heap->size;
  file->heap->size += file->memory.len;
  return RL_OK;
}

/* spool:write(s, i = 1, j = -1): bytes i to j of s */
static int l_write(lua_State *L) {
  spool *file = check_spool(L);
  rl_slice s = rl_check_slice(L, 2);
  lua_Integer i = luaL_optinteger(L, 3, 1), j = luaL_optinteger(L, 4, (lua_Integer)s.len);
  luaL_argcheck(L, i >= 1 && j <= (lua_Integer)s.len && i <= j + 1, 3, "out of the string");
  size_t len = (size_t)(j - i + 1);
  if (!fits(file, len)) rl_task_may_wait(L, "a file to be written"); /* raises before anything has changed */
  if (rl_buf_add(&file->memory, s.data + i - 1, len)) return rl_error_raise(L, RL_ENOMEM, NULL);
  count(file, len);
  if (fits(file, 0)) return 0;
  if (file->heap && take_place(file)) return rl_error_raise(L, RL_ENOMEM, NULL);
  lua_settop(L, 1);
  return start_job(L, file, "a file to be written", write_out, write_k);
}

static int commit_file(spool *file) {
  int code = write_out(file);
  if (code) return code;
  code = file->keeps ? rl_tempfile_commit_new(file->fd, file->name, file->path)
                     : rl_tempfile_commit(file->fd, file->name, file->path);
  if (code) return code;
  rl_free(file->name); /* nothing to remove any more */
  file->name = NULL;
  return RL_OK;
}

static int commit_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  spool *file = check_done(L);
  lua_pushinteger(L, (lua_Integer)file->written);
  close_spool(file);
  return 1;
}

/* spool:commit() -> bytes written; the file is at `path` then, and synced; raises code "io", "exists", "full" */
static int l_commit(lua_State *L) {
  spool *file = check_spool(L);
  luaL_argcheck(L, file->path != NULL, 1, "an upload has no path: save it");
  lua_settop(L, 1);
  return start_job(L, file, "a file to be saved", commit_file, commit_k);
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------ */

/* Returns where byte `at` of an upload is in the heap, and how many bytes follow it there. `at` is less than file->written. */
static extent find_extent(const spool *file, uint64_t at) {
  const extent *one = (const extent *)(const void *)file->extents.data;
  for (; at >= one->len; one++) at -= one->len;
  return (extent){one->offset + at, one->len - at};
}

static int read_piece(spool *file) {
  rl_buf_clear(&file->piece);
  int code = rl_buf_reserve(&file->piece, RL_LIMIT_SPOOL);
  if (code) return code;
  extent from = find_extent(file, file->read_at);
  long n =
      rl_read_at(file->heap->fd, from.offset, file->piece.data, from.len < RL_LIMIT_SPOOL ? from.len : RL_LIMIT_SPOOL);
  if (n < 0) return (int)n;
  if (n == 0) return RL_EIO; /* the file is shorter than what was written */
  file->piece.len = (size_t)n;
  return RL_OK;
}

static int read_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_push_slice(L, rl_buf_slice(&check_done(L)->piece));
  return 1;
}

/* spool:read(offset) -> the bytes that follow `offset`, some 64 KiB of them, or nil at the end */
static int l_read(lua_State *L) {
  spool *file = check_spool(L);
  lua_Integer offset = luaL_checkinteger(L, 2);
  luaL_argcheck(L, offset >= 0, 2, "not negative");
  if (file->path) rl_error_mistake(L, "what is saved is not read");
  uint64_t from = (uint64_t)offset;
  lua_settop(L, 1);
  if (from < file->written) {
    file->read_at = from;
    return start_job(L, file, "a file to be read", read_piece, read_k);
  }
  from -= file->written;
  if (from >= file->memory.len) lua_pushnil(L);
  else lua_pushlstring(L, file->memory.data + from, file->memory.len - from);
  return 1;
}

/* spool:size() -> bytes */
static int l_size(lua_State *L) {
  spool *file = check_spool(L);
  lua_pushinteger(L, (lua_Integer)(file->written + file->memory.len));
  return 1;
}

static const luaL_Reg functions[] = {{"spool", l_spool}, {"saver", l_saver}, {NULL, NULL}};

static const luaL_Reg methods[] = {{"write", l_write}, {"commit", l_commit}, {"read", l_read},
                                   {"size", l_size},   {"close", l_close},   {NULL, NULL}};

void rl_bind_spool(lua_State *L) {
  rl_new_metatable(L, "rille.spool");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, spool_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, l_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
