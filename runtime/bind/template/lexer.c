/*
 * From the text of a template to tokens, by the rules of Jinja2 3.1's lexer. Tokens are gathered in a scratch buffer, so that
 * the tables that go to the parser are made once, with room for all of them.
 *
 * Whitespace control (-, +, trim_blocks, lstrip_blocks) is dealt with here, so that data is what will be printed. What numbers
 * and escapes mean is Lua's (lua/rille/template/literal.lua), and so is how an error reads. Places are bytes from 0; the source
 * is a Lua string, so a NUL stands behind it that any place may be looked at.
 */
#include <string.h>

#include "base/error.h"
#include "bind/bind.h"
#include "bind/template/template.h"
#include "vm/owner.h"

/* ---- tokens ------------------------------------------------------------------------------------------------------------------- */

enum { DATA, VARIABLE, VARIABLE_END, BLOCK, BLOCK_END, NAME, STRING, INTEGER, FLOAT, END, PAIRS, SINGLES = PAIRS + 6 };

static const char *const words[] = {"data", "{{", "}}", "{%", "%}", "name", "string", "integer", "float", "eof", /* */
                                    "//",   "**", "==", "!=", ">=", "<=", /* PAIRS */
                                    "+",    "-",  "/",  "*",  "%",  "~",    "[",      "]",       "(",     ")",
                                    "{",    "}",  ">",  "<",  "=",  ".",    ":",      "|",       ",",     ";"};
static const char singles[] = "+-/*%~[](){}><=.:|,;";

enum { WORDS = sizeof words / sizeof *words };

/* Names with a meaning of their own: the parser is told which of them occur at all. */
static const char *const special_names[] = {"loop", "self", "super", "caller", "kwargs", "varargs", NULL};

typedef struct token {
  int kind;
  int literal; /* where its value is in the table of literals; 0: it is the text below, if any */
  size_t at;   /* the byte of the source where it starts */
  size_t from; /* its text: where it starts, how long it is */
  size_t len;
  size_t around; /* of an opening bracket: as lexer.open, of what is around it */
} token;

/* Arguments and what is made of them, on the stack. */
enum { SOURCE = 1, OPTIONS, FAIL, NUMBER, UNESCAPE, LITERALS, TOKENS, KIND, VALUE, AT, LINE, SPECIALS };

typedef struct lexer {
  lua_State *L;
  const char *source; /* borrowed from the stack */
  size_t len;
  bool trim, lstrip;
  rl_buf *tokens; /* of token: a scratch buffer */
  size_t open;    /* one more than the number of the token that is the innermost open bracket; 0: none */
  int literals;   /* how many there are */
} lexer;

static size_t token_count(const lexer *x) { return x->tokens->len / sizeof(token); }
static token *token_at(const lexer *x, size_t i) { return (token *)(void *)x->tokens->data + i; }

static void add_token(lexer *x, token t) {
  if (!rl_buf_add(x->tokens, &t, sizeof t)) return;
  rl_error_push(x->L, x->tokens->error, NULL);
  lua_error(x->L);
}

/* A token whose value, if it has any, is its own text. */
static void add(lexer *x, int kind, size_t at, size_t len) {
  add_token(x, (token){.kind = kind, .at = at, .from = at, .len = len});
}

/* A token whose value is on top of the stack, which it takes off. */
static void add_literal(lexer *x, int kind, size_t at) {
  lua_rawseti(x->L, LITERALS, ++x->literals);
  add_token(x, (token){.kind = kind, .at = at, .literal = x->literals});
}

/* Raises a syntax error at a byte of the source. */
static size_t fail(lexer *x, size_t at, const char *format, ...) RL_RAISES __attribute__((format(printf, 3, 4)));
static size_t fail(lexer *x, size_t at, const char *format, ...) {
  va_list args;
  lua_pushvalue(x->L, FAIL);
  lua_pushinteger(x->L, (lua_Integer)at + 1);
  va_start(args, format);
  lua_pushvfstring(x->L, format, args);
  va_end(args);
  lua_call(x->L, 2, 0);
  luaL_error(x->L, "a lexer's fail() returned");
}

/* ---- bytes ---------------------------------------------------------------------------------------------------------------------- */

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}
static bool is_sign(char c) { return c == '-' || c == '+'; }

