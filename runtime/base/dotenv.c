/* Reading .env, entry by entry; see dotenv.h. */
#include "base/dotenv.h"

#include "base/ascii.h"
#include "base/error.h"

void rl_dotenv_init(rl_dotenv *d, rl_slice text) {
  *d = (rl_dotenv){.rest = text, .line = 1};
  rl_buf_init(&d->value, RL_BUF_NO_LIMIT);
  if (rl_slice_starts(text, RL_SLICE("\xEF\xBB\xBF"))) d->rest = rl_slice_of(text.data + 3, text.len - 3);
}

void rl_dotenv_free(rl_dotenv *d) { rl_buf_free(&d->value); }

static int refuse(rl_dotenv *d, const char *why) {
  d->why = why;
  return RL_ESYNTAX;
}

static void skip(rl_dotenv *d, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (d->rest.data[i] == '\n') d->line++;
  d->rest = rl_slice_of(d->rest.data + count, d->rest.len - count);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }
static bool is_end(char c) { return c == '\n' || c == '\r'; }

static void skip_blanks(rl_dotenv *d) {
  size_t n = 0;
  while (n < d->rest.len && is_blank(d->rest.data[n])) n++;
  skip(d, n);
}

static bool at_end_of_line(const rl_dotenv *d) { return !d->rest.len || is_end(d->rest.data[0]); }

static void skip_line(rl_dotenv *d) {
  size_t end = 0;
  while (end < d->rest.len && !is_end(d->rest.data[end])) end++;
  skip(d, end < d->rest.len ? end + 1 : end);
}

/* Skips empty lines and comments. */
static void skip_nothings(rl_dotenv *d) {
  for (skip_blanks(d); d->rest.len && (at_end_of_line(d) || d->rest.data[0] == '#'); skip_blanks(d)) skip_line(d);
}

static bool is_name_char(char c, size_t at) {
  if (c == '_' || rl_is((unsigned char)c, RL_CHAR_ALPHA)) return true;
  return at > 0 && (c == '.' || c == '-' || rl_is((unsigned char)c, RL_CHAR_DIGIT));
}

static int read_name(rl_dotenv *d) {
  if (rl_slice_starts(d->rest, RL_SLICE("export ")) || rl_slice_starts(d->rest, RL_SLICE("export\t"))) {
    skip(d, 7);
    skip_blanks(d);
  }
  size_t n = 0;
  while (n < d->rest.len && is_name_char(d->rest.data[n], n)) n++;
  d->name = rl_slice_of(d->rest.data, n);
  skip(d, n);
  skip_blanks(d);
  if (!n || !d->rest.len || d->rest.data[0] != '=') return refuse(d, "expected NAME=value");
  skip(d, 1);
  return RL_OK;
}

/* Reads up to the end of the line or a comment after a space, without the space around it. */
static int read_plain(rl_dotenv *d) {
  size_t end = 0;
  while (end < d->rest.len && !is_end(d->rest.data[end]) &&
         !(d->rest.data[end] == '#' && end && is_blank(d->rest.data[end - 1])))
    end++;
  rl_slice value = rl_slice_of(d->rest.data, end);
  while (value.len && is_blank(value.data[value.len - 1])) value.len--;
  rl_buf_add_slice(&d->value, value);
  skip_line(d);
  return RL_OK;
}

/* Returns what a backslash and this character mean, or 0 if both stay. */
static char escape_of(char quote, char c) {
  if (c == quote) return c;
  if (quote == '\'') return 0;
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '\\':
    case '$': return c;
    default: return 0;
  }
}

static int read_quoted(rl_dotenv *d) {
  char quote = d->rest.data[0];
  size_t i = 1, len = d->rest.len;
  const char *text = d->rest.data;
  for (; i < len && text[i] != quote; i++) {
    char escape = text[i] == '\\' && i + 1 < len ? escape_of(quote, text[i + 1]) : 0;
    bool returns = text[i] == '\r' && i + 1 < len && text[i + 1] == '\n'; /* lines end as they do elsewhere */
    if (escape) i++;
    if (!returns) rl_buf_add_char(&d->value, escape ? escape : text[i]);
  }
  if (i == len) return refuse(d, "this quote is never closed");
  skip(d, i + 1);
  skip_blanks(d);
  if (!at_end_of_line(d) && d->rest.data[0] != '#')
    return refuse(d, "expected nothing but a comment after the closing quote");
  skip_line(d);
  return RL_OK;
}

static int read_value(rl_dotenv *d) {
  bool blank = d->rest.len && is_blank(d->rest.data[0]);
  rl_buf_clear(&d->value);
  skip_blanks(d);
  if (at_end_of_line(d) || (blank && d->rest.data[0] == '#')) return skip_line(d), RL_OK;
  if (d->rest.data[0] == '#')
    return refuse(d, "a value that begins with '#' stands in quotes, a comment after a space");
  return d->rest.data[0] == '"' || d->rest.data[0] == '\'' ? read_quoted(d) : read_plain(d);
}

int rl_dotenv_next(rl_dotenv *d) {
  skip_nothings(d);
  d->at = d->line;
  if (!d->rest.len) return 0;
  int code = read_name(d);
  if (!code) code = read_value(d);
  if (!code && d->value.len && memchr(d->value.data, 0, d->value.len)) code = refuse(d, "a value holds no NUL");
  if (!code && d->value.error) code = d->value.error;
  return code ? code : 1;
}
