/*
 * Transactions for Lua: begun on a database, ended once. One that is let go of is rolled back; what is sent to the writer is
 * sent in order, so nobody needs to wait for that.
 */
#include "base/error.h"
#include "base/log.h"
#include "vm/bind/sqlite.h"
#include "vm/inspect.h"

/* Nobody waits for it. */
static void send_rollback(rl_lua_transaction *t, rl_op_kind kind) {
  rl_op *op = rl_op_new(kind, 0);
  if (!op) {
    rl_logf(RL_LOG_ERROR, "out of memory: a transaction stays open, the database is stuck until a restart");
    return;
  }
  op->transaction = t->number;
  op->done = rl_op_del;
  rl_database_send(&t->database->db, op, false);
}

static void end_transaction(rl_lua_transaction *t) {
  t->open = false;
  t->database->holder = 0;
  t->database->current = NULL;
}

static int begin_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_sql_pending *p = lua_touserdata(L, -1);
  rl_lua_transaction *t = (rl_lua_transaction *)ctx;
  rl_sql_check(L, p);
  rl_sql_free(p);
  t->open = true;
  t->database->holder = rl_task_running(L)->id;
  t->database->current = t;
  lua_pop(L, 1);
  return 1;
}

/* A BEGIN that is cancelled after the writer has taken it up must be taken back. */
static bool undo_begin(rl_task *task, void *ud) {
  rl_sql_undo(task, ud);
  send_rollback((rl_lua_transaction *)task->wait_ctx, RL_OP_ROLLBACK);
  return true;
}

/* db:begin() -> rl_lua_transaction */
static int l_begin(lua_State *L) {
  uint64_t number;
  rl_lua_database *d = rl_sql_check_self(L, &number);
  if (number) return luaL_error(L, "a transaction is begun on the database; inside one there is tx:transaction");
  rl_task *task = rl_task_may_wait(L, "db:begin");
  rl_lua_transaction *t = lua_newuserdatauv(L, sizeof *t, 1);
  *t = (rl_lua_transaction){.database = d, .number = rl_store_new_transaction(d->db.store)};
  if (rl_vm_of(L)->mode == RL_MODE_TEST) t->line = rl_inspect_line(task, t->site, sizeof t->site);
  luaL_setmetatable(L, "rille.transaction");
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  rl_op *op = rl_sql_make_op(L, RL_OP_BEGIN, RL_SLICE_NONE, NULL, t->number);
  rl_sql_pending *p = rl_sql_submit(L, task, d, op, false);
  return rl_task_wait(L, "db:begin", undo_begin, p, begin_k, (lua_KContext)t);
}

static rl_lua_transaction *check_transaction(lua_State *L) {
  rl_lua_transaction *t = luaL_checkudata(L, 1, "rille.transaction");
  if (!t->open) luaL_error(L, "the transaction has ended");
  return t;
}

static int commit_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_sql_pending *p = lua_touserdata(L, -1);
  end_transaction(lua_touserdata(L, 1));
  rl_sql_check(L, p);
  rl_sql_free(p);
  return 0;
}

/* Commits and rollbacks are sent whatever happens: a cancellation only stops the waiting. */
static bool undo_end(rl_task *task, void *ud) {
  rl_sql_pending *p = ud;
  end_transaction((rl_lua_transaction *)task->wait_ctx);
  p->op->owner = NULL;
  p->op = NULL;
  return true;
}

static int end_with(lua_State *L, rl_op_kind kind, const char *name) {
  rl_lua_transaction *t = check_transaction(L);
  rl_task *task = rl_task_may_wait(L, name);
  lua_settop(L, 1);
  rl_sql_pending *p =
      rl_sql_submit(L, task, t->database, rl_sql_make_op(L, kind, RL_SLICE_NONE, NULL, t->number), false);
  return rl_task_wait(L, name, undo_end, p, commit_k, (lua_KContext)t);
}

/* tx:commit() */
static int l_commit(lua_State *L) { return end_with(L, RL_OP_COMMIT, "tx:commit"); }
/* tx:rollback() */
static int l_rollback(lua_State *L) { return end_with(L, RL_OP_ROLLBACK, "tx:rollback"); }

/* A savepoint that was made must be taken back; its end, like a commit, is sent whatever happens. */
static bool undo_save(rl_task *task, void *ud) {
  rl_sql_pending *p = ud;
  if (!rl_op_drop(p->op)) send_rollback((rl_lua_transaction *)task->wait_ctx, RL_OP_ROLLBACK_TO);
  p->op = NULL;
  return true;
}

static bool undo_savepoint_end(rl_task *task, void *ud) {
  (void)task;
  rl_sql_pending *p = ud;
  p->op->owner = NULL;
  p->op = NULL;
  return true;
}

static int savepoint_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_sql_pending *p = lua_touserdata(L, -1);
  rl_sql_check(L, p);
  rl_sql_free(p);
  return 0;
}

/* tx:savepoint("save" | "release" | "undo"): what tx:transaction is made of */
static int l_savepoint(lua_State *L) {
  static const char *const words[] = {"save", "release", "undo", NULL};
  static const rl_op_kind kinds[] = {RL_OP_SAVEPOINT, RL_OP_RELEASE, RL_OP_ROLLBACK_TO};
  rl_lua_transaction *t = check_transaction(L);
  int which = luaL_checkoption(L, 2, NULL, words);
  rl_task *task = rl_task_may_wait(L, "tx:transaction");
  rl_op *op = rl_sql_make_op(L, kinds[which], RL_SLICE_NONE, NULL, t->number);
  rl_sql_pending *p = rl_sql_submit(L, task, t->database, op, false);
  return rl_task_wait(L, "tx:transaction", which == 0 ? undo_save : undo_savepoint_end, p, savepoint_k,
                      (lua_KContext)t);
}

/* Rolled back where it is still open; nobody needs to wait for that: what comes next stands behind it in the queue. */
static void abandon(rl_lua_transaction *t) {
  end_transaction(t);
  if (t->database->open) send_rollback(t, RL_OP_ROLLBACK);
}

int rl_transaction_close(lua_State *L) {
  rl_lua_transaction *t = luaL_checkudata(L, 1, "rille.transaction");
  if (t->open) abandon(t);
  return 0;
}

/* db:open_transaction() -> where the one under way was begun, id of the task that holds it | nil: for tests */
static int l_open_transaction(lua_State *L) {
  rl_lua_database *d = luaL_checkudata(L, 1, "rille.database");
  if (!d->current) return 0;
  lua_pushfstring(L, "%s:%d", d->current->site, d->current->line);
  lua_pushinteger(L, (lua_Integer)d->holder);
  return 2;
}

/* db:end_transaction(): rolls back what somebody has left open: for tests */
static int l_end_transaction(lua_State *L) {
  rl_lua_database *d = luaL_checkudata(L, 1, "rille.database");
  if (d->current) abandon(d->current);
  return 0;
}

const luaL_Reg rl_transaction_database_methods[] = {
    {"begin", l_begin}, {"open_transaction", l_open_transaction}, {"end_transaction", l_end_transaction}, {NULL, NULL}};
const luaL_Reg rl_transaction_methods[] = {{"commit", l_commit},
                                           {"rollback", l_rollback},
                                           {"savepoint", l_savepoint},
                                           {"close", rl_transaction_close},
                                           {NULL, NULL}};