static size_t skip_space(const lexer *x, size_t at) {
  while (is_space(x->source[at])) at++;
  return at;
}

static bool looking_at(const lexer *x, size_t at, const char *word) {
  return strncmp(x->source + at, word, strlen(word)) == 0;
}

/* Where "{%" or the like is at or behind `at`; the source's length where it is not. */
static size_t find_pair(const lexer *x, size_t at, const char *pair) {
  const char *end = x->source + x->len, *p = x->source + at;
  while ((p = memchr(p, pair[0], (size_t)(end - p)))) {
    if (p[1] == pair[1]) return (size_t)(p - x->source);
    p++;
  }
  return x->len;
}

/* ---- outside of tags ---------------------------------------------------------------------------------------------------------- */

/* Where data from `from` to `to` ends without the spaces between a line's start and its end. */
static size_t before_indent(const lexer *x, size_t from, size_t to) {
  size_t at = to;
  while (at > from && x->source[at - 1] != '\n' && is_space(x->source[at - 1])) at--;
  return at == 0 || x->source[at - 1] == '\n' ? at : to;
}

/* Data from `from` to in front of `to`, where a tag with this sign is. What lstrip_blocks takes is spaces between a line's
 * start and a block or comment. */
static void add_data(lexer *x, size_t from, size_t to, char sign, bool is_variable) {
  if (sign == '-')
    while (to > from && is_space(x->source[to - 1])) to--;
  else if (sign != '+' && x->lstrip && !is_variable) to = before_indent(x, from, to);
  if (to > from) add(x, DATA, from, to - from);
}

/* Behind the end of a tag at `at`: `-` takes all whitespace, a block's end one newline where trim_blocks says so. */
static size_t behind(const lexer *x, size_t at, char sign, bool trims) {
  if (sign == '-') return skip_space(x, at);
  return sign != '+' && trims && x->trim && x->source[at] == '\n' ? at + 1 : at;
}

/* {# … #}, whose text starts at `at`. Returns where to go on. */
static size_t comment(lexer *x, size_t at, size_t start) {
  size_t stop = find_pair(x, at, "#}");
  if (stop == x->len) return fail(x, start, "this comment is not closed: '#}' is missing");
  return behind(x, stop + 2, stop > at ? x->source[stop - 1] : 0, true);
}

/* Whether "word -%}" stands at `at`, with spaces or without; then *at is behind it and *sign its sign or 0. */
static bool word_tag(const lexer *x, size_t *at, const char *word, char *sign) {
  size_t p = skip_space(x, *at);
  if (!looking_at(x, p, word)) return false;
  p = skip_space(x, p + strlen(word));
  *sign = is_sign(x->source[p]) ? x->source[p++] : 0;
  if (!looking_at(x, p, "%}")) return false;
  *at = p + 2;
  return true;
}

/* {% raw %} whose tag ends before `at`: one token of data. Returns where to go on. */
static size_t raw(lexer *x, size_t at, size_t start) {
  for (size_t stop = at;; stop += 2) {
    stop = find_pair(x, stop, "{%");
    if (stop == x->len) return fail(x, start, "this raw block is not closed: '{%% endraw %%}' is missing");
    size_t end = stop + 2;
    char before = is_sign(x->source[end]) ? x->source[end++] : 0, after;
    if (!word_tag(x, &end, "endraw", &after)) continue;
    add_data(x, at, stop, before, false);
    return behind(x, end, after, true);
  }
}

/* ---- inside of tags -------------------------------------------------------------------------------------------------------------- */

static char closing(char c) { return c == '(' ? ')' : c == '[' ? ']' : c == '{' ? '}' : 0; }

/* The kind of the operator that begins a text, or -1. */
static int operator_of(const char *text) {
  for (int kind = PAIRS; kind < SINGLES; kind++)
    if (text[0] == words[kind][0] && text[1] == words[kind][1]) return kind;
  const char *single = text[0] ? strchr(singles, text[0]) : NULL;
  return single ? SINGLES + (int)(single - singles) : -1;
}

/* The byte at `at`, with the rest of a character that it may begin. */
static RL_RAISES size_t fail_character(lexer *x, size_t at) {
  const char *text = x->source + at;
  if (*text == '\'' || *text == '"') fail(x, at, "this string is not closed");
  size_t more = 0;
  while (((unsigned char)text[1 + more] & 0xC0) == 0x80) more++;
  fail(x, at, "unexpected character '%c%s'", *text, lua_pushlstring(x->L, text + 1, more));
}

