/* Rows as JSON; see row_json.h. */
#include "data/row_json.h"

#include <stdbool.h>

#include "base/decimal.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_keys.h"
#include "base/json_plain.h"

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

/* Bytes that are kept free: what a value that is no text needs, or the quotes of one that is; and the end of a row and of a list. */
enum { VALUE_SPARE = RL_DECIMAL_MAX, END_SPARE = 2 };
_Static_assert((int)VALUE_SPARE >= (int)RL_JSON_STRING_SPARE, "a string has room");

/* The text is written up to `to`, and `out` learns of it only now. Returns where it goes on, with `room` bytes, or NULL. */
static __attribute__((noinline)) char *make_room(rl_buf *out, const char *to, size_t room) {
  out->len = to ? (size_t)(to - out->data) : out->len;
  return rl_buf_reserve(out, room) ? NULL : out->data + out->len;
}

/* The other way to write a value: with a look at the buffer. */
static __attribute__((noinline)) int add_value(rl_buf *out, const rl_value *value, size_t front) {
  switch (value->type) {
    case RL_VALUE_TEXT: return rl_json_finish_string(out, value->bytes, front);
    case RL_VALUE_REAL: return rl_json_write_number(out, value->real);
    case RL_VALUE_NULL: return rl_buf_add(out, "null", 4);
    default: return RL_EUNSUPPORTED;
  }
}

/* A key is short most times, and has four bytes at least: ,"": */
static inline char *put_key(char *to, rl_slice key) {
  if (key.len > 16) {
    memcpy(to, key.data, key.len);
  } else if (key.len >= 8) {
    memcpy(to, key.data, 8);
    memcpy(to + key.len - 8, key.data + key.len - 8, 8);
  } else {
    memcpy(to, key.data, 4);
    memcpy(to + key.len - 4, key.data + key.len - 4, 4);
  }
  return to + key.len;
}

/* Writes a row from `to` on. Returns its end, where there is room for one byte more; or NULL, with `error`. */
static inline __attribute__((always_inline)) char *put_row(rl_buf *out, char *to, rl_slice keys, const rl_value *row,
                                                           rl_sql_error *error) {
  size_t start = (size_t)(to - out->data);
  if (!keys.len && (to = make_room(out, to, 1 + END_SPARE))) to++;
  for (const char *end = keys.data + keys.len; keys.data < end; row++) {
    rl_slice key = rl_json_keys_take(&keys);
    size_t len = row->type == RL_VALUE_TEXT ? row->bytes.len : 0, front = 0;
    size_t room = key.len + len + VALUE_SPARE + END_SPARE;
    if ((size_t)(out->data + out->cap - to) < room && !(to = make_room(out, to, room)))
      return refuse(key, RL_ENOMEM, error), NULL;
    to = put_key(to, key);
    if (row->type == RL_VALUE_TEXT) {
      front = rl_json_put_front(to, row->bytes);
      if (front == len) {
        to += len + 2;
        continue;
      }
    } else if (row->type == RL_VALUE_INTEGER) {
      to += rl_decimal_write_integer(row->integer, to);
      continue;
    }
    out->len = (size_t)(to - out->data);
    int code = add_value(out, row, front);
    if (!code && !(to = make_room(out, NULL, END_SPARE))) code = RL_ENOMEM;
    if (code) return refuse(key, code, error), NULL;
  }
  if (!to) return refuse(RL_SLICE_NONE, RL_ENOMEM, error), NULL;
  *to++ = '}';
  out->data[start] = '{'; /* where the comma of the first key stands */
  return to;
}

int rl_row_json_add(rl_buf *out, rl_slice keys, const rl_value *row, rl_sql_error *error) {
  char *to = make_room(out, NULL, 1);
  if (!to) return refuse(RL_SLICE_NONE, RL_ENOMEM, error);
  to = put_row(out, to, keys, row, error);
  if (!to) return error->code;
  out->len = (size_t)(to - out->data);
  return RL_OK;
}

int rl_row_json_add_all(rl_buf *out, rl_slice keys, int columns, rl_database *db, rl_cursor *cursor,
                        rl_sql_error *error) {
  char *to = make_room(out, NULL, 1);
  if (!to) return refuse(RL_SLICE_NONE, RL_ENOMEM, error);
  *to++ = '[';
  for (int code = 1; code == 1; *to++ = ',') {
    if (cursor->columns < columns) return rl_sql_refused(error, RL_ESQL, "the schema was changed during the read");
    to = put_row(out, to, keys, cursor->row, error);
    if (!to) return error->code;
    code = db->ops->step(db, cursor, error);
    if (code < 0) return code;
  }
  to[-1] = ']'; /* where the comma after the last one stands */
  out->len = (size_t)(to - out->data);
  return RL_OK;
}
