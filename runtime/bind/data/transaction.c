/* Transactions for Lua; see transaction.h. */
#include "bind/data/transaction.h"

#include <string.h>

#include "base/error.h"
#include "bind/data/error.h"
#include "bind/data/pending.h"
#include "vm/inspect.h"

static rl_lua_transaction *check_self(lua_State *L) {
  rl_lua_transaction *t = luaL_checkudata(L, 1, "rille.transaction");
  rl_sql_check_transaction(L, t);
  return t;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------ */

static void end(rl_lua_transaction *t) {
  rl_transaction_end(&t->transaction, NULL);
  rl_sql_settle(t);
}

void rl_transactions_abandon(rl_lua_database *d) {
  while (!rl_list_empty(&d->transactions)) {
    rl_lua_transaction *t = (rl_lua_transaction *)RL_CONTAINER(d->transactions.prev, rl_transaction, node);
    rl_sql_complain(t, "a transaction was open when its database was closed, and was rolled back");
    rl_pending_abandon(t, ": the database was closed");
  }
}

int rl_transaction_close(lua_State *L) {
  rl_pending_abandon(luaL_checkudata(L, 1, "rille.transaction"), NULL);
  return 0;
}

int rl_transaction_gc(lua_State *L) {
  rl_lua_transaction *t = lua_touserdata(L, 1);
  if (!rl_list_empty(&t->belonging.node))
    rl_sql_complain(t, "a transaction was let go of without an end, and was rolled back");
  rl_pending_abandon(t, NULL);
  rl_transaction_free(&t->transaction);
  return 0;
}

/* ---- begin ------------------------------------------------------------------------------------------------------------------ */

static int begin_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_pending *p = lua_touserdata(L, -1);
  rl_lua_transaction *t = (rl_lua_transaction *)ctx;
  if (p->op) {
    rl_transaction_begun(&t->transaction, p->op->error.code);
    rl_sql_settle(t);
    rl_pending_check(L, p);
    rl_pending_free(p);
  }
  if (t->transaction.state == RL_TRANSACTION_ENDED) rl_sql_mistake(L, "the database was closed");
  lua_pop(L, 1);
  return 1;
}

/* Pushes one that has not begun. */
static rl_lua_transaction *new_transaction(lua_State *L, rl_lua_database *d) {
  rl_lua_transaction *t = lua_newuserdatauv(L, sizeof *t, 1);
  memset(t, 0, sizeof *t);
  t->database = d;
  t->idle_ms = d->open ? d->db->idle_ms : 0; /* a finalizer may have closed it */
  int code = rl_transaction_init(&t->transaction, d->db);
  rl_pending_belong(t);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, "rille.transaction");
  if (code) rl_error_raise(L, code, NULL);
  return t;
}

/* db:begin() -> transaction */
static int l_begin(lua_State *L) {
  rl_lua_transaction *outer;
  rl_lua_database *d = rl_sql_check_self(L, &outer);
  if (outer) return rl_sql_mistake(L, "a transaction is begun on the database; inside one there is tx:transaction");
  rl_task *task = rl_task_may_wait(L, "db:begin");
  rl_lua_transaction *t = new_transaction(L, d);
  t->in_test = task->vm->mode == RL_MODE_TEST;
  rl_sql_note_site(task, t->site);
  rl_pending *p = rl_pending_new(L, RL_OP_BEGIN, 1, d, t);
  rl_pending_add(L, p, rl_slice_str(t->site), RL_SLICE(""), NULL);
  return rl_pending_wait(L, p, "db:begin", begin_k, (lua_KContext)t);
}

/* ---- commit and rollback ------------------------------------------------------------------------------------------------------ */

/* The writer has ended it, whatever came of that. */
static int end_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_pending *p = lua_touserdata(L, -1);
  end((rl_lua_transaction *)ctx);
  rl_pending_check(L, p);
  rl_pending_free(p);
  return 0;
}

static int end_with(lua_State *L, int kind, const char *name) {
  rl_lua_transaction *t = check_self(L);
  if (t->transaction.save_count) return rl_sql_mistake(L, "%s: a tx:transaction is under way in it", name);
  lua_settop(L, 1);
  rl_pending *p = rl_pending_new(L, kind, 0, t->database, t);
  return rl_pending_wait(L, p, name, end_k, (lua_KContext)t);
}

/* tx:commit() */
static int l_commit(lua_State *L) { return end_with(L, RL_OP_COMMIT, "tx:commit"); }
/* tx:rollback() */
static int l_rollback(lua_State *L) { return end_with(L, RL_OP_ROLLBACK, "tx:rollback"); }