static size_t close_bracket(lexer *x, size_t at) {
  char c = x->source[at];
  if (!x->open) return fail(x, at, "unexpected '%c'", c);
  const token *open = token_at(x, x->open - 1);
  char expected = closing(x->source[open->at]);
  if (c != expected) return fail(x, at, "unexpected '%c', expected '%c'", c, expected);
  x->open = open->around;
  add(x, operator_of(x->source + at), at, 0);
  return at + 1;
}

static size_t operator_at(lexer *x, size_t at) {
  int kind = operator_of(x->source + at);
  char c = x->source[at];
  if (kind < 0) return fail_character(x, at);
  if (c == ')' || c == ']' || c == '}') return close_bracket(x, at);
  add_token(x, (token){.kind = kind, .at = at, .around = x->open});
  if (closing(c)) x->open = token_count(x);
  return at + (kind < SINGLES ? 2 : 1);
}

static size_t name_at(lexer *x, size_t at) {
  size_t end = at + 1;
  while (starts_name(x->source[end]) || is_digit(x->source[end])) end++;
  add(x, NAME, at, end - at);
  return end;
}

/* number(source, at) -> "integer" or "float", value, where it ends */
static size_t number_at(lexer *x, size_t at) {
  lua_State *L = x->L;
  lua_pushvalue(L, NUMBER);
  lua_pushvalue(L, SOURCE);
  lua_pushinteger(L, (lua_Integer)at + 1);
  lua_call(L, 2, 3);
  size_t end = (size_t)lua_tointeger(L, -1);
  lua_pop(L, 1);
  int kind = *lua_tostring(L, -2) == 'i' ? INTEGER : FLOAT;
  add_literal(x, kind, at);
  lua_pop(L, 1);
  return end;
}

/* unescape(text, at) -> what it means; `at` is where an error is */
static size_t escaped_string(lexer *x, size_t at, size_t stop) {
  lua_State *L = x->L;
  lua_pushvalue(L, UNESCAPE);
  lua_pushlstring(L, x->source + at + 1, stop - at - 1);
  lua_pushinteger(L, (lua_Integer)at + 1);
  lua_call(L, 2, 1);
  add_literal(x, STRING, at);
  return stop + 1;
}

static size_t string_at(lexer *x, size_t at) {
  char quote = x->source[at];
  bool escaped = false;
  for (size_t stop = at + 1; stop < x->len; stop++) {
    if (x->source[stop] == '\\') {
      escaped = true;
      stop++;
    } else if (x->source[stop] == quote) {
      if (escaped) return escaped_string(x, at, stop);
      add_token(x, (token){.kind = STRING, .at = at, .from = at + 1, .len = stop - at - 1});
      return stop + 1;
    }
  }
  return fail_character(x, at);
}

static size_t token_in_tag(lexer *x, size_t at) {
  char c = x->source[at];
  if (starts_name(c)) return name_at(x, at);
  if (is_digit(c)) return number_at(x, at);
  if (c == '\'' || c == '"') return string_at(x, at);
  return operator_at(x, at);
}

/* Whether the tag's end is at `at`, with its sign: a block's may be + or -, a variable's only -. */
static bool ends_tag(const lexer *x, size_t at, bool is_block) {
  char c = x->source[at];
  if (x->open) return false;
  if (c == '-' || (c == '+' && is_block)) at++;
  return looking_at(x, at, is_block ? "%}" : "}}");
}

