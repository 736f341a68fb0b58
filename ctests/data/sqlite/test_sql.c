/* Reading a text of SQL before SQLite sees it. */
#include "data/sqlite/sql.h"

#include <stdlib.h>

#include "data/sqlite/pragma.h"
#include "support/test.h"

TEST(blank_is_what_sqlite_skips) {
  UNUSED;
  static const char *const blank[] = {
      "",   " ",  ";",    " ;; \t\n\f\r",          "-- x", "-- x\n", "/* x */", "/* x */ -- y\n;", "\xEF\xBB\xBF",
      "/*", "--", "/**/", "-- a\n-- b\n/* c\n*/\n"};
  for (size_t i = 0; i < sizeof blank / sizeof *blank; i++)
    assert_int_equal(rl_sql_skip_blank(rl_slice_str(blank[i])).len, 0);
  static const char *const not_blank[] = {"x",  "/",   "-", "/ *", "- -", "-- x\ny", "/* x */ y", "/* x * / y */ z",
                                          "\v", "'--'"};
  for (size_t i = 0; i < sizeof not_blank / sizeof *not_blank; i++)
    assert_true(rl_sql_skip_blank(rl_slice_str(not_blank[i])).len > 0);
  assert_slice(rl_sql_skip_blank(RL_SLICE(" /* - */ ; SELECT 1 ")), "SELECT 1 ");
}

TEST(the_first_word) {
  UNUSED;
  assert_slice(rl_sql_word(RL_SLICE("-- BEGIN\n  select 1")), "select");
  assert_slice(rl_sql_word(RL_SLICE("(SELECT 1)")), "");
  assert_slice(rl_sql_word(RL_SLICE("")), "");
}

static void assert_pragma(const char *text, const char *name, const char *value, const char *rest) {
  rl_sql_pragma p;
  if (!rl_sql_read_pragma(rl_slice_str(text), &p)) fail_msg("%s", text);
  assert_slice(p.name, name);
  assert_slice(p.value, value ? value : "");
  assert_int_equal(p.value.data == NULL, value == NULL);
  assert_slice(p.rest, rest);
}

