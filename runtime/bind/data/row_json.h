/*
 * Rows as JSON text (bind/core/json_text.c), without tables of Lua: db:json and db:json_one.
 */
#ifndef RL_BIND_DATA_ROW_JSON_H
#define RL_BIND_DATA_ROW_JSON_H

#include "bind/data/handle.h"

/* Pushes the rows of an inline read, which stands on its first one, as an array, or that row alone as an object; steps to the
 * end. `db` is the handle's, which may be closed meanwhile. Returns 0, or the code of the step or row that failed, with `error`;
 * then nil is pushed. */
int rl_push_cursor_json(lua_State *L, rl_lua_database *d, rl_database *db, rl_cursor *cursor, bool one,
                        rl_sql_error *error);
/* Pushes what an operation has written for RL_ANSWER_JSON and RL_ANSWER_JSON_ROW; nil where it wrote nothing. */
void rl_push_packed_json(lua_State *L, const rl_rows *rows);
/* Pushes the array of no rows. */
void rl_push_no_json(lua_State *L);

#endif
