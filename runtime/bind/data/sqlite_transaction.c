/*
 * Transactions for Lua: begun on a database, ended once.
 *
 *   begin -> BEGINNING -> OPEN -> commit, rollback -> ENDING -> ENDED
 *                          |                           |
 *                          +-- closed, collected, the database closed, its task ended: rolled back
 *
 * A transaction belongs to the task that began it, and ends with it at the latest: else one that was forgotten would stop
 * the writes of the whole process. It is used by its task and by those that this one has spawned; inside tx:transaction, by
 * the task that runs that and by those below it, for a savepoint would undo what the others do.
 *
 * What is sent to the writer is sent in order, so nobody needs to wait for a rollback.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "bind/data/sqlite.h"
#include "vm/inspect.h"

/* ---- whose it is ------------------------------------------------------------------------------------------------------------ */

static bool is_within(const rl_task *task, uint64_t id) {
  while (task && task->id != id) task = task->parent;
  return task != NULL;
}

rl_lua_transaction *rl_transaction_of_running(lua_State *L, const rl_lua_database *d) {
  const rl_task *running = rl_task_running(L);
  RL_LIST_EACH(&d->transactions, node) {
    rl_lua_transaction *t = RL_CONTAINER(node, rl_lua_transaction, node);
    if (t->state != RL_TRANSACTION_BEGINNING && is_within(running, t->task)) return t;
  }
  return NULL;
}

void rl_transaction_check(lua_State *L, const rl_lua_transaction *t) {
  const rl_task *running = rl_task_running(L);
  if (t->state == RL_TRANSACTION_ENDED) rl_sql_mistake(L, "the transaction has ended%s", t->why ? t->why : "");
  if (!is_within(running, t->task))
    rl_sql_mistake(
        L,
        "the transaction belongs to another task, which began it at %s: it is used there, and in tasks that are "
        "spawned there",
        t->site);
  if (t->state == RL_TRANSACTION_ENDING) rl_sql_mistake(L, "the transaction is being committed or rolled back");
  if (t->save_count && !is_within(running, t->saves[t->save_count - 1]))
    rl_sql_mistake(L, "another task is inside tx:transaction: until that ends, the transaction is its own");
}

static rl_lua_transaction *check_self(lua_State *L) {
  rl_lua_transaction *t = luaL_checkudata(L, 1, "rille.transaction");
  rl_transaction_check(L, t);
  return t;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------ */

static void end(rl_lua_transaction *t, const char *why) {
  if (t->state == RL_TRANSACTION_ENDED) return;
  t->state = RL_TRANSACTION_ENDED;
  t->beginning = NULL;
  t->why = why;
  rl_list_remove(&t->node);
  rl_list_remove(&t->belonging.node);
}

static void complain(const rl_lua_transaction *t, const char *message) {
  rl_log_field field = RL_LOG_TEXT_FIELD("begun_at", rl_slice_str(t->site));
  rl_log(RL_LOG_WARN, rl_slice_str(message), &field, 1);
}

/* It waits for its turn, which it will not get. True where it had not come yet: then there is nothing to roll back. */
static bool drop_begin(rl_sql_pending *p) {
  if (!p || !p->op || p->done || !rl_op_try_drop(p->op)) return false;
  p->op = NULL;
  rl_task_wake(&p->waker);
  return true;
}

/* Nobody waits for it. */
static void abandon(rl_lua_transaction *t, const char *why) {
  if (t->state == RL_TRANSACTION_ENDED) return;
  bool begun = t->state != RL_TRANSACTION_BEGINNING || !drop_begin(t->beginning);
  end(t, why);
  if (!begun) return;
  rl_op *op = t->rollback;
  t->rollback = NULL;
  op->transaction = t->number;
  rl_store_write(t->database->db.store, op);
}

static void on_task_end(rl_belonging *belonging) {
  enum { LEFT_SIZE = 4096 };
  rl_lua_transaction *t = RL_CONTAINER(belonging, rl_lua_transaction, belonging);
  if (t->in_test && t->database->left.len < LEFT_SIZE) rl_buf_addf(&t->database->left, "%s\n", t->site);
  complain(t, "a transaction was open when its task ended, and was rolled back");
  abandon(t, ", with the task that began it");
}

rl_lua_transaction *rl_transaction_of(rl_belonging *belonging) {
  bool is_one = belonging->on_task_end == on_task_end;
  return is_one ? RL_CONTAINER(belonging, rl_lua_transaction, belonging) : NULL;
}

void rl_transactions_abandon(rl_lua_database *d) {
  while (!rl_list_empty(&d->transactions)) {
    rl_lua_transaction *t = RL_CONTAINER(d->transactions.prev, rl_lua_transaction, node);
    complain(t, "a transaction was open when its database was closed, and was rolled back");
    abandon(t, ": the database was closed");
  }
}

int rl_transaction_close(lua_State *L) {
  abandon(luaL_checkudata(L, 1, "rille.transaction"), NULL);
  return 0;
}

int rl_transaction_gc(lua_State *L) {
  rl_lua_transaction *t = lua_touserdata(L, 1);
  if (!rl_list_empty(&t->belonging.node))
    complain(t, "a transaction was let go of without an end, and was rolled back");
  abandon(t, NULL);
  if (t->rollback) rl_op_del(t->rollback);
  rl_free(t->saves);
  t->rollback = NULL;
  t->saves = NULL;
  t->save_count = t->save_room = 0;
  return 0;
}

/* ---- begin ------------------------------------------------------------------------------------------------------------------ */

static int begin_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_sql_pending *p = lua_touserdata(L, -1);
  rl_lua_transaction *t = (rl_lua_transaction *)ctx;
  t->beginning = NULL;
  if (p->op) {
    if (p->op->error.code) end(t, NULL);
    rl_sql_check(L, p);
    rl_sql_free(p);
  }
  if (t->state == RL_TRANSACTION_ENDED) rl_sql_mistake(L, "the database was closed");
  t->state = RL_TRANSACTION_OPEN;
  lua_pop(L, 1);
  return 1;
}

