/*
 * Rows as JSON, without a Lua table in between: an object for each row, whose keys (base/json_keys.h), the names of the columns,
 * are escaped once for all rows of a statement.
 *
 * A column that JSON cannot hold is refused by its name: a BLOB, text that is not UTF-8, an infinity. (SQL has no NaN.)
 */
#ifndef RL_DATA_ROW_JSON_H
#define RL_DATA_ROW_JSON_H

#include "data/database.h"

/* Refuses columns of one name, of which an object could hold but one. 0 or RL_EINVALID with `error`. */
int rl_row_keys_check(rl_slice keys, rl_sql_error *error);
/* Appends a row as an object: the columns that `keys` has, in their order, NULL as null. 0 or a code with `error`; then `out`
 * may hold part of it. */
int rl_row_json_add(rl_buf *out, rl_slice keys, const rl_value *row, rl_sql_error *error);
/* Appends an array of the row that an inline read stands on and of all that follow, which have `columns` columns. The same. */
int rl_row_json_add_all(rl_buf *out, rl_slice keys, int columns, rl_database *db, rl_cursor *cursor,
                        rl_sql_error *error);

#endif
