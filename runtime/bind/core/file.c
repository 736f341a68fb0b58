/*
 * Files that are read and written in pieces, each piece a job on libuv's thread pool: a slow disk holds up nobody else.
 *
 *   f = native.file_open(path, "r" | "w")     f:read(most) -> bytes | nil at the end     f:write(bytes)     f:close()
 *
 * A piece under way cannot be taken back. When its task is cancelled the job owns the descriptor from then on and closes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "loop/job.h"

enum { PIECE = 256 << 10 };

typedef struct piece {
  rl_job job;
  struct file *file; /* NULL: nobody waits any more, the descriptor is ours */
  rl_waker waker;
  int fd, error;
  bool writes;
  size_t len;
  ssize_t done;
  char bytes[];
} piece;

typedef struct file {
  int fd;       /* -1: closed */
  piece *busy;  /* under way */
  piece *ready; /* has been read, and has not reached Lua yet */
} file;

static file *check_file(lua_State *L) {
  file *f = luaL_checkudata(L, 1, "rille.open_file");
  if (f->fd < 0) rl_error_mistake(L, "this file is closed");
  if (f->busy) rl_error_mistake(L, "another task uses this file");
  return f;
}

static RL_RAISES int raise_io(lua_State *L, const char *what, int saved) {
  rl_error_raise(L, saved == ENOSPC ? RL_EFULL : RL_EIO, "%s: %s", what, strerror(saved));
}

/* ---- one piece ------------------------------------------------------------------------------------------------------------ */

static ssize_t write_fully(piece *p) {
  size_t done = 0;
  while (done < p->len) {
    ssize_t n = write(p->fd, p->bytes + done, p->len - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    done += (size_t)n;
  }
  return (ssize_t)done;
}

static void run_piece(rl_job *job) {
  piece *p = (piece *)job;
  p->done = p->writes ? write_fully(p) : read(p->fd, p->bytes, p->len);
  p->error = p->done < 0 ? errno : 0;
}

static void on_piece_done(rl_job *job, bool ran) {
  piece *p = (piece *)job;
  (void)ran; /* never cancelled */
  if (p->file) {
    p->file->busy = NULL;
    p->file->ready = p;
    rl_task_wake(&p->waker);
    return;
  }
  close(p->fd);
  rl_free(p);
}

/* The job goes on alone and takes the descriptor with it. */
static void hand_over(file *f) {
  f->busy->file = NULL;
  f->busy = NULL;
  f->fd = -1;
}

static bool undo_piece(rl_task *task, void *ud) {
  (void)task;
  hand_over(ud);
  return true;
}

static void drop_ready(file *f) {
  rl_free(f->ready);
  f->ready = NULL;
}

static void start_piece(lua_State *L, file *f, size_t len, const char *bytes, rl_task *task) {
  drop_ready(f);
  piece *p = rl_calloc(1, sizeof *p + len);
  if (!p) rl_error_raise(L, RL_ENOMEM, NULL);
  p->job.run = run_piece;
  p->job.done = on_piece_done;
  p->file = f;
  p->waker = rl_task_waker(task);
  p->fd = f->fd;
  p->writes = bytes != NULL;
  p->len = len;
  if (bytes) memcpy(p->bytes, bytes, len);
  f->busy = p;
  rl_job_start(rl_vm_of(L)->loop, &p->job);
}

/* ---- reading and writing ---------------------------------------------------------------------------------------------------- */

/* Where the string finds no room, the piece stays and is what the next read returns. */
static int push_ready(lua_State *L, file *f) {
  const piece *p = f->ready;
  int saved = p->error;
  if (p->done > 0) lua_pushlstring(L, p->bytes, (size_t)p->done);
  else lua_pushnil(L);
  drop_ready(f);
  return saved ? raise_io(L, "cannot read a file", saved) : 1;
}

static int read_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  return push_ready(L, (file *)ctx);
}