/* Pushes one that has not begun. */
static rl_lua_transaction *new_transaction(lua_State *L, rl_lua_database *d) {
  rl_lua_transaction *t = lua_newuserdatauv(L, sizeof *t, 1);
  memset(t, 0, sizeof *t);
  t->state = RL_TRANSACTION_ENDED;
  t->database = d;
  t->belonging.on_task_end = on_task_end;
  rl_list_init(&t->node);
  rl_list_init(&t->belonging.node);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, "rille.transaction");
  t->rollback = rl_op_new(RL_OP_ROLLBACK, 0);
  if (!t->rollback) rl_error_raise(L, RL_ENOMEM, NULL);
  return t;
}

/* The line of the program, or, where its task runs nothing else, that which spawned it. */
static void note_site(rl_lua_transaction *t, const rl_task *task) {
  char file[LUA_IDSIZE];
  int line = rl_inspect_line(task, file, sizeof file);
  const rl_task *spawned = task;
  t->in_test = task->vm->mode == RL_MODE_TEST;
  while (spawned && !spawned->line) spawned = spawned->parent;
  if (line) snprintf(t->site, sizeof t->site, "%s:%d", file, line);
  else if (spawned) snprintf(t->site, sizeof t->site, "%s:%d", spawned->site, spawned->line);
  else snprintf(t->site, sizeof t->site, "?");
}

/* db:begin() -> transaction */
static int l_begin(lua_State *L) {
  rl_lua_transaction *outer;
  rl_lua_database *d = rl_sql_check_self(L, &outer);
  if (outer) return rl_sql_mistake(L, "a transaction is begun on the database; inside one there is tx:transaction");
  rl_task *task = rl_task_may_wait(L, "db:begin");
  rl_lua_transaction *t = new_transaction(L, d);
  note_site(t, task);
  rl_sql_pending *p = rl_sql_new(L, RL_OP_BEGIN, 1, d, t);
  rl_sql_add(L, p, rl_slice_str(t->site), RL_SLICE(""), NULL);
  return rl_sql_wait(L, p, "db:begin", begin_k, (lua_KContext)t);
}

/* ---- commit and rollback ------------------------------------------------------------------------------------------------------ */

/* The writer has ended it, whatever came of that. */
static int end_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_sql_pending *p = lua_touserdata(L, -1);
  end((rl_lua_transaction *)ctx, NULL);
  rl_sql_check(L, p);
  rl_sql_free(p);
  return 0;
}

static int end_with(lua_State *L, rl_op_kind kind, const char *name) {
  rl_lua_transaction *t = check_self(L);
  if (t->save_count) return rl_sql_mistake(L, "%s: a tx:transaction is under way in it", name);
  lua_settop(L, 1);
  rl_sql_pending *p = rl_sql_new(L, kind, 0, t->database, t);
  return rl_sql_wait(L, p, name, end_k, (lua_KContext)t);
}

/* tx:commit() */
static int l_commit(lua_State *L) { return end_with(L, RL_OP_COMMIT, "tx:commit"); }
/* tx:rollback() */
static int l_rollback(lua_State *L) { return end_with(L, RL_OP_ROLLBACK, "tx:rollback"); }

/* ---- savepoints ---------------------------------------------------------------------------------------------------------------- */

static bool push_save(rl_lua_transaction *t, uint64_t task) {
  if (t->save_count == t->save_room) {
    int room = t->save_room ? t->save_room * 2 : 4;
    uint64_t *saves = rl_realloc(t->saves, (size_t)room * sizeof *saves);
    if (!saves) return false;
    t->saves = saves;
    t->save_room = room;
  }
  t->saves[t->save_count++] = task;
  return true;
}

