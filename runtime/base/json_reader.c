/* JSON: the pull reader of json_reader.h. */
#include "base/json_reader.h"

#include <math.h>

#include "base/ascii.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/json_plain.h"
#include "base/utf8.h"

enum { WANT_VALUE, WANT_FIRST_ITEM, WANT_FIRST_KEY, AFTER_VALUE, FINISHED };

void rl_json_reader_init(rl_json_reader *r, rl_slice text, rl_buf *scratch) {
  *r = (rl_json_reader){.scratch = scratch};
  r->start = r->at = text.data;
  r->end = text.data + text.len;
  if (rl_slice_starts(text, RL_SLICE("\xef\xbb\xbf"))) r->start = r->at = text.data + 3;
  r->max_depth = RL_LIMIT_JSON_DEPTH;
}

void rl_json_position(const rl_json_reader *r, unsigned *line, unsigned *column) {
  *line = *column = 1;
  for (const char *at = r->start; at < r->at; at++) {
    if (*at == '\n') ++*line, *column = 1;
    else ++*column;
  }
}

static inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

static inline const char *skip_space_at(const char *at, const char *end) {
  while (at < end && (unsigned char)*at <= ' ' && is_space(*at)) at++;
  return at;
}

static inline void skip_space(rl_json_reader *r) { r->at = skip_space_at(r->at, r->end); }

static int literal(rl_json_reader *r, const char *word, size_t len, int token) {
  if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0) return RL_ESYNTAX;
  r->at += len;
  r->state_ = AFTER_VALUE;
  return token;
}

static const char *skip_digits(const char *at, const char *end) {
  while (at < end && rl_is((unsigned char)*at, RL_CHAR_DIGIT)) at++;
  return at;
}

enum { SAFE_DIGITS = 18 }; /* so many cannot exceed 64 bits */

/* Reads the digits [from, to), more than SAFE_DIGITS, as an integer. Returns false if it exceeds 64 bits. */
static bool to_integer(const char *from, const char *to, bool negative, int64_t *out) {
  uint64_t value = 0, most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
  for (; from < to; from++) {
    uint64_t digit = (uint64_t)(*from - '0');
    if (value > (most - digit) / 10) return false;
    value = value * 10 + digit;
  }
  *out = negative ? (int64_t)(0 - value) : (int64_t)value;
  return true;
}

static int to_double(rl_json_reader *r, const char *from) {
  r->number = rl_decimal_read(from, (size_t)(r->at - from));
  if (!isfinite(r->number)) return RL_ERANGE;
  r->state_ = AFTER_VALUE;
  return RL_JSON_NUMBER;
}

/* Any number. */
static __attribute__((noinline)) int long_number(rl_json_reader *r) {
  const char *from = r->at, *digits = from + (*from == '-'), *at = skip_digits(digits, r->end);
  if (at == digits || (*digits == '0' && at > digits + 1)) return RL_ESYNTAX;
  bool real = false;
  if (at < r->end && *at == '.') {
    const char *fraction = ++at;
    at = skip_digits(at, r->end);
    if (at == fraction) return RL_ESYNTAX;
    real = true;
  }
  if (at < r->end && (*at == 'e' || *at == 'E')) {
    at++;
    if (at < r->end && (*at == '+' || *at == '-')) at++;
    const char *exponent = at;
    at = skip_digits(at, r->end);
    if (at == exponent) return RL_ESYNTAX;
    real = true;
  }
  if (!real && to_integer(digits, at, *from == '-', &r->integer)) {
    r->at = at;
    r->state_ = AFTER_VALUE;
    return RL_JSON_INTEGER;
  }
  r->at = at;
  int token = to_double(r, from);
  if (token < 0) r->at = from;
  return token;
}

/* Most numbers are short integers. */
static inline int number(rl_json_reader *r) {
  const char *at = r->at, *digits = at + (*at == '-'),
             *end = r->end - digits > SAFE_DIGITS ? digits + SAFE_DIGITS : r->end;
  int64_t number = 0;
  unsigned digit;
  for (at = digits; at < end && (digit = (unsigned)(unsigned char)*at - '0') < 10; at++) number = number * 10 + digit;
  bool is_short = at > digits && (*digits != '0' || at == digits + 1) && (at < end || at == r->end);
  if (!is_short || (at < end && (*at == '.' || (*at | 0x20) == 'e'))) return long_number(r);
  r->integer = digits > r->at ? -number : number;
  r->at = at;
  r->state_ = AFTER_VALUE;
  return RL_JSON_INTEGER;
}

