/* Operations that a task waits for; see pending.h. */
#include "bind/data/pending.h"

#include <stdio.h>

#include "base/error.h"
#include "bind/data/error.h"

/* Its transaction waits for it no more. */
static void stop_counting(rl_pending *p) {
  if (p->counts) rl_transaction_answered(&p->transaction->transaction);
  p->counts = false;
}

static int pending_gc(lua_State *L) {
  rl_pending *p = lua_touserdata(L, 1);
  stop_counting(p);
  if (p->transaction) rl_transaction_detach(&p->transaction->transaction, p->op); /* they die together */
  if (p->op && p->sent && !p->done) rl_op_drop(p->op); /* it comes home to on_done, without an owner */
  else if (p->op) rl_op_del(p->op);
  p->op = NULL;
  return 0;
}

rl_pending *rl_pending_new(lua_State *L, int kind, int room, rl_lua_database *d, rl_lua_transaction *t) {
  rl_pending *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (rl_pending){.database = d, .transaction = t, .kind = kind};
  luaL_setmetatable(L, "rille.pending");
  p->op = rl_op_new(kind, room);
  if (!p->op) rl_error_raise(L, RL_ENOMEM, NULL);
  return p;
}

void rl_pending_add(lua_State *L, rl_pending *p, rl_slice name, rl_slice sql, const rl_sql_params *params) {
  if (rl_op_add(p->op, name, sql, params)) rl_error_raise(L, RL_ENOMEM, NULL);
}

static void on_done(rl_op *op) {
  rl_pending *p = op->owner;
  if (!p) {
    rl_op_del(op); /* nobody waits any more */
    return;
  }
  p->done = true;
  stop_counting(p);
  rl_task_wake(&p->waker);
}

/* The transaction that a write waits for, other than its own; its number is 0 if there is none. */
static rl_holder holder_of(const rl_pending *p) {
  if (!p->op || p->read || !p->database->open) return (rl_holder){0};
  rl_holder holder = rl_database_holder(p->database->db);
  bool own = p->transaction && holder.transaction == p->transaction->transaction.number;
  return own ? (rl_holder){0} : holder;
}

static void note(rl_task *task, const rl_holder *holder) {
  char text[200];
  uint64_t now = uv_hrtime();
  if (!holder->transaction) return;
  snprintf(text, sizeof text, "the transaction begun at %s, open for %.1f s, without a statement for %.1f s",
           holder->site, (double)(now - holder->since_ns) / 1e9, (double)(now - holder->last_ns) / 1e9);
  rl_task_note_wait(task, text);
}

void rl_pending_note_holder(rl_task *task, const rl_lua_database *d) {
  rl_holder holder = d->open ? rl_database_holder(d->db) : (rl_holder){0};
  note(task, &holder);
}

/* For the error that is raised instead of an answer. */
static void note_holder(rl_task *task, const rl_pending *p) {
  rl_holder holder = holder_of(p);
  note(task, &holder);
}

/* Nobody waits any more: the operation comes home to on_done without an owner, if it does. */
static bool let_go(rl_pending *p) {
  p->waker = (rl_waker){0};
  stop_counting(p);
  if (p->transaction) rl_transaction_detach(&p->transaction->transaction, p->op);
  p->op = NULL;
  if (p->on_give_up) p->on_give_up(p->give_up_ud);
  return true;
}

static bool undo(rl_task *task, void *ud) {
  rl_pending *p = ud;
  bool must = p->read || task->vm->closing;
  if (!must && p->keeps) return false;
  bool dropped = must ? rl_op_drop(p->op) : rl_op_try_drop(p->op);
  if (!must && !dropped) return false;
  if (dropped) note_holder(task, p);
  if (dropped && p->transaction) {
    rl_transaction_dropped(&p->transaction->transaction, p->kind, p->depth);
    rl_sql_settle(p->transaction);
  }
  return let_go(p);
}

/* A finalizer may have closed what was open when the method began. */
static void check_again(lua_State *L, const rl_pending *p) {
  if (!p->database->open) rl_sql_mistake(L, "the database was closed");
  if (p->transaction && p->kind != RL_OP_BEGIN) rl_sql_check_transaction(L, p->transaction);
}

/* ---- transactions of tasks ------------------------------------------------------------------------------------------------- */

/* Nobody waits for the rollback. Whoever waits for the begin is woken if that was dropped. */
void rl_pending_abandon(rl_lua_transaction *t, const char *why) {
  rl_op *beginning = t->transaction.beginning;
  rl_pending *waiter = beginning ? beginning->owner : NULL;
  bool dropped = rl_transaction_abandon(&t->transaction, why);
  rl_sql_settle(t);
  if (!dropped || !waiter) return; /* only a begin is dropped, and somebody waits for it */
  waiter->op = NULL;
  rl_task_wake(&waiter->waker);
}

