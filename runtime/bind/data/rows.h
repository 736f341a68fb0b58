/*
 * Rows as Lua tables. A row is a table whose shape (bind.h) remembers the order of its columns: the names stand on the stack
 * from `names` on, the shape follows them.
 */
#ifndef RL_BIND_DATA_ROWS_H
#define RL_BIND_DATA_ROWS_H

#include "bind/bind.h"
#include "data/database.h"

/* Pushes one value; NULL as nil. */
void rl_push_value(lua_State *L, const rl_value *value);

/* Pushes the column names and their shape; returns how many names. Of an inline read that stands on a row, or of rows. */
int rl_push_cursor_names(lua_State *L, rl_database *database, const rl_cursor *cursor);
int rl_push_packed_names(lua_State *L, const rl_rows *rows);
/* Pushes a row as a table. */
void rl_push_cursor_row(lua_State *L, const rl_cursor *cursor, int names, int columns);
void rl_push_packed_row(lua_State *L, rl_rows_cursor *values, int names, int columns);

#endif