/* Reads four hex digits at `at`, or returns -1. */
static int32_t hex4(const char *at, const char *end) {
  if (end - at < 4) return -1;
  int32_t value = 0;
  for (int i = 0; i < 4; i++) {
    int digit = rl_hex_value(at[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/* Reads the low half of a surrogate pair, another \uXXXX at `at`, or returns -1. */
static int32_t low_half(const char *at, const char *end) {
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
  int32_t low = hex4(at + 2, end);
  return low >= 0xDC00 && low <= 0xDFFF ? low : -1;
}

/* Reads \uXXXX at r->at: a surrogate pair as one code point, half a pair as U+FFFD. Refuses any other escape. Writes to `to`. */
static int unicode_escape(rl_json_reader *r, char **to) {
  r->at++;
  if (r->at == r->end || *r->at != 'u') return RL_ESYNTAX;
  int32_t point = hex4(r->at + 1, r->end);
  if (point < 0) return RL_ESYNTAX;
  size_t used = 5;
  if (point >= 0xD800 && point < 0xE000) {
    int32_t low = point < 0xDC00 ? low_half(r->at + 5, r->end) : -1;
    if (low >= 0) used = 11;
    point = low >= 0 ? 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
  }
  r->at += used;
  *to += rl_utf8_encode((uint32_t)point, *to);
  return RL_OK;
}

/* What the letter after a backslash stands for; 0: nothing, or it is no letter. */
static const char unescaped[256] = {
    ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};

/* Moves r->at over bytes that mean themselves; stops at '"', '\\', a control byte or the end. */
static int plain_part(rl_json_reader *r) {
  for (;;) {
    r->at = rl_json_skip_plain(r->at, r->end);
    if (r->at == r->end) return RL_OK;
    unsigned char c = (unsigned char)*r->at;
    if (c == '"' || c == '\\' || c < 0x20) return RL_OK;
    size_t step = rl_utf8_step(r->at, (size_t)(r->end - r->at));
    if (!step) return RL_EUTF8;
    r->at += step;
  }
}

enum { BLOCK = 512 }; /* bytes of a string that are read at once */

/* Copies a character beyond ASCII, or DEL. */
static int copy_character(rl_json_reader *r, char **to) {
  if ((unsigned char)*r->at < 0x20) return RL_ESYNTAX;
  size_t step = rl_utf8_step(r->at, (size_t)(r->end - r->at));
  for (size_t i = 0; i < step; i++) *(*to)++ = *r->at++;
  return step ? RL_OK : RL_EUTF8;
}

/* Reads on from r->at up to `stop` or to the quote that ends the string. The scratch buffer has room: a byte never becomes more
 * than one, and the last escape may end after `stop`. */
static int read_block(rl_json_reader *r, const char *stop) {
  char *start = r->scratch->data + r->scratch->len, *to = start;
  const char *at = r->at;
  int code = RL_OK;
  while (at < stop && !code) {
    const char *special = rl_json_copy_plain(to, at, stop);
    to += special - at;
    at = special;
    if (at == stop || *at == '"') break;
    if (*at == '\\' && r->end - at > 1 && unescaped[(unsigned char)at[1]]) {
      *to++ = unescaped[(unsigned char)at[1]];
      at += 2;
      continue;
    }
    r->at = at;
    code = *at == '\\' ? unicode_escape(r, &to) : copy_character(r, &to);
    at = r->at;
  }
  r->at = at;
  r->scratch->len += (size_t)(to - start);
  return code;
}

/* Reads a string, which begins at `from`, on from its first escape at r->at. */
static int escaped_string(rl_json_reader *r, const char *from, int token) {
  rl_buf_clear(r->scratch);
  int code = rl_buf_add(r->scratch, from, (size_t)(r->at - from));
  do {
    if (code || (code = rl_buf_reserve(r->scratch, BLOCK + 4 + RL_JSON_COPY_SPARE))) return code;
    if ((code = read_block(r, r->end - r->at > BLOCK ? r->at + BLOCK : r->end))) return code;
    if (r->at == r->end) return RL_ESYNTAX;
  } while (*r->at != '"');
  r->string = rl_buf_slice(r->scratch);
  r->at++;
  return token;
}

static int string(rl_json_reader *r, int token) {
  const char *from = ++r->at;
  int code = plain_part(r);
  if (code) return code;
  if (r->at == r->end || (unsigned char)*r->at < 0x20) return RL_ESYNTAX;
  if (*r->at == '\\') return escaped_string(r, from, token);
  r->string = rl_slice_of(from, (size_t)(r->at - from)); /* it stays a slice of the text */
  r->at++;
  return token;
}

static int open_bracket(rl_json_reader *r, bool object) {
  if (r->depth >= r->max_depth) return RL_EDEPTH;
  uint8_t bit = (uint8_t)(1u << (r->depth % 8)), *byte = &r->objects_[r->depth / 8];
  *byte = (uint8_t)(object ? *byte | bit : *byte & ~bit);
  r->depth++;
  r->at++;
  r->state_ = object ? WANT_FIRST_KEY : WANT_FIRST_ITEM;
  return object ? RL_JSON_OBJECT : RL_JSON_ARRAY;
}

static bool in_object(const rl_json_reader *r) {
  unsigned level = r->depth - 1;
  return r->objects_[level / 8] >> (level % 8) & 1;
}

static int close_bracket(rl_json_reader *r) {
  bool object = in_object(r);
  if (*r->at != (object ? '}' : ']')) return RL_ESYNTAX;
  r->at++;
  r->depth--;
  r->state_ = AFTER_VALUE;
  return object ? RL_JSON_END_OBJECT : RL_JSON_END_ARRAY;
}

static inline int value(rl_json_reader *r) {
  switch (*r->at) {
    case '{': return open_bracket(r, true);
    case '[': return open_bracket(r, false);
    case '"': r->state_ = AFTER_VALUE; return string(r, RL_JSON_STRING);
    case 't': return literal(r, "true", 4, RL_JSON_TRUE);
    case 'f': return literal(r, "false", 5, RL_JSON_FALSE);
    case 'n': return literal(r, "null", 4, RL_JSON_NULL);
    default: return number(r);
  }
}

static int key(rl_json_reader *r) {
  if (*r->at != '"') return RL_ESYNTAX;
  int token = string(r, RL_JSON_KEY);
  if (token < 0) return token;
  skip_space(r);
  if (r->at == r->end || *r->at != ':') return RL_ESYNTAX;
  r->at++;
  r->state_ = WANT_VALUE;
  return token;
}

/* Compares by words, which calls nothing: keys are short. */
static inline bool is_same(const char *a, const char *b, size_t len) {
  uint64_t x, y;
  uint32_t u, v;
  for (; len >= 8; a += 8, b += 8, len -= 8) {
    memcpy(&x, a, 8);
    memcpy(&y, b, 8);
    if (x != y) return false;
  }
  if (len >= 4) {
    memcpy(&u, a, 4);
    memcpy(&v, b, 4);
    if (u != v) return false;
    a += 4, b += 4, len -= 4;
  }
  while (len && *a == *b) a++, b++, len--;
  return !len;
}

void rl_json_expect(rl_json_expected *e, rl_slice name) {
  char bytes[sizeof e->bytes] = ",\"", mask[sizeof e->mask] = {0};
  size_t len = name.len + 4;
  *e = (rl_json_expected){.name = name};
  if (len > sizeof bytes) return;
  memcpy(bytes + 2, name.data, name.len);
  memcpy(bytes + 2 + name.len, "\":", 2);
  memset(mask + 1, 0xFF, len - 1); /* before the first key there is another character than the comma */
  memcpy(e->bytes, bytes, sizeof bytes);
  memcpy(e->mask, mask, sizeof mask);
  e->len = len;
}

static bool next_is_key(rl_json_reader *r, rl_slice expected) {
  const char *at = skip_space_at(r->at, r->end);
  if (r->state_ == AFTER_VALUE) {
    if (at == r->end || *at != ',' || r->depth == 0 || !in_object(r)) return false;
    at = skip_space_at(at + 1, r->end);
  } else if (r->state_ != WANT_FIRST_KEY) {
    return false;
  }
  if ((size_t)(r->end - at) < expected.len + 3 || *at != '"' || at[expected.len + 1] != '"') return false;
  if (!is_same(at + 1, expected.data, expected.len)) return false;
  at = skip_space_at(at + expected.len + 2, r->end);
  if (at == r->end || *at != ':') return false;
  r->at = at + 1;
  r->state_ = WANT_VALUE;
  return true;
}

bool rl_json_next_is_key(rl_json_reader *r, const rl_json_expected *e) {
  uint64_t text[2];
  bool first = r->state_ == WANT_FIRST_KEY;
  if (e->len && r->end - r->at >= (ptrdiff_t)sizeof text && (first || (r->state_ == AFTER_VALUE && *r->at == ','))) {
    memcpy(text, r->at - first, sizeof text);
    bool same = !(((text[0] ^ e->bytes[0]) & e->mask[0]) | ((text[1] ^ e->bytes[1]) & e->mask[1]));
    if (same && (first || (r->depth && in_object(r)))) {
      r->at += e->len - first;
      r->state_ = WANT_VALUE;
      return true;
    }
  }
  return next_is_key(r, e->name);
}

/* Reads what follows a value: the end of the text, a comma, or the closing bracket. */
static int after_value(rl_json_reader *r) {
  if (r->depth == 0) {
    if (r->at < r->end) return RL_ESYNTAX;
    r->state_ = FINISHED;
    return RL_JSON_DONE;
  }
  if (r->at == r->end) return RL_ESYNTAX;
  if (*r->at != ',') return close_bracket(r);
  r->at++;
  skip_space(r);
  if (r->at == r->end) return RL_ESYNTAX;
  return in_object(r) ? key(r) : value(r);
}

int rl_json_next(rl_json_reader *r) {
  skip_space(r);
  if (r->state_ == WANT_VALUE && r->at < r->end) return value(r);
  if (r->state_ == AFTER_VALUE) return after_value(r);
  if (r->state_ == FINISHED) return RL_JSON_DONE;
  if (r->at == r->end) return RL_ESYNTAX;
  if (r->state_ == WANT_FIRST_ITEM) return *r->at == ']' ? close_bracket(r) : value(r);
  return *r->at == '}' ? close_bracket(r) : key(r);
}

int rl_json_next_value(rl_json_reader *r) {
  skip_space(r);
  return r->at < r->end ? value(r) : RL_ESYNTAX;
}
