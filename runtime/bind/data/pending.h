/*
 * Operations that a task waits for.
 *
 * A read may be abandoned at any time. A write that has not begun is dropped when its task is cancelled or its time is up;
 * one that has begun is waited for, whatever happens: it will be committed, and a caller who was told "timeout" would write it
 * again. Its outcome is returned, and the cancellation is raised at the next wait.
 *
 *   rl_pending_new -> rl_pending_add … -> rl_pending_wait …… k: rl_pending_check -> (results) -> rl_pending_free
 */
#ifndef RL_BIND_DATA_PENDING_H
#define RL_BIND_DATA_PENDING_H

#include "bind/data/handle.h"

/* The operation of a waiting task: a userdata, which the task's stack anchors, and which owns the operation until it is sent,
 * and again once it is done. */
typedef struct rl_pending {
  rl_op *op; /* NULL: it was dropped */
  rl_waker waker;
  rl_lua_database *database;
  rl_lua_transaction *transaction; /* in which it runs, or NULL */
  int kind;                        /* of the operation, which may be gone */
  bool sent, done;
  bool read;   /* may be abandoned at any time */
  bool keeps;  /* must be done whoever gives up: the end of a savepoint */
  bool counts; /* among the operations of its transaction that are under way */
  int depth;   /* of the savepoint it makes */
  void (*on_give_up)(
      void *ud); /* runs when its wait was given up and the operation let go of, or NULL; raises nothing */
  void *give_up_ud;
} rl_pending;

/* Pushes a pending with a new operation that can take so many statements; raises if out of memory. */
rl_pending *rl_pending_new(lua_State *L, int kind, int room, rl_lua_database *d, rl_lua_transaction *t);
/* Adds a statement to it; raises if out of memory. */
void rl_pending_add(lua_State *L, rl_pending *p, rl_slice name, rl_slice sql, const rl_sql_params *params);
/* Sends it and waits, as the last act; the pending is on top of the stack, and again when `k` runs. `name` is what the wait
 * is called. Raises if the database or the transaction was closed since it was checked. */
int rl_pending_wait(lua_State *L, rl_pending *p, const char *name, lua_KFunction k, lua_KContext ctx);
/* In `k`: raises if the operation failed, or was cut short by a cancellation. */
void rl_pending_check(lua_State *L, rl_pending *p);
/* … and at its end: the answer was used. */
void rl_pending_free(rl_pending *p);

/* Ends a transaction, and rolls back what has begun; wakes whoever waits for its begin. */
void rl_pending_abandon(rl_lua_transaction *transaction, const char *why);
/* It will be rolled back if its task ends before it does, or if it is idle for too long. */
void rl_pending_belong(rl_lua_transaction *transaction);

/* Raises if a write of `task` would wait for a transaction of its own: another handle of the same file is no way around it, for
 * the writer would wait for this very task. */
void rl_pending_check_own(lua_State *L, const rl_task *task, const rl_lua_database *database);
/* Notes which transaction a write of `task` was waiting for, for the error that is raised instead of its answer. */
void rl_pending_note_holder(rl_task *task, const rl_lua_database *database);

void rl_bind_pending(lua_State *L);

#endif
