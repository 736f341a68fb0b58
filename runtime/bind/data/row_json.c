/* Rows as JSON text; see row_json.h. */
#include "bind/data/row_json.h"

#include "base/error.h"
#include "bind/core/core.h"
#include "bind/data/rows.h"
#include "data/row_json.h"
#include "vm/owner.h"

static int out_of_memory(rl_sql_error *error) { return rl_sql_refused(error, RL_ENOMEM, "out of memory"); }

/* Nothing here runs code of Lua. A change of the schema between two rows may have taken columns away. */
static int write_rows(rl_database *db, rl_cursor *cursor, rl_slice keys, int columns, rl_buf *out,
                      rl_sql_error *error) {
  int code = 1;
  for (bool first = true; code == 1; first = false) {
    if (cursor->columns < columns) return rl_sql_refused(error, RL_ESQL, "the schema was changed during the read");
    if (rl_buf_add_char(out, first ? '[' : ',')) return out_of_memory(error);
    code = rl_row_json_add(out, keys, cursor->row, error);
    if (!code) code = db->ops->step(db, cursor, error);
  }
  return code || !rl_buf_add_char(out, ']') ? code : out_of_memory(error);
}

int rl_push_cursor_json(lua_State *L, rl_lua_database *d, rl_database *db, rl_cursor *cursor, bool one,
                        rl_sql_error *error) {
  int columns = cursor->columns;
  rl_slice keys = rl_push_cursor_keys(L, d, db, cursor);
  rl_buf *out = rl_scratch_push(L);
  int code = one ? rl_row_json_add(out, keys, cursor->row, error) : write_rows(db, cursor, keys, columns, out, error);
  if (code) {
    rl_scratch_give(out);
    lua_pushnil(L);
    return code;
  }
  rl_scratch_result(L, out, RL_OK);
  rl_push_json_text(L);
  return RL_OK;
}

void rl_push_packed_json(lua_State *L, const rl_rows *rows) {
  rl_push_slice(L, rl_buf_slice(&rows->data));
  if (rows->data.len) rl_push_json_text(L);
  else lua_pushnil(L);
}

void rl_push_no_json(lua_State *L) {
  lua_pushliteral(L, "[]");
  rl_push_json_text(L);
}
