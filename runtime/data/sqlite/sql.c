/* Looking at texts of SQL; see sql.h. */
#include "data/sqlite/sql.h"

#include "base/ascii.h"
#include "data/sqlite/pragma.h"

static rl_slice from(rl_slice sql, size_t n) {
  return n < sql.len ? rl_slice_of(sql.data + n, sql.len - n) : rl_slice_of(sql.data + sql.len, 0);
}

static bool starts(rl_slice sql, const char *two) {
  return sql.len >= 2 && sql.data[0] == two[0] && sql.data[1] == two[1];
}

static rl_slice skip_comment(rl_slice sql) {
  if (sql.data[0] == '-') return from(sql, rl_slice_find(sql, '\n', 0));
  size_t i = 2;
  while (i + 1 < sql.len && !(sql.data[i] == '*' && sql.data[i + 1] == '/')) i++;
  return from(sql, i + 2);
}

/* SQLite's CC_SPACE: no vertical tab. */
static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

static rl_slice skip(rl_slice sql, bool semicolons) {
  for (;;) {
    size_t i = 0;
    while (i < sql.len && (is_space(sql.data[i]) || (semicolons && sql.data[i] == ';'))) i++;
    sql = from(sql, i);
    if (starts(sql, "--") || starts(sql, "/*")) sql = skip_comment(sql);
    else if (sql.len >= 3 && memcmp(sql.data, "\xEF\xBB\xBF", 3) == 0) sql = from(sql, 3);
    else return sql;
  }
}

rl_slice rl_sql_skip_blank(rl_slice sql) { return skip(sql, true); }

static bool is_name(char c) {
  return rl_is((unsigned char)c, RL_CHAR_ALPHA | RL_CHAR_DIGIT) || c == '_' || (unsigned char)c >= 0x80;
}

static rl_slice take_name(rl_slice *sql) {
  size_t end = 0;
  while (end < sql->len && is_name(sql->data[end])) end++;
  rl_slice name = rl_slice_of(sql->data, end);
  *sql = from(*sql, end);
  return name;
}

rl_slice rl_sql_word(rl_slice sql) {
  sql = rl_sql_skip_blank(sql);
  return take_name(&sql);
}

/* Takes a text in quotes of any kind; no data if there are no quotes. */
static rl_slice take_quoted(rl_slice *sql) {
  char quote = sql->len ? sql->data[0] : 0;
  if (quote != '\'' && quote != '"' && quote != '`') return RL_SLICE_NONE;
  size_t end = rl_slice_find(*sql, quote, 1);
  rl_slice text = rl_slice_of(sql->data + 1, end - 1);
  *sql = from(*sql, end + 1);
  return text;
}

static rl_slice take_word(rl_slice *sql) {
  *sql = skip(*sql, false);
  rl_slice quoted = take_quoted(sql);
  return quoted.data ? quoted : take_name(sql);
}

static bool is_number_sign(char c) { return c == '+' || c == '-' || c == '.'; }

/* A word, or a number with its sign. */
static rl_slice take_value(rl_slice *sql) {
  *sql = skip(*sql, false);
  rl_slice quoted = take_quoted(sql);
  if (quoted.data) return quoted;
  size_t end = 0;
  while (end < sql->len && (is_name(sql->data[end]) || is_number_sign(sql->data[end]))) end++;
  rl_slice value = rl_slice_of(sql->data, end);
  *sql = from(*sql, end);
  return value;
}

static bool take_char(rl_slice *sql, char c) {
  *sql = skip(*sql, false);
  if (!sql->len || sql->data[0] != c) return false;
  *sql = from(*sql, 1);
  return true;
}

bool rl_sql_read_pragma(rl_slice sql, rl_sql_pragma *out) {
  *out = (rl_sql_pragma){0};
  rl_slice at = rl_sql_skip_blank(sql);
  if (!rl_slice_eq_nocase(take_name(&at), RL_SLICE("PRAGMA"))) return false;
  out->name = take_word(&at);
  if (take_char(&at, '.')) out->name = take_word(&at);
  if (take_char(&at, '=')) {
    out->value = take_value(&at);
  } else if (take_char(&at, '(')) {
    out->value = take_value(&at);
    if (!take_char(&at, ')')) return false;
  }
  bool ended = take_char(&at, ';') || at.len == 0;
  out->rest = at;
  return ended && out->name.len > 0;
}

