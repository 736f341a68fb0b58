/* Compression for Lua: what rille.compress is made of. Large bodies are compressed on a thread. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "http/compress.h"
#include "loop/job.h"
#include "vm/bind/bind.h"

enum { INLINE_SIZE = 64 << 10 };

static rl_encoding check_encoding(lua_State *L, int index) {
  static const char *const names[] = {"identity", "gzip", "br", NULL};
  return (rl_encoding)luaL_checkoption(L, index, NULL, names);
}

/* ---- whole bodies --------------------------------------------------------------------------------------------------------- */

/* A body on a thread. On the heap, because it may outlive a cancelled task; the string is copied for the same reason. */
typedef struct work {
  rl_job job;
  rl_encoding encoding;
  char *in;
  size_t len;
  rl_buf out;
  int code;
  bool done;
  rl_waker waker;
  bool abandoned; /* nobody waits any more */
} work;

static void free_work(work *w) {
  rl_free(w->in);
  rl_buf_free(&w->out);
  rl_free(w);
}

static void run(rl_job *job) {
  work *w = RL_CONTAINER(job, work, job);
  w->code = rl_compress(w->encoding, rl_slice_of(w->in, w->len), &w->out);
}

static void done(rl_job *job, bool ran) {
  work *w = RL_CONTAINER(job, work, job);
  if (!ran) w->code = RL_ECANCELLED;
  w->done = true;
  if (w->abandoned) free_work(w);
  else rl_task_wake(&w->waker);
}

static bool undo(rl_task *task, void *ud) {
  work *w = ud;
  (void)task;
  w->abandoned = true;
  rl_job_cancel(&w->job);
  return true;
}

static int push_compressed(lua_State *L, int code, const rl_buf *out) {
  if (code) return rl_error_raise(L, code, NULL);
  rl_push_slice(L, rl_buf_slice(out));
  return 1;
}

static int compress_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  work *w = (work *)ctx;
  lua_settop(L, 1);
  if (!w->code) rl_push_slice(L, rl_buf_slice(&w->out));
  int code = w->code;
  free_work(w);
  return code ? rl_error_raise(L, code, NULL) : 1;
}

static int compress_on_thread(lua_State *L, rl_encoding encoding, rl_slice body) {
  rl_task *task = rl_task_may_wait(L, "compression");
  work *w = rl_calloc(1, sizeof *w);
  if (w) w->in = rl_strndup(body.data, body.len);
  if (!w || !w->in) {
    rl_free(w);
    return rl_error_raise(L, RL_ENOMEM, NULL);
  }
  w->encoding = encoding;
  w->len = body.len;
  w->waker = rl_task_waker(task);
  w->job.run = run;
  w->job.done = done;
  rl_buf_init(&w->out, RL_BUF_NO_LIMIT);
  rl_job_start(rl_vm_of(L)->loop, &w->job);
  return rl_task_wait(L, "compression", undo, w, compress_k, (lua_KContext)w);
}

/* compress(body, encoding) -> string */
static int l_compress(lua_State *L) {
  rl_slice body = rl_check_slice(L, 1);
  rl_encoding encoding = check_encoding(L, 2);
  if (body.len > INLINE_SIZE) return compress_on_thread(L, encoding, body);
  rl_buf *scratch = &rl_vm_of(L)->scratch;
  rl_buf_clear(scratch);
  return push_compressed(L, rl_compress(encoding, body, scratch), scratch);
}

/* ---- streams ----------------------------------------------------------------------------------------------------------------- */

typedef struct stream {
  rl_compressor *compressor;
} stream;

static rl_compressor *check_stream(lua_State *L) {
  stream *s = luaL_checkudata(L, 1, "rille.compressor");
  if (!s->compressor) luaL_error(L, "the compressor has finished");
  return s->compressor;
}

/* compressor(encoding) -> compressor */
static int l_compressor(lua_State *L) {
  stream *s = lua_newuserdatauv(L, sizeof *s, 0);
  s->compressor = rl_compressor_new(check_encoding(L, 1));
  if (!s->compressor) return rl_error_raise(L, RL_ENOMEM, NULL);
  luaL_setmetatable(L, "rille.compressor");
  return 1;
}

/* compressor:write(bytes) -> bytes that can be decoded by themselves up to here */
static int l_write(lua_State *L) {
  rl_buf *scratch = &rl_vm_of(L)->scratch;
  rl_buf_clear(scratch);
  return push_compressed(L, rl_compressor_write(check_stream(L), rl_check_slice(L, 2), true, scratch), scratch);
}

static int stream_gc(lua_State *L) {
  stream *s = luaL_checkudata(L, 1, "rille.compressor");
  rl_compressor_del(s->compressor);
  s->compressor = NULL;
  return 0;
}

/* compressor:finish() -> the last bytes */
static int l_finish(lua_State *L) {
  rl_buf *scratch = &rl_vm_of(L)->scratch;
  rl_buf_clear(scratch);
  int code = rl_compressor_finish(check_stream(L), scratch);
  stream_gc(L);
  return push_compressed(L, code, scratch);
}

/* ---- choosing ------------------------------------------------------------------------------------------------------------------ */

/* choose_encoding(accept_encoding) -> "br" | "gzip" | "identity" */
static int l_choose_encoding(lua_State *L) {
  rl_slice value = lua_isnoneornil(L, 1) ? RL_SLICE_NONE : rl_check_slice(L, 1);
  rl_accepted accepted = rl_accept_encoding(rl_field_list_text(value));
  lua_pushstring(L, rl_encoding_name(rl_encoding_choose(&accepted, (1u << RL_ENCODING_COUNT) - 1)));
  return 1;
}

/* is_compressible(content_type) -> boolean */
static int l_is_compressible(lua_State *L) {
  lua_pushboolean(L, rl_encoding_helps(rl_check_slice(L, 1)));
  return 1;
}

static const luaL_Reg functions[] = {{"compress", l_compress},
                                     {"compressor", l_compressor},
                                     {"choose_encoding", l_choose_encoding},
                                     {"is_compressible", l_is_compressible},
                                     {NULL, NULL}};

static const luaL_Reg methods[] = {{"write", l_write}, {"finish", l_finish}, {NULL, NULL}};

void rl_bind_compress(lua_State *L) {
  rl_new_metatable(L, "rille.compressor");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, stream_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