/* file:read(most?) -> bytes, at most 256 KiB; nil at the end */
static int file_read(lua_State *L) {
  file *f = check_file(L);
  lua_Integer most = luaL_optinteger(L, 2, PIECE);
  if (f->ready && !f->ready->writes) return push_ready(L, f);
  rl_task *task = rl_task_may_wait(L, "a file");
  start_piece(L, f, most > 0 && most < PIECE ? (size_t)most : PIECE, NULL, task);
  return rl_task_wait(L, "a file", undo_piece, f, read_k, (lua_KContext)f);
}

static int write_from(lua_State *L, size_t from);

/* The stack holds file, bytes and how many of them were written before. */
static int write_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  file *f = (file *)ctx;
  int saved = f->ready->error;
  size_t from = (size_t)lua_tointeger(L, 3) + f->ready->len;
  drop_ready(f);
  return saved ? raise_io(L, "cannot write a file", saved) : write_from(L, from);
}

static int write_from(lua_State *L, size_t from) {
  rl_slice bytes = rl_check_slice(L, 2);
  lua_settop(L, 2);
  if (from >= bytes.len) return 0;
  lua_pushinteger(L, (lua_Integer)from);
  rl_task *task = rl_task_may_wait(L, "a file");
  size_t len = bytes.len - from < PIECE ? bytes.len - from : PIECE;
  file *f = check_file(L);
  start_piece(L, f, len, bytes.data + from, task);
  return rl_task_wait(L, "a file", undo_piece, f, write_k, (lua_KContext)f);
}

/* file:write(bytes) */
static int file_write(lua_State *L) {
  check_file(L);
  return write_from(L, 0);
}

/* ---- opening and closing -------------------------------------------------------------------------------------------------------- */

/* A pipe or a device without end is no file to be read here. Opening never waits for the other side of one. */
static int open_regular(const char *path, bool writes, struct stat *info) {
  int fd = open(path, (writes ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC | O_NONBLOCK, 0666);
  if (fd < 0) return -1;
  if (fstat(fd, info) == 0 && (writes || S_ISREG(info->st_mode))) return fd;
  close(fd);
  errno = S_ISDIR(info->st_mode) ? EISDIR : EINVAL;
  return -1;
}

/* file_open(path, "r" | "w") -> file, size | nil, message; raises where nothing can be opened now */
static int file_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  bool writes = *luaL_checkstring(L, 2) == 'w';
  struct stat info = {0};
  file *f = lua_newuserdatauv(L, sizeof *f, 0);
  *f = (file){.fd = -1};
  luaL_setmetatable(L, "rille.open_file");
  f->fd = open_regular(path, writes, &info);
  if (f->fd < 0) {
    int saved = errno, code = rl_descriptors_check_errno(saved);
    if (code) return rl_error_raise(L, code, NULL);
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(saved));
    return 2;
  }
  lua_pushinteger(L, info.st_size);
  return 2;
}

static void close_file(file *f) {
  if (f->busy) hand_over(f); /* at the end of the state only: a task that waits keeps its file alive */
  else if (f->fd >= 0) close(f->fd);
  f->fd = -1;
  drop_ready(f);
}

/* file:close() */
static int file_close(lua_State *L) {
  file *f = luaL_checkudata(L, 1, "rille.open_file");
  if (f->busy) return rl_error_mistake(L, "another task uses this file");
  close_file(f);
  return 0;
}

static int file_gc(lua_State *L) {
  close_file(luaL_checkudata(L, 1, "rille.open_file"));
  return 0;
}

static const luaL_Reg functions[] = {{"file_open", file_open}, {NULL, NULL}};

static const luaL_Reg methods[] = {{"read", file_read}, {"write", file_write},   {"close", file_close},
                                   {"__gc", file_gc},   {"__close", file_close}, {NULL, NULL}};

void rl_bind_file(lua_State *L) {
  rl_new_metatable(L, "rille.open_file");
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
