/* Packing and unpacking of rows.h. */
#include "data/rows.h"

#include "base/error.h"

void rl_rows_init(rl_rows *rows) {
  *rows = (rl_rows){0};
  rl_buf_init(&rows->names, RL_BUF_NO_LIMIT);
  rl_buf_init(&rows->data, RL_BUF_NO_LIMIT);
}

void rl_rows_free(rl_rows *rows) {
  rl_buf_free(&rows->names);
  rl_buf_free(&rows->data);
  rows->columns = 0;
  rows->count = 0;
}

static int add_bytes(rl_buf *buf, rl_slice bytes) {
  size_t len = bytes.len;
  int code = rl_buf_add(buf, &len, sizeof len);
  return code ? code : rl_buf_add_slice(buf, bytes);
}

int rl_rows_add_name(rl_rows *rows, rl_slice name) {
  rows->columns++;
  return add_bytes(&rows->names, name);
}

int rl_rows_add(rl_rows *rows, const rl_value *value) {
  int code = rl_buf_add_char(&rows->data, (char)value->type);
  if (code) return code;
  switch (value->type) {
    case RL_VALUE_INTEGER: return rl_buf_add(&rows->data, &value->integer, sizeof value->integer);
    case RL_VALUE_REAL: return rl_buf_add(&rows->data, &value->real, sizeof value->real);
    case RL_VALUE_TEXT:
    case RL_VALUE_BLOB: return add_bytes(&rows->data, value->bytes);
    case RL_VALUE_NULL: break;
  }
  return RL_OK;
}

static rl_rows_cursor cursor_of(const rl_buf *buf) { return (rl_rows_cursor){buf->data, buf->data + buf->len}; }

rl_rows_cursor rl_rows_names(const rl_rows *rows) { return cursor_of(&rows->names); }
rl_rows_cursor rl_rows_values(const rl_rows *rows) { return cursor_of(&rows->data); }

static void take(rl_rows_cursor *cursor, void *out, size_t len) {
  memcpy(out, cursor->at, len);
  cursor->at += len;
}

static rl_slice take_bytes(rl_rows_cursor *cursor) {
  size_t len;
  take(cursor, &len, sizeof len);
  rl_slice bytes = {cursor->at, len};
  cursor->at += len;
  return bytes;
}

rl_slice rl_rows_next_name(rl_rows_cursor *cursor) { return take_bytes(cursor); }

rl_value rl_rows_next(rl_rows_cursor *cursor) {
  rl_value value = {.type = (rl_value_type)*cursor->at++};
  switch (value.type) {
    case RL_VALUE_INTEGER: take(cursor, &value.integer, sizeof value.integer); break;
    case RL_VALUE_REAL: take(cursor, &value.real, sizeof value.real); break;
    case RL_VALUE_TEXT:
    case RL_VALUE_BLOB: value.bytes = take_bytes(cursor); break;
    case RL_VALUE_NULL: break;
  }
  return value;
}
