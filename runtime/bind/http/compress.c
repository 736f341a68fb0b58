/*
 * Compression for Lua, on which rille.compress is built. Bodies up to INLINE_SIZE are compressed at once. Larger ones go through a
 * gate to the thread pool, while the task waits. Streams are compressed piece by piece.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "bind/bind.h"
#include "bind/core/gated_call.h"
#include "bind/http/http.h"
#include "http/compress.h"

enum { INLINE_SIZE = 64 << 10 };

static rl_encoding check_encoding(lua_State *L, int index) {
  static const char *const names[] = {"identity", "gzip", "br", NULL};
  return (rl_encoding)luaL_checkoption(L, index, NULL, names);
}

/* ---- whole bodies --------------------------------------------------------------------------------------------------------- */

/* A body that a thread compresses. It may outlive a cancelled task, so it has a copy of the string. */
typedef struct work {
  rl_gated_call call; /* first */
  rl_encoding encoding;
  int code;
  rl_buf out;
  size_t len;
  char in[];
} work;

static rl_gate gate;

/* Threads of the pool stay free for files and names. */
static void open_gate(void) { rl_gated_call_open(&gate, RL_LIMIT_COMPRESS_QUEUE); }

static void free_work(rl_gated_call *call) {
  rl_buf_free(&((work *)call)->out);
  rl_free(call);
}

static void run(rl_gated *gated) {
  work *w = RL_CONTAINER(gated, work, call.gated);
  w->code = rl_compress(w->encoding, rl_slice_of(w->in, w->len), &w->out);
}

static int compress_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_owner *owner = (rl_owner *)ctx;
  const work *w = owner->object;
  int code = w->code;
  if (code) return rl_owner_release(owner), rl_error_raise(L, code, NULL);
  rl_push_slice(L, rl_buf_slice(&w->out));
  rl_owner_release(owner);
  return 1;
}

static rl_owner *push_work(lua_State *L, rl_encoding encoding, rl_slice body) {
  rl_owner *owner = rl_owner_push(L, rl_gated_call_let_go);
  work *w = rl_calloc(1, sizeof *w + body.len);
  if (!w) rl_error_raise(L, RL_ENOMEM, NULL);
  rl_buf_init(&w->out, RL_BUF_NO_LIMIT);
  w->encoding = encoding;
  w->len = body.len;
  memcpy(w->in, body.data, body.len);
  w->call.gated.run = run;
  w->call.free = free_work;
  owner->object = w;
  return owner;
}

static int compress_on_thread(lua_State *L, rl_encoding encoding, rl_slice body) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, open_gate);
  rl_task_may_wait(L, "compression");
  rl_owner *owner = push_work(L, encoding, body);
  int waits = rl_gated_call_wait(L, &gate, "compression", owner, compress_k);
  if (!waits) rl_owner_release(owner);
  return waits;
}

/* compress(body, encoding) -> string, or nil if too many large ones wait already */
static int l_compress(lua_State *L) {
  rl_slice body = rl_check_slice(L, 1);
  rl_encoding encoding = check_encoding(L, 2);
  if (body.len > INLINE_SIZE) return compress_on_thread(L, encoding, body);
  rl_buf *scratch = rl_scratch_push(L);
  return rl_scratch_result(L, scratch, rl_compress(encoding, body, scratch));
}

/* ---- streams ----------------------------------------------------------------------------------------------------------------- */

typedef struct stream {
  rl_compressor *compressor;
  bool owes; /* output did not reach Lua (out of memory); the stream has a gap then, and is unusable */
} stream;

static stream *check_stream(lua_State *L) {
  stream *s = luaL_checkudata(L, 1, "rille.compressor");
  if (!s->compressor) rl_error_mistake(L, "the compressor has finished");
  if (s->owes) rl_error_mistake(L, "the compressor has failed before");
  return s;
}

/* compressor(encoding) -> compressor */
static int l_compressor(lua_State *L) {
  rl_encoding encoding = check_encoding(L, 1);
  stream *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (stream){0};
  luaL_setmetatable(L, "rille.compressor");
  s->compressor = rl_compressor_new(encoding);
  return s->compressor ? 1 : rl_error_raise(L, RL_ENOMEM, NULL);
}

/* compressor:write(bytes) -> bytes that can be decoded by themselves up to here */
static int l_write(lua_State *L) {
  stream *s = check_stream(L);
  rl_slice bytes = rl_check_slice(L, 2);
  rl_buf *scratch = rl_scratch_push(L);
  s->owes = true;
  rl_scratch_result(L, scratch, rl_compressor_write(s->compressor, bytes, true, scratch));
  s->owes = false;
  return 1;
}

static int stream_gc(lua_State *L) {
  stream *s = luaL_checkudata(L, 1, "rille.compressor");
  rl_compressor_del(s->compressor);
  s->compressor = NULL;
  return 0;
}

/* compressor:finish() -> the last bytes */
static int l_finish(lua_State *L) {
  stream *s = check_stream(L);
  rl_buf *scratch = rl_scratch_push(L);
  int code = rl_compressor_finish(s->compressor, scratch);
  stream_gc(L);
  return rl_scratch_result(L, scratch, code);
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