static void leave_save(rl_lua_transaction *t, int depth) {
  if (t->save_count >= depth) t->save_count = depth - 1;
}

static bool begin(rl_lua_transaction *t, rl_sql_pending *p, rl_task *task) {
  if (!rl_task_own(task, &t->belonging)) return false;
  t->number = p->op->transaction = rl_store_new_transaction(t->database->db.store);
  t->task = task->id;
  t->state = RL_TRANSACTION_BEGINNING;
  t->beginning = p;
  rl_list_push(&t->database->transactions, &t->node);
  return true;
}

bool rl_transaction_on_send(rl_sql_pending *p, rl_task *task) {
  rl_lua_transaction *t = p->transaction;
  switch (p->kind) {
    case RL_OP_BEGIN: return begin(t, p, task);
    case RL_OP_COMMIT:
    case RL_OP_ROLLBACK: t->state = RL_TRANSACTION_ENDING; return true;
    case RL_OP_SAVEPOINT: return push_save(t, task->id);
    default: return true;
  }
}

void rl_transaction_on_dropped(rl_sql_pending *p) {
  rl_lua_transaction *t = p->transaction;
  switch (p->kind) {
    case RL_OP_BEGIN: end(t, NULL); break;
    case RL_OP_COMMIT:
    case RL_OP_ROLLBACK:
      if (t->state == RL_TRANSACTION_ENDING) t->state = RL_TRANSACTION_OPEN;
      break;
    case RL_OP_SAVEPOINT: leave_save(t, p->depth); break;
    default: break;
  }
}

static int save_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rl_sql_pending *p = lua_touserdata(L, -1);
  rl_lua_transaction *t = (rl_lua_transaction *)ctx;
  bool left = p->kind != RL_OP_SAVEPOINT || p->op->error.code;
  if (left) leave_save(t, p->depth);
  rl_sql_check(L, p);
  int depth = p->depth;
  rl_sql_free(p);
  lua_pushinteger(L, depth);
  return 1;
}

static int send_savepoint(lua_State *L, rl_lua_transaction *t, rl_op_kind kind, int depth) {
  rl_sql_pending *p = rl_sql_new(L, kind, 0, t->database, t);
  p->depth = p->op->at = depth;
  p->keeps = kind != RL_OP_SAVEPOINT;
  return rl_sql_wait(L, p, "tx:transaction", save_k, (lua_KContext)t);
}

/* With all that are inside of it. An undo of what is gone already is nothing. */
static int end_savepoint(lua_State *L, rl_lua_transaction *t, rl_op_kind kind, int depth) {
  bool gone = t->state == RL_TRANSACTION_ENDED || depth < 1 || t->save_count < depth;
  if (gone && kind == RL_OP_ROLLBACK_TO) return 0;
  if (!gone && is_within(rl_task_running(L), t->saves[depth - 1])) t->save_count = depth; /* those inside end with it */
  rl_transaction_check(L, t);
  if (gone) return rl_sql_mistake(L, "this tx:transaction has ended");
  return send_savepoint(L, t, kind, depth);
}

/* tx:savepoint("save") -> depth; tx:savepoint("release" | "undo", depth): what tx:transaction is made of */
static int l_savepoint(lua_State *L) {
  static const char *const words[] = {"save", "release", "undo", NULL};
  static const rl_op_kind kinds[] = {RL_OP_SAVEPOINT, RL_OP_RELEASE, RL_OP_ROLLBACK_TO};
  rl_lua_transaction *t = luaL_checkudata(L, 1, "rille.transaction");
  int which = luaL_checkoption(L, 2, NULL, words);
  if (which) return end_savepoint(L, t, kinds[which], (int)luaL_optinteger(L, 3, t->save_count));
  rl_transaction_check(L, t);
  return send_savepoint(L, t, kinds[which], t->save_count + 1);
}

/* ---- for tests -------------------------------------------------------------------------------------------------------------------- */

static rl_lua_transaction *first_open(const rl_lua_database *d) {
  RL_LIST_EACH(&d->transactions, node) {
    rl_lua_transaction *t = RL_CONTAINER(node, rl_lua_transaction, node);
    if (t->state != RL_TRANSACTION_BEGINNING) return t;
  }
  return NULL;
}

/* db:open_transaction() -> where one that is under way was begun, id of the task that holds it | nil */
static int l_open_transaction(lua_State *L) {
  rl_lua_transaction *t = first_open(luaL_checkudata(L, 1, "rille.database"));
  if (!t) return 0;
  lua_pushstring(L, t->site);
  lua_pushinteger(L, (lua_Integer)t->task);
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
  if (t) abandon(t, NULL);
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
