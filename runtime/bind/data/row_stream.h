/*
 * Rows that come piece by piece, for Lua: what db:rows (lua/rille/sqlite.lua) takes when a statement has more rows than are read
 * at once. The stream of the engine is open until it is at its end, or the loop was left (__close), or it is collected, or its
 * database is closed.
 *
 *   database --list--> stream --user value--> database
 */
#ifndef RL_BIND_DATA_ROW_STREAM_H
#define RL_BIND_DATA_ROW_STREAM_H

#include "bind/data/handle.h"

/* Begins one of a statement that was placed as a read, and waits for its first rows, as the last act of a method. Returns the
 * rows, and the stream if others may follow. Raises if out of memory. */
int rl_row_stream_begin(lua_State *L, rl_lua_database *d, rl_slice sql, const rl_sql_params *params);
/* Closes those that are open: the database is being closed. */
void rl_row_streams_close(rl_lua_database *d);

void rl_bind_row_stream(lua_State *L);

#endif
