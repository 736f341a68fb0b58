/* Rows as JSON; see row_json.h. */
#include "data/row_json.h"

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"
#include "base/json_keys.h"

int rl_row_keys_check(rl_slice keys, rl_sql_error *error) {
  rl_slice twice = rl_json_keys_twice(keys);
  if (!twice.data) return RL_OK;
  return rl_sql_refused(error, RL_EINVALID,
                        "two columns are named '%.*s', and a JSON object holds one: name the other one with AS",
                        RL_FMT(rl_json_key_name(twice)));
}

static int refuse(rl_slice key, int code, rl_sql_error *error) {
  rl_slice name = key.data ? rl_json_key_name(key) : RL_SLICE("");
  switch (code) {
    case RL_EINVALID:
      return rl_sql_refused(error, RL_ESQL, "column '%.*s' is infinite, which JSON cannot express", RL_FMT(name));
    case RL_EUTF8:
      return rl_sql_refused(error, RL_ESQL, "column '%.*s' is text that is not UTF-8, which JSON cannot express",
                            RL_FMT(name));
    case RL_EUNSUPPORTED:
      return rl_sql_refused(error, RL_EINVALID,
                            "column '%.*s' is a blob, which JSON cannot express: write hex(%.*s) AS %.*s, or leave it "
                            "out",
                            RL_FMT(name), RL_FMT(name), RL_FMT(name));
    default: return rl_sql_refused(error, RL_ENOMEM, "out of memory");
  }
}

static inline int add_value(rl_buf *out, const rl_value *value) {
  switch (value->type) {
    case RL_VALUE_INTEGER: return rl_json_write_integer(out, value->integer);
    case RL_VALUE_REAL: return rl_json_write_number(out, value->real);
    case RL_VALUE_TEXT: return rl_json_write_string(out, value->bytes);
    case RL_VALUE_BLOB: return RL_EUNSUPPORTED;
    case RL_VALUE_NULL: break;
  }
  return rl_buf_add(out, "null", 4);
}

/* Copies most keys by two words: they are short, and `end`, that of all keys, is further on. */
static inline int add_key(rl_buf *out, rl_slice key, const char *end) {
  enum { SHORT = 16 };
  if (rl_buf_reserve(out, key.len + SHORT)) return out->error;
  bool is_short = key.len <= SHORT && end - key.data >= SHORT;
  if (is_short) memcpy(out->data + out->len, key.data, SHORT);
  else memcpy(out->data + out->len, key.data, key.len);
  out->len += key.len;
  return RL_OK;
}

int rl_row_json_add(rl_buf *out, rl_slice keys, const rl_value *row, rl_sql_error *error) {
  size_t start = out->len;
  if (!keys.len) rl_buf_add_char(out, '{');
  for (; keys.len; row++) {
    rl_slice key = rl_json_keys_take(&keys);
    int code = add_key(out, key, keys.data + keys.len);
    if (!code) code = add_value(out, row);
    if (code) return refuse(key, code, error);
  }
  if (rl_buf_add_char(out, '}')) return refuse(RL_SLICE_NONE, RL_ENOMEM, error);
  out->data[start] = '{'; /* where the comma of the first key stands */
  return RL_OK;
}