/* The inside of {{ }} or {% %}. Returns where to go on behind it, with the end's whitespace dealt with. */
static size_t tag(lexer *x, size_t at, bool is_block, size_t start) {
  x->open = 0;
  while (true) {
    at = skip_space(x, at);
    if (at >= x->len) return fail(x, start, "this tag is not closed: '%s' is missing", is_block ? "%}" : "}}");
    if (ends_tag(x, at, is_block)) break;
    at = token_in_tag(x, at);
  }
  char sign = x->source[at];
  add(x, is_block ? BLOCK_END : VARIABLE_END, at, 0);
  return behind(x, at + (is_sign(sign) ? 3 : 2), sign, is_block);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------------------- */

/* Where the next of {{ {% {# is, or the source's length. */
static size_t find_tag(const lexer *x, size_t at) {
  const char *end = x->source + x->len, *p = x->source + at;
  while ((p = memchr(p, '{', (size_t)(end - p)))) {
    if (p[1] == '{' || p[1] == '%' || p[1] == '#') return (size_t)(p - x->source);
    p++;
  }
  return x->len;
}

/* One tag whose '{' is at `start`, behind data from `from`. Returns where to go on. */
static size_t opening(lexer *x, size_t from, size_t start) {
  char what = x->source[start + 1], raw_sign;
  size_t at = start + 2;
  char sign = is_sign(x->source[at]) ? x->source[at++] : 0;
  add_data(x, from, start, sign, what == '{');
  if (what == '#') return comment(x, at, start);
  size_t raw_at = at;
  if (what == '%' && word_tag(x, &raw_at, "raw", &raw_sign) && raw_sign != '+')
    return raw(x, behind(x, raw_at, raw_sign, false), start);
  add(x, what == '%' ? BLOCK : VARIABLE, start, 0);
  return tag(x, at, what == '%', start);
}

static void scan(lexer *x) {
  size_t at = 0, start;
  while ((start = find_tag(x, at)) < x->len) at = opening(x, at, start);
  add_data(x, at, x->len, '+', false);
  add(x, END, x->len, 0);
}

/* ---- to Lua -------------------------------------------------------------------------------------------------------------------------- */

static void note_special(lexer *x, rl_slice name) {
  for (const char *const *special = special_names; *special; special++) {
    if (!rl_slice_eq(name, rl_slice_str(*special))) continue;
    lua_pushboolean(x->L, true);
    lua_setfield(x->L, SPECIALS, *special);
  }
}

static void push_value(lexer *x, const token *t) {
  rl_slice text = rl_slice_of(x->source + t->from, t->len);
  if (t->kind == NAME) note_special(x, text);
  if (t->literal) lua_rawgeti(x->L, LITERALS, t->literal);
  else if (t->kind == DATA || t->kind == NAME || t->kind == STRING) rl_push_slice(x->L, text);
  else lua_pushnil(x->L);
}

static size_t newlines(const char *from, const char *to) {
  size_t count = 0;
  while ((from = memchr(from, '\n', (size_t)(to - from)))) from++, count++;
  return count;
}

/* Tokens come in the order of their bytes, so lines are counted as they pass. */
static void fill_columns(lexer *x) {
  size_t line = 1, counted = 0, count = token_count(x);
  for (size_t i = 0; i < count; i++) {
    const token *t = token_at(x, i);
    lua_Integer row = (lua_Integer)i + 1;
    line += newlines(x->source + counted, x->source + t->at);
    counted = t->at;
    lua_pushvalue(x->L, lua_upvalueindex(t->kind + 1));
    lua_rawseti(x->L, KIND, row);
    push_value(x, t);
    lua_rawseti(x->L, VALUE, row);
    lua_pushinteger(x->L, (lua_Integer)t->at + 1);
    lua_rawseti(x->L, AT, row);
    lua_pushinteger(x->L, (lua_Integer)line);
    lua_rawseti(x->L, LINE, row);
  }
}

static bool option(lua_State *L, const char *name) {
  lua_getfield(L, OPTIONS, name);
  bool set = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return set;
}

/* template_tokens(source, options, fail, number, unescape) -> kind, value, at, line, specials; see template/lexer.lua */
static int l_template_tokens(lua_State *L) {
  rl_slice source = rl_check_slice(L, SOURCE);
  lexer x = {.L = L, .source = source.data, .len = source.len};
  x.trim = option(L, "trim_blocks");
  x.lstrip = option(L, "lstrip_blocks");
  lua_settop(L, UNESCAPE);
  lua_newtable(L);
  x.tokens = rl_scratch_push(L);
  scan(&x);
  for (int column = KIND; column <= LINE; column++) lua_createtable(L, (int)token_count(&x), 0);
  lua_newtable(L);
  fill_columns(&x);
  rl_scratch_give(x.tokens);
  return SPECIALS - KIND + 1;
}

void rl_bind_lexer(lua_State *L) {
  for (int i = 0; i < WORDS; i++) lua_pushstring(L, words[i]);
  lua_pushcclosure(L, l_template_tokens, WORDS);
  lua_setfield(L, -2, "template_tokens");
}
