/*
 * Between the files of the sqlite binding: handles and methods (sqlite.c), operations that are waited for (sqlite_wait.c),
 * transactions (sqlite_transaction.c), values and rows (sqlite_values.c).
 *
 * Handles may be used in any order with what closes them, from any task and from finalizers; each use is checked by
 * rl_sql_check_self, and again, since Lua may have run a finalizer meanwhile, when its operation is sent (rl_sql_wait).
 *
 *   database --list--> transaction --belongs to--> task       closing the database, or the end of the task, rolls it back
 *       ^                  |
 *       +---user value-----+
 *
 * What C holds is owned by a userdata before Lua can raise: operations by their pending, the rollback of a transaction by
 * the transaction, a statement that is stepped by a protected call.
 */
#ifndef RL_VM_BIND_SQLITE_H
#define RL_VM_BIND_SQLITE_H

#include "bind/bind.h"
#include "data/database.h"

typedef struct rl_lua_transaction rl_lua_transaction;
typedef struct rl_sql_pending rl_sql_pending;

typedef struct rl_lua_database {
  rl_database db;
  bool open;
  rl_list transactions; /* those that have not ended */
  rl_buf left;          /* in tests: where those were begun that their tasks have left open, a line each */
} rl_lua_database;

typedef enum rl_transaction_state {
  RL_TRANSACTION_BEGINNING, /* the handle is in nobody's hands yet */
  RL_TRANSACTION_OPEN,
  RL_TRANSACTION_ENDING, /* its commit or rollback is under way */
  RL_TRANSACTION_ENDED
} rl_transaction_state;

/* A transaction; user value 1 is its database. */
struct rl_lua_transaction {
  rl_list node; /* in database->transactions until it has ended */
  rl_belonging belonging;
  rl_lua_database *database;
  rl_sql_pending *beginning; /* while it is BEGINNING */
  uint64_t number, task;     /* task: id of the one that began it */
  rl_transaction_state state;
  bool in_test;
  const char *why; /* it has ended; static */
  rl_op *rollback; /* made beforehand: giving up must not need memory. NULL once it was sent */
  uint64_t *saves; /* ids of the tasks whose tx:transaction is under way, outermost first */
  int save_count, save_room;
  char site[LUA_IDSIZE + 16]; /* where it was begun: "app.lua:12" */
};

/* What a waiting task knows of its operation: a userdata, which its stack anchors, and which owns the operation until it is
 * sent and again once it is done. */
struct rl_sql_pending {
  rl_op *op;
  rl_waker waker;
  rl_lua_database *database;
  rl_lua_transaction *transaction; /* in which it runs, or NULL */
  rl_op_kind kind;                 /* of the operation, which may be gone */
  bool sent, done;
  bool read;  /* may be abandoned at any time */
  bool keeps; /* must be done whoever gives up: the end of a savepoint */
  int depth;  /* of the savepoint it makes */
};

/* ---- handles ---- */

/* The database at index 1, or that of the transaction there (*transaction, else NULL), if the running task may use it;
 * raises where it was closed, has ended, or is another task's. */
rl_lua_database *rl_sql_check_self(lua_State *L, rl_lua_transaction **transaction);
/* A database at index 1 that is open and not inside a transaction of the running task. */
rl_lua_database *rl_sql_check_database(lua_State *L);
/* Raises a programmer's mistake at the line of the program, wherever in the library it was found. */
int rl_sql_mistake(lua_State *L, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- operations ---- */

/* Pushes a pending with a new operation that can take so many statements; raises where memory is short. */
rl_sql_pending *rl_sql_new(lua_State *L, rl_op_kind kind, int room, rl_lua_database *d, rl_lua_transaction *t);
/* Adds a statement to it; raises where memory is short. */
void rl_sql_add(lua_State *L, rl_sql_pending *p, rl_slice name, rl_slice sql, const rl_sql_params *params);
/* Sends it and waits, as the last act; the pending is on top of the stack, and again when `k` runs. `name` is what the wait
 * is called. Raises where the database or the transaction was closed since it was checked. */
int rl_sql_wait(lua_State *L, rl_sql_pending *p, const char *name, lua_KFunction k, lua_KContext ctx);
/* In `k`: raises where the operation failed, or was cut short by a cancellation. */
void rl_sql_check(lua_State *L, rl_sql_pending *p);
/* … and at its end: the answer was used. */
void rl_sql_free(rl_sql_pending *p);
void rl_bind_sqlite_wait(lua_State *L);

/* ---- transactions ---- */

extern const luaL_Reg rl_transaction_methods[], rl_transaction_database_methods[];
int rl_transaction_gc(lua_State *L);
int rl_transaction_close(lua_State *L);
/* Raises where the transaction cannot be used, or not by the running task. */
void rl_transaction_check(lua_State *L, const rl_lua_transaction *t);
/* The transaction that belongs to a task, or NULL where something else does. */
rl_lua_transaction *rl_transaction_of(rl_belonging *belonging);
/* The transaction of `d` that the running task is inside of, or NULL. */
rl_lua_transaction *rl_transaction_of_running(lua_State *L, const rl_lua_database *d);
/* Ends what is open: the database is being closed. */
void rl_transactions_abandon(rl_lua_database *d);
/* An operation of its is about to be sent; false where memory is short, and nothing is sent. */
bool rl_transaction_on_send(rl_sql_pending *p, rl_task *task);
/* That operation will not run (dropped before it began). */
void rl_transaction_on_dropped(rl_sql_pending *p);

/* ---- values ---- */

/* Parameters from the stack; borrowed from Lua values, all of which are anchored there. */
typedef struct rl_lua_params {
  rl_sql_params params;
  size_t size; /* bytes of all texts and blobs */
  rl_value values[32];
  rl_slice names[32];
} rl_lua_params;

/* Reads what stands at `first` and above: values for `?`, or one table. Raises on what SQL cannot hold; `where` (may be "")
 * begins the message. More than fit are put into a userdata; that, and what stands in a table, is pushed. */
void rl_check_params(lua_State *L, int first, const char *where, rl_lua_params *out);

/* Pushes one value; NULL as nil. */
void rl_push_value(lua_State *L, rl_value value);
/* Pushes a row as a table: column names stand at names, names + 1, … of the stack. */
void rl_push_statement_row(lua_State *L, rl_statement *statement, int names, int columns);
void rl_push_packed_row(lua_State *L, rl_rows_cursor *values, int names, int columns);
/* Pushes the column names; returns how many. */
int rl_push_statement_names(lua_State *L, const rl_statement *statement);
int rl_push_packed_names(lua_State *L, const rl_rows *rows);

/* Raises what went wrong; `sql` is quoted in the message; `where` (may be "") begins it. */
int rl_raise_sql(lua_State *L, const rl_sql_error *error, const char *where, rl_slice sql);

/* blob(s) -> a parameter that is bound as a BLOB */
int rl_make_blob(lua_State *L);

#endif
