/*
 * Databases for Lua: a database, and a transaction of it, with the same methods. A statement runs inline if it may; else it
 * becomes an operation, and the task waits for its answer.
 *
 * The methods are the bare ones; migrations, transactions as functions and iterators are in lua/rille/sqlite.lua.
 */
#ifndef RL_BIND_DATA_DATABASE_H
#define RL_BIND_DATA_DATABASE_H

#include "bind/data/pending.h"

/* Pushes a handle without a database, to be given one by rl_lua_database_set. */
rl_lua_database *rl_lua_database_push(lua_State *L);
void rl_lua_database_set(rl_lua_database *handle, rl_database *database);

/* Sends an operation with one text, or none, and waits; `k` as for rl_pending_wait. */
int rl_lua_database_ask(lua_State *L, rl_lua_database *d, int kind, rl_slice text, const char *name, lua_KFunction k);
/* Its end: {changes=, last_id=}. */
int rl_lua_database_changes_k(lua_State *L, int status, lua_KContext ctx);

/* Makes the classes of databases and transactions; `own` are methods that only some engines have. Their methods are left in
 * the table on top of the stack as database_methods and transaction_methods, for the library to add to. */
void rl_bind_database(lua_State *L, const luaL_Reg *own);

#endif