bool rl_sql_is_on(rl_slice value) {
  static const char *const words[] = {"on", "yes", "true", "full", "extra"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (rl_slice_eq_nocase(value, rl_slice_str(words[i]))) return true;
  unsigned long long number;
  return rl_slice_to_u64(value, &number) == 0 && number != 0;
}

rl_slice rl_sql_skip_statement(rl_slice sql) { return from(sql, rl_slice_find(sql, ';', 0) + 1); }

bool rl_sql_runs_alone(rl_slice sql) {
  rl_sql_pragma read;
  if (rl_slice_eq_nocase(rl_sql_word(sql), RL_SLICE("VACUUM"))) return true;
  if (!rl_sql_read_pragma(sql, &read)) return false;
  const rl_pragma *pragma = rl_pragma_find(read.name);
  return pragma && (read.value.data ? pragma->set : pragma->asked) == RL_PRAGMA_CONNECTION;
}

/* ---- tokens -------------------------------------------------------------------------------------------------------- */

/* A quote that is doubled stands for itself; brackets cannot be. Returns the length, to the end of a text that is not closed. */
static size_t quoted_length(rl_slice sql) {
  char quote = sql.data[0] == '[' ? ']' : sql.data[0];
  for (size_t i = 1; (i = rl_slice_find(sql, quote, i)) < sql.len; i += 2)
    if (quote == ']' || i + 1 >= sql.len || sql.data[i + 1] != quote) return i + 1;
  return sql.len;
}

static size_t name_length(rl_slice sql, size_t from_index) {
  size_t end = from_index;
  while (end < sql.len && (is_name(sql.data[end]) || sql.data[end] == '$')) end++;
  return end;
}

static size_t token_length(rl_slice sql, rl_sql_token_kind *kind) {
  char c = sql.data[0];
  *kind = RL_SQL_OTHER;
  if (c == '\'') return quoted_length(sql);
  if (c == '"' || c == '`' || c == '[') {
    *kind = RL_SQL_QUOTED;
    return quoted_length(sql);
  }
  if (c == '?' || c == ':' || c == '@' || c == '$') {
    *kind = RL_SQL_VARIABLE;
    return name_length(sql, 1);
  }
  if (!is_name(c)) return 1;
  if (!rl_is((unsigned char)c, RL_CHAR_DIGIT)) *kind = RL_SQL_WORD;
  return name_length(sql, 1);
}

rl_slice rl_sql_next_token(rl_slice *sql, rl_sql_token_kind *kind) {
  rl_slice at = skip(*sql, false);
  size_t len = 0;
  if (at.len) len = token_length(at, kind);
  else *kind = RL_SQL_END;
  *sql = from(at, len);
  return rl_slice_of(at.data, len);
}

static bool next_is(rl_slice *sql, const char *word) {
  rl_sql_token_kind kind;
  rl_slice rest = *sql, token = rl_sql_next_token(&rest, &kind);
  if (kind != RL_SQL_WORD || !rl_slice_eq_nocase(token, rl_slice_str(word))) return false;
  *sql = rest;
  return true;
}

static bool begins_trigger(rl_slice sql) {
  if (next_is(&sql, "EXPLAIN") && next_is(&sql, "QUERY")) next_is(&sql, "PLAN");
  if (!next_is(&sql, "CREATE")) return false;
  if (!next_is(&sql, "TEMP")) next_is(&sql, "TEMPORARY");
  return next_is(&sql, "TRIGGER");
}

/* A trigger ends at the semicolon after "; END", as sqlite3_complete reads it. */
rl_slice rl_sql_first_statement(rl_slice sql) {
  enum { INSIDE, AFTER_SEMICOLON, AFTER_END } state = INSIDE;
  bool trigger = begins_trigger(sql);
  rl_sql_token_kind kind;
  for (rl_slice rest = sql;;) {
    rl_slice token = rl_sql_next_token(&rest, &kind);
    if (kind == RL_SQL_END) return sql;
    if (token.data[0] == ';') {
      if (!trigger || state == AFTER_END) return rl_slice_of(sql.data, (size_t)(token.data - sql.data));
      state = AFTER_SEMICOLON;
    } else {
      state = state == AFTER_SEMICOLON && rl_slice_eq_nocase(token, RL_SLICE("END")) ? AFTER_END : INSIDE;
    }
  }
}
