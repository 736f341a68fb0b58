#include "data/row_json.h"

#include <math.h>

#include "base/error.h"
#include "base/json.h"
#include "base/json_keys.h"
#include "support/test.h"

static rl_buf keys, out;
static rl_sql_error error;

static int setup(void **state) {
  (void)state;
  rl_buf_init(&keys, RL_BUF_NO_LIMIT);
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  error = (rl_sql_error){0};
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_buf_free(&keys);
  rl_buf_free(&out);
  return 0;
}

static void add_key(const char *name) { assert_int_equal(rl_json_keys_add(&keys, rl_slice_str(name)), RL_OK); }

static int write_one(rl_value value) {
  rl_buf_clear(&out);
  return rl_row_json_add(&out, rl_buf_slice(&keys), &value, &error);
}

TEST(a_row_is_an_object_in_the_order_of_its_columns) {
  UNUSED;
  const rl_value row[] = {{.type = RL_VALUE_TEXT, .bytes = RL_SLICE("a\"b")},
                          {.type = RL_VALUE_NULL},
                          {.type = RL_VALUE_INTEGER, .integer = INT64_MIN},
                          {.type = RL_VALUE_REAL, .real = 5}};
  add_key("z"), add_key("b"), add_key("a\n"), add_key("c");
  assert_int_equal(rl_buf_add_char(&out, '['), 0);
  assert_int_equal(rl_row_json_add(&out, rl_buf_slice(&keys), row, &error), RL_OK);
  assert_slice(rl_buf_slice(&out), "[{\"z\":\"a\\\"b\",\"b\":null,\"a\\n\":-9223372036854775808,\"c\":5.0}");
}

TEST(a_row_without_columns_is_an_empty_object) {
  UNUSED;
  assert_int_equal(rl_row_json_add(&out, rl_buf_slice(&keys), NULL, &error), RL_OK);
  assert_slice(rl_buf_slice(&out), "{}");
}

TEST(what_json_cannot_hold_is_refused_by_its_column) {
  UNUSED;
  add_key("picture");
  assert_int_equal(write_one((rl_value){.type = RL_VALUE_BLOB, .bytes = RL_SLICE("x")}), RL_EINVALID);
  assert_non_null(strstr(error.message, "column 'picture' is a blob"));
  assert_non_null(strstr(error.message, "hex(picture) AS picture"));
  assert_int_equal(write_one((rl_value){.type = RL_VALUE_TEXT, .bytes = RL_SLICE("\xc3")}), RL_ESQL);
  assert_non_null(strstr(error.message, "column 'picture' is text that is not UTF-8"));
  assert_int_equal(write_one((rl_value){.type = RL_VALUE_REAL, .real = -INFINITY}), RL_ESQL);
  assert_non_null(strstr(error.message, "column 'picture' is infinite"));
  assert_int_equal(write_one((rl_value){.type = RL_VALUE_INTEGER, .integer = 7}), RL_OK);
  assert_slice(rl_buf_slice(&out), "{\"picture\":7}");
}

TEST(two_columns_of_one_name_are_refused) {
  UNUSED;
  add_key("id"), add_key("x");
  assert_int_equal(rl_row_keys_check(rl_buf_slice(&keys), &error), RL_OK);
  add_key("id");
  assert_int_equal(rl_row_keys_check(rl_buf_slice(&keys), &error), RL_EINVALID);
  assert_non_null(strstr(error.message, "two columns are named 'id'"));
}

TEST(a_buffer_that_is_full_is_out_of_memory) {
  UNUSED;
  add_key("id");
  for (size_t limit = 0; limit < strlen("{\"id\":1}"); limit++) {
    rl_buf small;
    rl_buf_init(&small, limit);
    rl_value one = {.type = RL_VALUE_INTEGER, .integer = 1};
    assert_int_equal(rl_row_json_add(&small, rl_buf_slice(&keys), &one, &error), RL_ENOMEM);
    rl_buf_free(&small);
  }
}

/* ---- against the writers of scalars ---------------------------------------------------------------------------------- */

static uint64_t random_state = 88172645463325252u;

static unsigned pick(unsigned below) {
  random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
  return (unsigned)(random_state >> 33) % below;
}

static rl_value random_value(char *text) {
  static const char *const pieces[] = {
      "a", "plain", "\"", "\\", "\n", "\x7f", "\xc3\xa4", "\xf0\x9f\x98\x80", "0123456789abcdef"};
  rl_value v = {.type = (rl_value_type)pick(RL_VALUE_BLOB)};
  if (v.type == RL_VALUE_INTEGER) v.integer = (int64_t)random_state >> pick(64);
  if (v.type == RL_VALUE_REAL) v.real = (double)pick(1000000) / (1 + pick(64));
  if (v.type != RL_VALUE_TEXT) return v;
  *text = 0;
  for (unsigned n = pick(8); n; n--) strcat(text, pieces[pick(pick(2) ? 2 : 9)]);
  v.bytes = rl_slice_str(text);
  return v;
}

