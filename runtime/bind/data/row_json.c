/* Rows as JSON text; see row_json.h. */
#include "bind/data/row_json.h"

#include "base/error.h"
#include "bind/core/core.h"
#include "bind/data/rows.h"
#include "data/row_json.h"
#include "vm/owner.h"

int rl_push_cursor_json(lua_State *L, rl_lua_database *d, rl_database *db, rl_cursor *cursor, bool one,
                        rl_sql_error *error) {
  int columns = cursor->columns;
  rl_slice keys = rl_push_cursor_keys(L, d, db, cursor);
  rl_buf *out = rl_scratch_push(L);
  int code = one ? rl_row_json_add(out, keys, cursor->row, error)
                 : rl_row_json_add_all(out, keys, columns, db, cursor, error); /* nothing here runs code of Lua */
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