TEST(pragmas_in_all_their_forms) {
  UNUSED;
  assert_pragma("PRAGMA foreign_keys=OFF", "foreign_keys", "OFF", "");
  assert_pragma("-- note\n pragma main.foreign_keys = off ; DROP TABLE t", "foreign_keys", "off", " DROP TABLE t");
  assert_pragma("PRAGMA foreign_keys(0);", "foreign_keys", "0", "");
  assert_pragma("PRAGMA /* x */ \"foreign_keys\" = 'no'", "foreign_keys", "no", "");
  assert_pragma("PRAGMA user_version = -1;x", "user_version", "-1", "x");
  assert_pragma("PRAGMA user_version", "user_version", NULL, "");
  rl_sql_pragma p;
  static const char *const none[] = {"",         "PRAGMA", "PRAGMA ;", "SELECT 1", "PRAGMA a = 1 2", "PRAGMA a (1",
                                     "PRAGMAS a"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_false(rl_sql_read_pragma(rl_slice_str(none[i]), &p));
}

/* A buffer of exactly that size: the sanitizer sees a byte too many. */
TEST(nothing_after_the_end_is_read) {
  UNUSED;
  static const char text[] = "\xEF\xBB\xBF/* c */ -- d\n; PRAGMA main . \"a\" = 'b' ; BEGIN [x] :y 'z'' ; x";
  for (size_t len = 0; len < sizeof text; len++) {
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    rl_sql_pragma p;
    rl_sql_read_pragma(rl_slice_of(copy, len), &p);
    rl_sql_word(rl_slice_of(copy, len));
    rl_sql_runs_alone(rl_slice_of(copy, len));
    assert_true(rl_sql_first_statement(rl_slice_of(copy, len)).len <= len);
    assert_true(rl_sql_skip_statement(rl_slice_of(copy, len)).len <= len);
    free(copy);
  }
}

TEST(booleans_as_sqlite_reads_them) {
  UNUSED;
  static const char *const on[] = {"1", "on", "ON", "yes", "True", "2", "full"};
  static const char *const off[] = {"0", "off", "no", "FALSE", "", "00", "disabled"};
  for (size_t i = 0; i < sizeof on / sizeof *on; i++) assert_true(rl_sql_is_on(rl_slice_str(on[i])));
  for (size_t i = 0; i < sizeof off / sizeof *off; i++) assert_false(rl_sql_is_on(rl_slice_str(off[i])));
}

TEST(what_must_run_alone) {
  UNUSED;
  assert_true(rl_sql_runs_alone(RL_SLICE(" -- x\n/* y */ ;vacuum")));
  assert_true(rl_sql_runs_alone(RL_SLICE("PRAGMA foreign_keys = OFF")));
  assert_false(rl_sql_runs_alone(RL_SLICE("PRAGMA user_version")));
  assert_false(rl_sql_runs_alone(RL_SLICE("PRAGMA defer_foreign_keys = ON")));
  assert_false(rl_sql_runs_alone(RL_SLICE("SELECT 'VACUUM'")));
}

TEST(the_first_statement_of_several) {
  UNUSED;
  static const char *const cases[][2] = {
      {"SELECT 1; SELECT 2", "SELECT 1"},
      {"SELECT ';', \";\", `;`, [;] -- ;\n/* ; */; x", "SELECT ';', \";\", `;`, [;] -- ;\n/* ; */"},
      {"SELECT 'it''s; so'; x", "SELECT 'it''s; so'"},
      {"SELECT 'open; x", "SELECT 'open; x"},
      {"SELECT /* open; x", "SELECT /* open; x"},
      {"CREATE TRIGGER a INSERT ON t BEGIN SELECT 1; SELECT 2; END; x",
       "CREATE TRIGGER a INSERT ON t BEGIN SELECT 1; SELECT 2; END"},
      {"create temp trigger a INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; END ; x",
       "create temp trigger a INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; END "},
      {"CREATE TABLE trigger(a); x", "CREATE TABLE trigger(a)"},
      {"EXPLAIN QUERY PLAN SELECT 1; x", "EXPLAIN QUERY PLAN SELECT 1"},
      {"", ""},
      {";", ""}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_slice(rl_sql_first_statement(rl_slice_str(cases[i][0])), cases[i][1]);
}

TEST(tokens) {
  UNUSED;
  rl_sql_token_kind kind;
  rl_slice sql = RL_SLICE(" /* a */ SELECT \"a\"\"b\",[c],:d,@e,$f,?1,1.5,'x''y' -- z");
  static const struct {
    const char *text;
    rl_sql_token_kind kind;
  } wanted[] = {{"SELECT", RL_SQL_WORD}, {"\"a\"\"b\"", RL_SQL_QUOTED}, {",", RL_SQL_OTHER}, {"[c]", RL_SQL_QUOTED},
                {",", RL_SQL_OTHER},     {":d", RL_SQL_VARIABLE},       {",", RL_SQL_OTHER}, {"@e", RL_SQL_VARIABLE},
                {",", RL_SQL_OTHER},     {"$f", RL_SQL_VARIABLE},       {",", RL_SQL_OTHER}, {"?1", RL_SQL_VARIABLE},
                {",", RL_SQL_OTHER},     {"1", RL_SQL_OTHER},           {".", RL_SQL_OTHER}, {"5", RL_SQL_OTHER},
                {",", RL_SQL_OTHER},     {"'x''y'", RL_SQL_OTHER},      {"", RL_SQL_END}};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    assert_slice(rl_sql_next_token(&sql, &kind), wanted[i].text);
    assert_int_equal(kind, wanted[i].kind);
  }
}

TEST(pragmas_by_name_and_what_is_done_with_them) {
  UNUSED;
  assert_null(rl_pragma_find(RL_SLICE("foreign_key")));
  const rl_pragma *keys = rl_pragma_find(RL_SLICE("Foreign_Keys")), *journal = rl_pragma_find(RL_SLICE("journal_mode"));
  assert_int_equal(rl_pragma_kind_of(keys, "OFF"), RL_PRAGMA_CONNECTION);
  assert_int_equal(rl_pragma_kind_of(journal, "WAL"), RL_PRAGMA_CONNECTION);
  assert_int_equal(rl_pragma_kind_of(journal, "DELETE"), RL_PRAGMA_REFUSED);
  assert_int_equal(rl_pragma_kind_of(rl_pragma_find(RL_SLICE("table_info")), "t"), RL_PRAGMA_ASKS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(blank_is_what_sqlite_skips),
      RUN(the_first_word),
      RUN(pragmas_in_all_their_forms),
      RUN(nothing_after_the_end_is_read),
      RUN(booleans_as_sqlite_reads_them),
      RUN(what_must_run_alone),
      RUN(the_first_statement_of_several),
      RUN(tokens),
      RUN(pragmas_by_name_and_what_is_done_with_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