/* ---- savepoints ---------------------------------------------------------------------------------------------------------------- */

static int save_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_pending *p = lua_touserdata(L, -1);
  rl_lua_transaction *t = (rl_lua_transaction *)ctx;
  bool left = p->kind != RL_OP_SAVEPOINT || p->op->error.code;
  if (left) rl_transaction_leave(&t->transaction, p->depth);
  rl_pending_check(L, p);
  int depth = p->depth;
  rl_pending_free(p);
  lua_pushinteger(L, depth);
  return 1;
}

static int send_savepoint(lua_State *L, rl_lua_transaction *t, int kind, int depth) {
  rl_pending *p = rl_pending_new(L, kind, 0, t->database, t);
  p->depth = p->op->at = depth;
  p->keeps = kind != RL_OP_SAVEPOINT;
  return rl_pending_wait(L, p, "tx:transaction", save_k, (lua_KContext)t);
}

/* With all that are inside of it. An undo of what is gone already is nothing. */
static int end_savepoint(lua_State *L, rl_lua_transaction *handle, int kind, int depth) {
  rl_transaction *t = &handle->transaction;
  bool gone = t->state == RL_TRANSACTION_ENDED || depth < 1 || t->save_count < depth;
  if (gone && kind == RL_OP_ROLLBACK_TO) return 0;
  if (!gone && rl_sql_is_within(rl_task_running(L), t->saves[depth - 1])) rl_transaction_leave(t, depth + 1);
  rl_sql_check_transaction(L, handle);
  if (gone) return rl_sql_mistake(L, "this tx:transaction has ended");
  return send_savepoint(L, handle, kind, depth);
}

/* tx:savepoint("save") -> depth; tx:savepoint("release" | "undo", depth): what tx:transaction is made of */
static int l_savepoint(lua_State *L) {
  static const char *const words[] = {"save", "release", "undo", NULL};
  static const int kinds[] = {RL_OP_SAVEPOINT, RL_OP_RELEASE, RL_OP_ROLLBACK_TO};
  rl_lua_transaction *t = luaL_checkudata(L, 1, "rille.transaction");
  int which = luaL_checkoption(L, 2, NULL, words);
  if (which) return end_savepoint(L, t, kinds[which], (int)luaL_optinteger(L, 3, t->transaction.save_count));
  rl_sql_check_transaction(L, t);
  return send_savepoint(L, t, kinds[which], t->transaction.save_count + 1);
}

/* ---- for tests -------------------------------------------------------------------------------------------------------------------- */

static rl_lua_transaction *first_open(const rl_lua_database *d) {
  RL_LIST_EACH(&d->transactions, node) {
    rl_transaction *t = RL_CONTAINER(node, rl_transaction, node);
    if (t->state != RL_TRANSACTION_BEGINNING) return (rl_lua_transaction *)t;
  }
  return NULL;
}

/* db:open_transaction() -> where one that is under way was begun, id of the task that holds it | nil */
static int l_open_transaction(lua_State *L) {
  rl_lua_transaction *t = first_open(luaL_checkudata(L, 1, "rille.database"));
  if (!t) return 0;
  lua_pushstring(L, t->site);
  lua_pushinteger(L, (lua_Integer)t->transaction.task);
  return 2;
}

/* db:take_left() -> where transactions were begun that their tasks have left open, a line each */
static int l_take_left(lua_State *L) {
  rl_lua_database *d = luaL_checkudata(L, 1, "rille.database");
  rl_push_slice(L, rl_buf_slice(&d->left));
  rl_buf_free(&d->left);
  return 1;
}

/* db:end_transaction(): rolls back what somebody has left open */
static int l_end_transaction(lua_State *L) {
  rl_lua_transaction *t = first_open(luaL_checkudata(L, 1, "rille.database"));
  if (t) rl_pending_abandon(t, NULL);
  return 0;
}

const luaL_Reg rl_transaction_database_methods[] = {{"begin", l_begin},
                                                    {"open_transaction", l_open_transaction},
                                                    {"take_left", l_take_left},
                                                    {"end_transaction", l_end_transaction},
                                                    {NULL, NULL}};
const luaL_Reg rl_transaction_methods[] = {{"commit", l_commit},
                                           {"rollback", l_rollback},
                                           {"savepoint", l_savepoint},
                                           {"close", rl_transaction_close},
                                           {NULL, NULL}};
