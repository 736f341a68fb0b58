/*
 * Rows as Lua tables. A row is a table whose shape (bind/core/core.h) remembers the order of its columns.
 *
 * The shapes of a database's statements are kept with it, so that the names of columns become strings of Lua once, and rows of
 * the same statement share one shape from call to call. A statement that was prepared again, because the schema has changed, has
 * another one. At most RL_LIMIT_STATEMENTS of them are kept; then all are let go of, and made again when they are needed.
 *
 *   db.shapes (registry): columns_id of an inline read, or the packed names -> the names, their shape and their keys of JSON
 */
#ifndef RL_BIND_DATA_ROWS_H
#define RL_BIND_DATA_ROWS_H

#include "bind/data/handle.h"

/* Pushes one value; NULL as nil. */
void rl_push_value(lua_State *L, const rl_value *value);

/* Pushes the column names and their shape; returns how many names. Of an inline read that stands on a
 * row, of `db`, which is the handle's and may be closed already; or of rows. */
int rl_push_cursor_names(lua_State *L, rl_lua_database *d, rl_database *db, const rl_cursor *cursor);
int rl_push_packed_names(lua_State *L, rl_lua_database *d, const rl_rows *rows);
/* Pushes a row as a table; the names stand on the stack from `names` on, the shape follows them. */
void rl_push_cursor_row(lua_State *L, const rl_cursor *cursor, int names, int columns);
void rl_push_packed_row(lua_State *L, rl_rows_cursor *values, int names, int columns);
/* Pushes all rows as a list. */
void rl_push_packed_rows(lua_State *L, rl_lua_database *d, const rl_rows *rows);
/* Returns the columns' keys of JSON (base/json_keys.h), borrowed from a string, which is pushed. Raises on names that an object
 * cannot have. Of an inline read that stands on a row. */
rl_slice rl_push_cursor_keys(lua_State *L, rl_lua_database *d, rl_database *db, const rl_cursor *cursor);

/* Lets go of the shapes: the database is being collected. */
void rl_forget_shapes(lua_State *L, rl_lua_database *d);

#endif
