/*
 * Operations that a task waits for.
 *
 * A read may be abandoned at any time. A write that the writer has not begun is dropped when its task is cancelled or its
 * time is up; one that has begun is waited for, whatever happens: it will be committed, and a caller who was told
 * "timeout" would write it again. Its outcome is returned, and the cancellation is raised at the next wait.
 */
#include <string.h>

#include "base/error.h"
#include "bind/data/data.h"
#include "bind/data/sqlite.h"

static int pending_gc(lua_State *L) {
  rl_sql_pending *p = lua_touserdata(L, 1);
  if (p->transaction && p->transaction->beginning == p) p->transaction->beginning = NULL; /* they die together */
  if (p->op && p->sent && !p->done) rl_op_drop(p->op); /* it comes home to on_done, without an owner */
  else if (p->op) rl_op_del(p->op);
  p->op = NULL;
  return 0;
}

rl_sql_pending *rl_sql_new(lua_State *L, rl_op_kind kind, int room, rl_lua_database *d, rl_lua_transaction *t) {
  rl_sql_pending *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (rl_sql_pending){.database = d, .transaction = t, .kind = kind};
  luaL_setmetatable(L, "rille.sql_pending");
  p->op = rl_op_new(kind, room);
  if (!p->op) rl_error_raise(L, RL_ENOMEM, NULL);
  p->op->transaction = t ? t->number : 0;
  return p;
}

void rl_sql_add(lua_State *L, rl_sql_pending *p, rl_slice name, rl_slice sql, const rl_params *params) {
  if (rl_op_add(p->op, name, sql, params)) rl_error_raise(L, RL_ENOMEM, NULL);
}

static void on_done(rl_op *op) {
  rl_sql_pending *p = op->owner;
  if (!p) {
    rl_op_del(op); /* nobody waits any more */
    return;
  }
  p->done = true;
  rl_task_wake(&p->waker);
}

/* For who gets an error instead of an answer. */
static void note_holder(rl_task *task, const rl_sql_pending *p) {
  if (!p->database->open || p->read) return;
  rl_holder holder = rl_store_holder(p->database->db.store);
  if (!holder.transaction || (p->transaction && holder.transaction == p->transaction->number)) return;
  char text[160];
  snprintf(text, sizeof text, "the transaction begun at %s, open for %.1f s", holder.site,
           (double)(uv_hrtime() - holder.since_ns) / 1e9);
  rl_task_note_wait(task, text);
}

/* Nobody waits any more: it comes home to on_done without an owner. */
static bool let_go(rl_sql_pending *p) {
  p->waker = (rl_waker){0};
  p->op = NULL;
  return true;
}

static bool undo(rl_task *task, void *ud) {
  rl_sql_pending *p = ud;
  bool must = p->read || task->vm->closing;
  if (!must && p->keeps) return false;
  bool dropped = must ? rl_op_drop(p->op) : rl_op_try_drop(p->op);
  if (!must && !dropped) return false;
  if (dropped) note_holder(task, p);
  if (dropped && p->transaction) rl_transaction_on_dropped(p);
  return let_go(p);
}

/* A finalizer may have closed what was open when the method began. */
static void check_again(lua_State *L, const rl_sql_pending *p) {
  if (!p->database->open) rl_sql_mistake(L, "the database was closed");
  if (p->transaction && p->kind != RL_OP_BEGIN) rl_transaction_check(L, p->transaction);
}

/* Another handle of the same file is no way around it: the writer would wait for this very task. */
static void check_own_transaction(lua_State *L, const rl_task *task, const rl_sql_pending *p) {
  if (p->read || (p->transaction && p->kind != RL_OP_BEGIN) || !task->extra) return;
  RL_LIST_EACH(&task->extra->belongings, node) {
    const rl_lua_transaction *t = rl_transaction_of(RL_CONTAINER(node, rl_belonging, node));
    if (t && t->database != p->database && t->database->db.store == p->database->db.store)
      rl_sql_mistake(L, "this would wait for ever for a transaction of its own task, begun at %s: use that", t->site);
  }
}

int rl_sql_wait(lua_State *L, rl_sql_pending *p, const char *name, lua_KFunction k, lua_KContext ctx) {
  rl_task *task = rl_task_may_wait(L, name);
  check_again(L, p);
  check_own_transaction(L, task, p);
  p->waker = rl_task_waker(task);
  if (p->transaction && !rl_transaction_on_send(p, task)) return rl_error_raise(L, RL_ENOMEM, NULL);
  p->sent = true; /* nothing raises from here on */
  p->op->owner = p;
  p->op->done = on_done;
  rl_database_send(&p->database->db, p->op, p->read);
  return rl_task_wait(L, name, undo, p, k, ctx);
}

void rl_sql_free(rl_sql_pending *p) {
  rl_op_del(p->op);
  p->op = NULL;
}

/* Cut short because the task was cancelled: that is what is raised. */
static void raise_cancellation(lua_State *L, rl_sql_pending *p) {
  if (p->op->error.code != RL_ECANCELLED) return;
  rl_task_may_wait(L, "the database");
  rl_error_raise(L, RL_ECANCELLED, NULL);
}

void rl_sql_check(lua_State *L, rl_sql_pending *p) {
  const rl_op *op = p->op;
  char where[32] = "";
  if (!op->error.code) return;
  raise_cancellation(L, p);
  if (op->kind == RL_OP_BATCH && op->failed.data) snprintf(where, sizeof where, "batch: item %d: ", op->at + 1);
  rl_raise_sql(L, &op->error, where, op->failed);
}

static void describe(const rl_task *task, char *out, size_t size) {
  const rl_sql_pending *p = task->undo_ud;
  if (task->undo != undo || !p->op || p->read || !p->database->open) return;
  rl_holder holder = rl_store_holder(p->database->db.store);
  if (holder.transaction && !(p->transaction && holder.transaction == p->transaction->number))
    snprintf(out, size, ", for the transaction begun at %s", holder.site);
}

void rl_bind_sqlite_wait(lua_State *L) {
  rl_new_metatable(L, "rille.sql_pending");
  lua_pushcfunction(L, pending_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  rl_vm_of(L)->describe_wait = describe;
}
