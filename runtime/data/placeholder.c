/* Parameters in a text of SQL; see placeholder.h. */
#include "data/placeholder.h"

#include "base/ascii.h"

enum { OTHER, WORD_IN, OPEN_IN }; /* what was before: anything, the word IN, its parenthesis */

static char peek(const rl_placeholder_scan *s, size_t ahead) {
  return s->at + ahead < s->sql.len ? s->sql.data[s->at + ahead] : 0;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_name(char c) {
  return rl_is((unsigned char)c, RL_CHAR_ALPHA | RL_CHAR_DIGIT) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Skips to after the next `end`, or to the end of the text. */
static void skip_past(rl_placeholder_scan *s, rl_slice end) {
  while (s->at < s->sql.len && !rl_slice_starts(rl_slice_of(s->sql.data + s->at, s->sql.len - s->at), end)) s->at++;
  s->at = s->at + end.len < s->sql.len ? s->at + end.len : s->sql.len;
}

static bool skip_comment(rl_placeholder_scan *s) {
  bool line = peek(s, 0) == '-' && peek(s, 1) == '-', block = peek(s, 0) == '/' && peek(s, 1) == '*';
  if (!line && !block) return false;
  s->at += 2;
  skip_past(s, line ? RL_SLICE("\n") : RL_SLICE("*/"));
  return true;
}

static void skip_blank(rl_placeholder_scan *s) {
  while (s->at < s->sql.len) {
    if (is_space(peek(s, 0))) s->at++;
    else if (!skip_comment(s)) return;
  }
}

/* A quote that is doubled is two texts beside each other, which makes no difference here. */
static bool skip_quoted(rl_placeholder_scan *s) {
  char open = peek(s, 0), close = open == '[' ? ']' : open;
  if (open != '\'' && open != '"' && open != '`' && open != '[') return false;
  s->at++;
  skip_past(s, rl_slice_of(&close, 1));
  return true;
}

static bool is_digit(char c) { return rl_is((unsigned char)c, RL_CHAR_DIGIT); }

static rl_slice take(rl_placeholder_scan *s, size_t signs, bool (*belongs)(char c)) {
  size_t start = s->at;
  s->at += signs;
  while (s->at < s->sql.len && belongs(s->sql.data[s->at])) s->at++;
  return rl_slice_of(s->sql.data + start, s->at - start);
}

static bool take_placeholder(rl_placeholder_scan *s, rl_placeholder *out) {
  char sign = peek(s, 0);
  if (sign != '?' && sign != ':' && sign != '@' && sign != '$') return false;
  if (sign == ':' && peek(s, 1) == ':') {
    s->at++;
    return false;
  }
  if (sign != '?' && !is_name(peek(s, 1))) return false;
  out->text = take(s, 1, sign == '?' ? is_digit : is_name);
  rl_placeholder_scan ahead = *s;
  skip_blank(&ahead);
  out->in_list = s->before == OPEN_IN && peek(&ahead, 0) == ')';
  s->before = OTHER;
  return true;
}

bool rl_placeholder_next(rl_placeholder_scan *s, rl_placeholder *out) {
  for (skip_blank(s); s->at < s->sql.len; skip_blank(s)) {
    if (take_placeholder(s, out)) return true;
    int before = OTHER;
    if (!skip_quoted(s)) {
      rl_slice word = take(s, 0, is_name);
      if (rl_slice_eq_nocase(word, RL_SLICE("IN"))) before = WORD_IN;
      if (!word.len && s->before == WORD_IN && peek(s, 0) == '(') before = OPEN_IN;
      if (!word.len) s->at++;
    }
    s->before = before;
  }
  return false;
}