static void on_task_end(rl_belonging *belonging) {
  enum { LEFT_SIZE = 4096 };
  rl_lua_transaction *t = RL_CONTAINER(belonging, rl_lua_transaction, belonging);
  if (t->in_test && t->database->left.len < LEFT_SIZE) rl_buf_addf(&t->database->left, "%s\n", t->site);
  rl_sql_complain(t, "a transaction was open when its task ended, and was rolled back");
  rl_pending_abandon(t, ", with the task that began it");
}

static void on_idle(rl_transaction *transaction) {
  rl_lua_transaction *t = (rl_lua_transaction *)transaction;
  t->was_idle = true;
  rl_sql_complain(t, "a transaction was idle for too long, and was rolled back");
  rl_pending_abandon(t, NULL);
}

void rl_pending_belong(rl_lua_transaction *t) {
  t->transaction.on_idle = on_idle;
  t->belonging.on_task_end = on_task_end;
  rl_list_init(&t->belonging.node);
}

static rl_lua_transaction *transaction_of(rl_belonging *belonging) {
  bool is_one = belonging->on_task_end == on_task_end;
  return is_one ? RL_CONTAINER(belonging, rl_lua_transaction, belonging) : NULL;
}

void rl_pending_check_own(lua_State *L, const rl_task *task, const rl_lua_database *d) {
  const void *exclusive = d->db->exclusive;
  if (!exclusive || !task->extra) return;
  RL_LIST_EACH(&task->extra->belongings, node) {
    const rl_lua_transaction *t = transaction_of(RL_CONTAINER(node, rl_belonging, node));
    if (t && t->database != d && t->database->db->exclusive == exclusive)
      rl_sql_mistake(L, "this would wait for ever for a transaction of its own task, begun at %s: use that", t->site);
  }
}

static bool is_inside(const rl_pending *p) { return p->transaction && p->kind != RL_OP_BEGIN; }

static int submit_inside(rl_pending *p, rl_task *task) {
  int code = rl_transaction_submit(&p->transaction->transaction, p->op, task->id);
  p->counts = !code;
  return code;
}

/* 0, or RL_ENOMEM and nothing was sent. */
static int submit(rl_pending *p, rl_task *task) {
  rl_lua_transaction *t = p->transaction;
  p->op->owner = p;
  p->op->done = on_done;
  if (!t) rl_database_submit(p->database->db, p->op, p->read);
  else if (p->kind != RL_OP_BEGIN) return submit_inside(p, task);
  else if (!rl_task_own(task, &t->belonging)) return RL_ENOMEM;
  else rl_transaction_begin(&t->transaction, p->op, task->id, &p->database->transactions);
  return RL_OK;
}

int rl_pending_wait(lua_State *L, rl_pending *p, const char *name, lua_KFunction k, lua_KContext ctx) {
  rl_task *task = rl_task_may_wait(L, name);
  check_again(L, p);
  if (!p->read && !is_inside(p)) rl_pending_check_own(L, task, p->database);
  p->waker = rl_task_waker(task);
  if (submit(p, task)) return rl_error_raise(L, RL_ENOMEM, NULL);
  p->sent = true; /* nothing raises from here on */
  return rl_task_wait(L, name, undo, p, k, ctx);
}

void rl_pending_free(rl_pending *p) {
  rl_op_del(p->op);
  p->op = NULL;
}

/* Cut short because the task was cancelled: that is what is raised. */
static void raise_cancellation(lua_State *L, rl_pending *p) {
  if (p->op->error.code != RL_ECANCELLED) return;
  rl_task_may_wait(L, "the database");
  rl_error_raise(L, RL_ECANCELLED, NULL);
}

void rl_pending_check(lua_State *L, rl_pending *p) {
  const rl_op *op = p->op;
  if (!op->error.code) return;
  raise_cancellation(L, p);
  rl_raise_op(L, p->database->ops, op);
}

static void describe(const rl_task *task, char *out, size_t size) {
  if (task->undo != undo) return;
  rl_holder holder = holder_of(task->undo_ud);
  if (holder.transaction) snprintf(out, size, ", for the transaction begun at %s", holder.site);
}

void rl_bind_pending(lua_State *L) {
  rl_new_metatable(L, "rille.pending");
  lua_pushcfunction(L, pending_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  rl_vm_of(L)->describe_wait = describe;
}
