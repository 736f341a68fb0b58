/* Rows piece by piece; see row_stream.h. */
#include "bind/data/row_stream.h"

#include "base/error.h"
#include "bind/data/error.h"
#include "bind/data/pending.h"
#include "bind/data/rows.h"

typedef struct rl_lua_row_stream {
  rl_list node; /* database.streams, while it is open */
  rl_lua_database *database;
  rl_row_stream *stream; /* NULL: closed */
  bool cut;              /* rows were asked for, and have not reached the program: they are lost unless they come */
} rl_lua_row_stream;

static void close_stream(rl_lua_row_stream *s) {
  if (!s->stream) return;
  rl_list_remove(&s->node);
  s->database->ops->close_stream(s->database->db, s->stream);
  s->stream = NULL;
}

/* Its rows are lost, and perhaps on their way: the program may never leave its loop, so the snapshot ends here. */
static void on_give_up(void *ud) { close_stream(ud); }

void rl_row_streams_close(rl_lua_database *d) {
  while (!rl_list_empty(&d->streams)) close_stream(RL_CONTAINER(d->streams.next, rl_lua_row_stream, node));
}

/* stream:close(): the statement ends, and lets go of what it saw; nobody waits for that */
static int l_close(lua_State *L) {
  close_stream(luaL_checkudata(L, 1, "rille.rows"));
  return 0;
}

/* Stack: …, stream, pending. Returns the rows, and the stream if others may follow. */
static int piece_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  int at = lua_gettop(L) - 1;
  rl_lua_row_stream *s = lua_touserdata(L, at);
  rl_pending *p = lua_touserdata(L, at + 1);
  bool more = p->op->more;
  s->cut = !p->op->error.code;
  if (!more) close_stream(s);
  rl_pending_check(L, p);
  rl_push_packed_rows(L, s->database, &p->op->rows); /* memory may be short */
  s->cut = false;
  lua_replace(L, at + 2);
  rl_pending_free(p);
  lua_settop(L, at + 2);
  if (!more) return 1;
  lua_pushvalue(L, at);
  return 2;
}

/* With the stream on top of the stack. */
static int wait_for_piece(lua_State *L, rl_lua_row_stream *s) {
  rl_pending *p = rl_pending_new(L, RL_OP_RUN, 0, s->database, NULL);
  if (!s->stream) return rl_sql_mistake(L, "the database was closed"); /* by a finalizer */
  p->read = true;
  p->on_give_up = on_give_up;
  p->give_up_ud = s;
  p->op->stream = s->stream;
  s->cut = true;
  return rl_pending_wait(L, p, "db:rows", piece_k, 0);
}

/* stream:read() -> rows, stream | nil; nothing if it was closed */
static int l_read(lua_State *L) {
  rl_lua_row_stream *s = luaL_checkudata(L, 1, "rille.rows");
  if (!s->database->open) return rl_sql_mistake(L, "the database was closed");
  if (s->cut) return rl_sql_mistake(L, "db:rows cannot go on: a wait for its rows was given up, and they are lost");
  if (!s->stream) return 0;
  rl_task_may_wait(L, "db:rows");
  lua_settop(L, 1);
  return wait_for_piece(L, s);
}

/* Pushes a stream that is not open, of the database at index 1. */
static rl_lua_row_stream *push_stream(lua_State *L, rl_lua_database *d) {
  rl_lua_row_stream *s = lua_newuserdatauv(L, sizeof *s, 1);
  *s = (rl_lua_row_stream){.database = d};
  rl_list_init(&s->node);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, "rille.rows");
  return s;
}

int rl_row_stream_begin(lua_State *L, rl_lua_database *d, rl_slice sql, const rl_sql_params *params) {
  rl_sql_site site;
  rl_lua_row_stream *s = push_stream(L, d);
  if (!d->open) return rl_sql_mistake(L, "the database was closed"); /* by a finalizer */
  rl_op *request = rl_op_new(RL_OP_RUN, 1);
  rl_sql_note_site(rl_task_running(L), site);
  if (request && rl_op_add(request, rl_slice_str(site), sql, params) == RL_OK)
    s->stream = d->ops->stream(d->db, request);
  if (!s->stream) {
    if (request) rl_op_del(request);
    return rl_error_raise(L, RL_ENOMEM, NULL);
  }
  rl_list_push(&d->streams, &s->node);
  return wait_for_piece(L, s);
}

static const luaL_Reg methods[] = {{"read", l_read}, {"close", l_close}, {NULL, NULL}};

void rl_bind_row_stream(lua_State *L) {
  rl_new_metatable(L, "rille.rows");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, l_close);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__gc");
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}