static void add_plainly(rl_buf *to, const char *const *names, int columns, const rl_value *row) {
  rl_buf_add_char(to, '{');
  for (int i = 0; i < columns; i++, row++) {
    if (i) rl_buf_add_char(to, ',');
    rl_json_write_string(to, rl_slice_str(names[i]));
    rl_buf_add_char(to, ':');
    if (row->type == RL_VALUE_TEXT) rl_json_write_string(to, row->bytes);
    else if (row->type == RL_VALUE_INTEGER) rl_json_write_integer(to, row->integer);
    else if (row->type == RL_VALUE_REAL) rl_json_write_number(to, row->real);
    else rl_buf_add_str(to, "null");
  }
  rl_buf_add_char(to, '}');
}

enum { COLUMNS = 6 };
static const char *const column_names[COLUMNS] = {"",       "id", "title", "name \"x\"", "a name beyond sixteen bytes",
                                                  "seven_7"};

typedef struct row_source {
  rl_database database;
  rl_value rows[40][COLUMNS];
  int count, at;
} row_source;

static int next_row(rl_database *database, rl_cursor *cursor, rl_sql_error *e) {
  row_source *s = (row_source *)database;
  (void)e;
  if (++s->at >= s->count) return 0;
  cursor->row = s->rows[s->at];
  return 1;
}

TEST(rows_are_as_the_writers_of_scalars_make_them_wherever_the_buffer_grows) {
  UNUSED;
  static const rl_database_ops ops = {.step = next_row};
  static row_source s;
  static char texts[40][COLUMNS][256];
  s.database.ops = &ops;
  for (int i = 0; i < COLUMNS; i++) add_key(column_names[i]);
  for (int run = 0; run < 400; run++) {
    rl_buf wanted, got;
    rl_buf_init(&wanted, RL_BUF_NO_LIMIT), rl_buf_init(&got, RL_BUF_NO_LIMIT);
    s.at = 0, s.count = 1 + (int)pick(40);
    rl_buf_add_char(&wanted, '[');
    for (int i = 0; i < s.count; i++) {
      for (int k = 0; k < COLUMNS; k++) s.rows[i][k] = random_value(texts[i][k]);
      if (i) rl_buf_add_char(&wanted, ',');
      add_plainly(&wanted, column_names, COLUMNS, s.rows[i]);
    }
    rl_buf_add_char(&wanted, ']');
    rl_cursor cursor = {.row = s.rows[0], .columns = COLUMNS};
    assert_int_equal(rl_row_json_add_all(&got, rl_buf_slice(&keys), COLUMNS, &s.database, &cursor, &error), RL_OK);
    assert_int_equal(got.len, wanted.len);
    assert_memory_equal(got.data, wanted.data, wanted.len);
    rl_buf_free(&wanted), rl_buf_free(&got);
  }
}

TEST(memory_that_ends_is_an_error_at_every_place) {
  UNUSED;
  static const rl_database_ops ops = {.step = next_row};
  static row_source s;
  s.database.ops = &ops;
  add_key("a"), add_key("b");
  s.count = 8;
  for (int i = 0; i < s.count; i++) {
    s.rows[i][0] = (rl_value){.type = RL_VALUE_TEXT, .bytes = RL_SLICE("a text with \"quotes\" and \xc3\xa4")};
    s.rows[i][1] = (rl_value){.type = i % 2 ? RL_VALUE_NULL : RL_VALUE_INTEGER, .integer = i};
  }
  int failed = 0, done = 0;
  for (size_t limit = 0; limit < 1024; limit++) {
    rl_buf small;
    rl_buf_init(&small, limit);
    rl_cursor cursor = {.row = s.rows[0], .columns = 2};
    s.at = 0;
    int code = rl_row_json_add_all(&small, rl_buf_slice(&keys), 2, &s.database, &cursor, &error);
    assert_true(code == RL_OK || code == RL_ENOMEM);
    if (code) failed++;
    else done++;
    rl_buf_free(&small);
  }
  assert_true(failed > 300 && done > 300);
}

TEST(a_row_that_has_lost_a_column_is_refused) {
  UNUSED;
  row_source s = {.database.ops = NULL};
  rl_cursor cursor = {.row = s.rows[0], .columns = 1};
  add_key("a"), add_key("b");
  assert_int_equal(rl_row_json_add_all(&out, rl_buf_slice(&keys), 2, &s.database, &cursor, &error), RL_ESQL);
  assert_non_null(strstr(error.message, "the schema was changed during the read"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(a_row_is_an_object_in_the_order_of_its_columns),
                                     CASE(a_row_without_columns_is_an_empty_object),
                                     CASE(what_json_cannot_hold_is_refused_by_its_column),
                                     CASE(two_columns_of_one_name_are_refused),
                                     CASE(a_buffer_that_is_full_is_out_of_memory),
                                     CASE(rows_are_as_the_writers_of_scalars_make_them_wherever_the_buffer_grows),
                                     CASE(memory_that_ends_is_an_error_at_every_place),
                                     CASE(a_row_that_has_lost_a_column_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
