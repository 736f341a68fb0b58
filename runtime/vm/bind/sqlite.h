/*
 * Between the files of the sqlite binding: values and rows (sqlite_values.c), handles and methods (sqlite.c), transactions
 * (sqlite_transaction.c).
 */
#ifndef RL_VM_BIND_SQLITE_H
#define RL_VM_BIND_SQLITE_H

#include "data/database.h"
#include "vm/bind/bind.h"

typedef struct rl_lua_transaction rl_lua_transaction;

typedef struct rl_lua_database {
  rl_database db;
  bool open;
  uint64_t holder;             /* id of the task whose transaction is under way on this handle, or 0 */
  rl_lua_transaction *current; /* that transaction, or NULL; it clears this when it ends */
} rl_lua_database;

/* A transaction; user value 1 is its database. */
struct rl_lua_transaction {
  rl_lua_database *database;
  uint64_t number;
  bool open;
  int line; /* where it was begun, in tests; else 0 */
  char site[LUA_IDSIZE];
};

/* What a waiting task knows of its operation; embedded in a userdata, which the stack anchors. */
typedef struct rl_sql_pending {
  rl_op *op;
  rl_waker waker;
  bool done;
} rl_sql_pending;

/* The database at index 1, or that of the transaction there; *number is the transaction's, or 0. */
rl_lua_database *rl_sql_check_self(lua_State *L, uint64_t *number);
/* A new operation with one statement, or none where `sql` has no data; raises where memory is short. */
rl_op *rl_sql_make_op(lua_State *L, rl_op_kind kind, rl_slice sql, const rl_params *params, uint64_t number);
/* Pushes a pending and sends the operation; the caller waits as its last act. Takes `op`. */
rl_sql_pending *rl_sql_submit(lua_State *L, rl_task *task, rl_lua_database *d, rl_op *op, bool read);
/* Raises where the operation failed. */
void rl_sql_check(lua_State *L, rl_sql_pending *p);
void rl_sql_free(rl_sql_pending *p);
/* For rl_task_wait: nobody waits for the pending `ud` any more. */
bool rl_sql_undo(rl_task *task, void *ud);

extern const luaL_Reg rl_transaction_methods[], rl_transaction_database_methods[];
int rl_transaction_close(lua_State *L);

/* Parameters from the stack: borrowed from the Lua values, which stay where they are. */
typedef struct rl_lua_params {
  rl_params params;
  rl_value values[32];
  rl_slice names[32];
} rl_lua_params;

/* Reads what stands at `first` and above: values for `?`, or one table. Raises on what SQL cannot hold. More than fit are
 * put into a userdata, which is pushed. */
void rl_check_params(lua_State *L, int first, rl_lua_params *out);

/* Pushes one value; NULL as nil. */
void rl_push_value(lua_State *L, rl_value value);
/* Pushes a row as a table: column names stand at names, names + 1, … of the stack. */
void rl_push_statement_row(lua_State *L, const rl_statement *statement, int names, int columns);
void rl_push_packed_row(lua_State *L, rl_rows_cursor *values, int names, int columns);
/* Pushes the column names; returns how many. */
int rl_push_statement_names(lua_State *L, const rl_statement *statement);
int rl_push_packed_names(lua_State *L, const rl_rows *rows);

/* Raises what went wrong; `sql` is quoted in the message. */
int rl_raise_sql(lua_State *L, const rl_sql_error *error, rl_slice sql);

/* blob(s) -> a parameter that is bound as a BLOB */
int rl_make_blob(lua_State *L);

#endif
