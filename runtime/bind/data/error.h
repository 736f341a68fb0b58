/*
 * Errors of databases as Lua error values: {status, code, message, statement, line, column, sqlstate, constraint, violation},
 * and the engine's own code and its name ({sqlite = 2067, sqlite_name = "SQLITE_CONSTRAINT_UNIQUE"}). What is not known is nil.
 */
#ifndef RL_BIND_DATA_ERROR_H
#define RL_BIND_DATA_ERROR_H

#include "bind/bind.h"
#include "data/database.h"

/* Raises a programmer's mistake at the line of the program, wherever in the library it was found. */
int rl_sql_mistake(lua_State *L, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Raises what an engine has said. The message quotes `sql`, and begins with `where` (may be ""). */
int rl_raise_sql(lua_State *L, const rl_database_ops *ops, const rl_sql_error *error, const char *where, rl_slice sql);
/* Raises what went wrong with an operation, which the caller owns by a value on the stack. */
int rl_raise_op(lua_State *L, const rl_database_ops *ops, const rl_op *op);

#endif
