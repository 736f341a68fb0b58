/*
 * Between the files of the sqlite binding: values and rows (sqlite_values.c), handles and methods (sqlite.c).
 */
#ifndef RL_VM_BIND_SQLITE_H
#define RL_VM_BIND_SQLITE_H

#include "data/database.h"
#include "vm/bind/bind.h"

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
