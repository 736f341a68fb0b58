/*
 * Transactions for Lua: begun on a database, ended once (data/transaction.h).
 *
 * A transaction belongs to the task that began it, and ends with it at the latest: else one that was forgotten would stop
 * the writes of the whole process. It is rolled back when it is closed or collected, or when its database is closed.
 */
#ifndef RL_BIND_DATA_TRANSACTION_H
#define RL_BIND_DATA_TRANSACTION_H

#include "bind/data/handle.h"

extern const luaL_Reg rl_transaction_methods[], rl_transaction_database_methods[];
int rl_transaction_gc(lua_State *L);
int rl_transaction_close(lua_State *L);
/* Ends what is open: the database is being closed. */
void rl_transactions_abandon(rl_lua_database *d);

#endif
