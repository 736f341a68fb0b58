/* Lua's patterns, step by step; see matcher.h. */
#include "base/matcher.h"

#include <ctype.h>

enum { SET_LONG = 64 }; /* bytes; a longer one costs steps by its length */
enum { GREEDY, LAZY, OPTIONAL };
enum { FAULT = RL_MATCH_FAULT, NONE, FOUND, GO_ON, GO_BACK };

/* How a match may go on after it has failed. */
typedef struct way {
  const char *at;    /* of the subject: the end of the last try */
  const char *least; /* GREEDY: not before this */
  const char *item;  /* LAZY: the repeated part, up to the sign before `next` */
  const char *next;  /* of the pattern: what follows */
  uint32_t open;
  uint8_t kind, captures, depth;
} way;

/* A match under way: its place in subject and pattern. Only inlined functions take its address, so that it can live in
 * registers. */
typedef struct match {
  const char *s, *p;
  way *top; /* above the last of them */
} match;

static const bool specials[256] = {
    ['^'] = 1, ['$'] = 1, ['*'] = 1, ['+'] = 1, ['?'] = 1, ['.'] = 1, ['('] = 1, ['['] = 1, ['%'] = 1, ['-'] = 1};

static void *fault(rl_matcher *m, const char *what, int number) {
  m->fault = what;
  m->fault_number = number;
  return NULL;
}

static void rest(rl_matcher *m) {
  m->steps = RL_MATCHER_STEPS;
  if (m->on_pause) m->on_pause(m);
}

/* Charges for work that is no step of its own, such as bytes that are compared at once. */
static inline void spend(rl_matcher *m, size_t steps) {
  if (steps < (size_t)m->steps) m->steps -= (int32_t)steps;
  else m->steps = 0;
}

/* ---- which bytes a part stands for ---------------------------------------------------------------------------------------- */

/* Matches "%a" and its kind: a letter is a class, its capital the complement, and any other byte is itself. It uses the C
 * library's table, which follows os.setlocale as isalpha does. */
static const unsigned short class_bits[26] = {['a' - 'a'] = _ISalpha, ['c' - 'a'] = _IScntrl, ['d' - 'a'] = _ISdigit,
                                              ['g' - 'a'] = _ISgraph, ['l' - 'a'] = _ISlower, ['p' - 'a'] = _ISpunct,
                                              ['s' - 'a'] = _ISspace, ['u' - 'a'] = _ISupper, ['w' - 'a'] = _ISalnum,
                                              ['x' - 'a'] = _ISxdigit};

static inline unsigned short bits_of(unsigned char class) {
  unsigned letter = (class | 0x20u) - 'a';
  return letter < 26 ? class_bits[letter] : 0;
}

/* Matches "%z", which the manual no longer names and Lua's library still knows. */
static inline bool is_nul_class(unsigned char class) { return (class | 0x20) == 'z'; }

static inline bool class_has(const rl_matcher *m, unsigned char class, unsigned char c) {
  unsigned short bits = bits_of(class);
  if (!bits) return is_nul_class(class) ? (c == 0) == (class == 'z') : class == c;
  return !(m->classes[c] & bits) == !(class & 0x20);
}

/* From its "[" to its "]". */
static inline bool set_has(const rl_matcher *m, const char *set, const char *close, unsigned char c) {
  bool listed = set[1] != '^';
  for (const char *p = set + (listed ? 1 : 2); p < close; p++) {
    unsigned char low = (unsigned char)*p;
    if (low == '%') {
      if (class_has(m, (unsigned char)*++p, c)) return listed;
    } else if (p[1] == '-' && p + 2 < close) {
      p += 2;
      if (low <= c && c <= (unsigned char)*p) return listed;
    } else if (low == c) {
      return listed;
    }
  }
  return !listed;
}

/* Returns the end of a set; a "]" that comes first is one of its bytes. */
static const char *set_end(rl_matcher *m, const char *set) {
  const char *p = set + 1, *end = m->pattern_end;
  if (p < end && *p == '^') p++;
  for (;;) {
    if (p == end) return fault(m, "malformed pattern (missing ']')", 0);
    if (*p++ == '%' && p < end) p++;
    if (p < end && *p == ']') break;
  }
  if (p - set > SET_LONG) spend(m, (size_t)(p - set) / 8);
  return p + 1;
}

/* Returns true if the part from `item` to `to` matches the byte. */
static inline bool item_has(const rl_matcher *m, const char *item, const char *to, unsigned char c) {
  switch (*item) {
    case '.': return true;
    case '%': return class_has(m, (unsigned char)item[1], c);
    case '[': return set_has(m, item, to - 1, c);
    default: return (unsigned char)*item == c;
  }
}

/* Returns the end of the run of such bytes, up to `limit`. */
static const char *run_within(const rl_matcher *m, const char *item, const char *to, const char *s, const char *limit) {
  unsigned char c = (unsigned char)*item;
  switch (c) {
    case '.': return limit;
    case '%':
      c = (unsigned char)item[1];
      while (s < limit && class_has(m, c, (unsigned char)*s)) s++;
      return s;
    case '[':
      while (s < limit && set_has(m, item, to - 1, (unsigned char)*s)) s++;
      return s;
    default:
      while (s < limit && (unsigned char)*s == c) s++;
      return s;
  }
}

/* The same up to the end of the subject, as many bytes at a time as there are steps left. */
static const char *run_end(rl_matcher *m, const char *item, const char *to, const char *s) {
  for (size_t cost = to - item > SET_LONG ? (size_t)(to - item) / 8 : 1;;) {
    size_t left = (size_t)(m->subject_end - s), most = (size_t)m->steps;
    if (cost > 1) most = most / cost + 1;
    const char *limit = s + (left < most ? left : most);
    const char *end = run_within(m, item, to, s, limit);
    spend(m, (size_t)(end - s) * cost);
    if (end < limit || limit == m->subject_end) return end;
    rest(m);
    s = end;
  }
}

/* ---- captures ----------------------------------------------------------------------------------------------------------------- */

static inline int go_deeper(rl_matcher *m) {
  if (++m->depth <= RL_MATCHER_DEPTH) return GO_ON;
  return fault(m, "pattern too complex", 0), FAULT;
}

static inline int open_capture(rl_matcher *m, match *at) {
  if (m->captures == RL_MATCHER_CAPTURES) return fault(m, "too many captures", 0), FAULT;
  rl_capture *capture = &m->capture[m->captures];
  bool place = at->p + 1 < m->pattern_end && at->p[1] == ')';
  capture->start = at->s;
  capture->len = SIZE_MAX;
  if (!place) m->open |= UINT32_C(1) << m->captures;
  m->captures++;
  at->p += place ? 2 : 1;
  return go_deeper(m);
}

static inline int close_capture(rl_matcher *m, match *at) {
  if (!m->open) return fault(m, "invalid pattern capture", 0), FAULT;
  int last = 31 - __builtin_clz(m->open);
  m->open &= ~(UINT32_C(1) << last);
  m->capture[last].len = (size_t)(at->s - m->capture[last].start);
  at->p++;
  return go_deeper(m);
}

/* ---- parts that are no repetitions: each returns where it ends in the subject, or NULL -------------------------------------- */

/* Matches "%1" to "%9". A capture of a place matches nothing. */
static const char *match_again(rl_matcher *m, const char *s, int digit) {
  int index = digit - '1';
  if (index < 0 || index >= (int)m->captures || m->open >> index & 1)
    return fault(m, "invalid capture index %%%d", index + 1);
  size_t len = m->capture[index].len;
  if (len > (size_t)(m->subject_end - s)) return NULL;
  spend(m, len / 16);
  return memcmp(s, m->capture[index].start, len) == 0 ? s + len : NULL;
}

/* Matches "%bxy". */
static const char *match_balanced(rl_matcher *m, const char *s, const char *p) {
  if (m->pattern_end - p < 4) return fault(m, "malformed pattern (missing arguments to '%%b')", 0);
  if (s == m->subject_end || *s != p[2]) return NULL;
  for (size_t nested = 1; ++s < m->subject_end;) {
    if (--m->steps < 0) rest(m);
    if (*s == p[3]) {
      if (--nested == 0) return s + 1;
    } else if (*s == p[2]) {
      nested++;
    }
  }
  return NULL;
}

/* Matches "%f[set]". The subject counts as having a NUL at either end. */
static const char *match_frontier(rl_matcher *m, const char *s, const char *set, const char *to) {
  unsigned char before = s == m->subject ? 0 : (unsigned char)s[-1];
  unsigned char after = s == m->subject_end ? 0 : (unsigned char)*s;
  return !set_has(m, set, to - 1, before) && set_has(m, set, to - 1, after) ? s : NULL;
}

static const char *frontier_end(rl_matcher *m, const char *p) {
  if (m->pattern_end - p > 2 && p[2] == '[') return set_end(m, p + 2);
  return fault(m, "missing '[' after '%%f' in pattern", 0);
}

static inline bool is_special_escape(char c) { return c == 'b' || c == 'f' || (c >= '0' && c <= '9'); }

/* Matches what "%" begins and is no class. */
static inline int match_escape(rl_matcher *m, match *at) {
  const char *to = at->p + 2, *s;
  if (to[-1] == 'f') {
    if (!(to = frontier_end(m, at->p))) return FAULT;
    s = match_frontier(m, at->s, at->p + 2, to);
  } else if (to[-1] == 'b') {
    s = match_balanced(m, at->s, at->p);
    to += 2;
  } else {
    s = match_again(m, at->s, to[-1]);
  }
  if (!s) return m->fault ? FAULT : GO_BACK;
  at->s = s;
  at->p = to;
  return GO_ON;
}

/* ---- one match -------------------------------------------------------------------------------------------------------------------- */

static inline bool is_optional(int repeat) { return repeat == '*' || repeat == '?' || repeat == '-'; }

static inline way *add_way(rl_matcher *m, match *at, int kind, const char *next) {
  way *w = at->top++;
  w->at = at->s;
  w->next = next;
  w->open = m->open;
  w->kind = (uint8_t)kind;
  w->captures = (uint8_t)m->captures;
  w->depth = (uint8_t)m->depth;
  return w;
}

/* Takes as many as there are, and leaves a way back for each that may be omitted. */
static inline void repeat_greedily(rl_matcher *m, match *at, const char *to) {
  const char *end = run_end(m, at->p, to, at->s + 1);
  const char *least = *to == '+' ? at->s + 1 : at->s;
  if (end > least) {
    way *w = add_way(m, at, GREEDY, to + 1);
    w->least = least;
    w->at = end;
  }
  at->s = end;
}

/* Handles a part for one byte that matches the next byte. The sign at `to` says how often. */
static inline int take_byte(rl_matcher *m, match *at, const char *to) {
  switch (to < m->pattern_end ? *to : 0) {
    case '*':
    case '+': repeat_greedily(m, at, to); break;
    case '-': add_way(m, at, LAZY, to + 1)->item = at->p; break;
    case '?':
      add_way(m, at, OPTIONAL, to + 1);
      at->s++;
      break;
    default:
      at->s++;
      at->p = to;
      return GO_ON;
  }
  at->p = to + 1;
  return go_deeper(m);
}

/* The same if the next byte does not match. */
static inline int leave_out(const rl_matcher *m, match *at, const char *to) {
  if (to == m->pattern_end || !is_optional(*to)) return GO_BACK;
  at->p = to + 1;
  return GO_ON;
}

static inline int match_byte(rl_matcher *m, match *at, const char *to, bool has) {
  return has ? take_byte(m, at, to) : leave_out(m, at, to);
}

static inline int match_class(rl_matcher *m, match *at) {
  const char *to = at->p + 2;
  if (to > m->pattern_end) return fault(m, "malformed pattern (ends with '%%')", 0), FAULT;
  if (is_special_escape(to[-1])) return match_escape(m, at);
  return match_byte(m, at, to, at->s < m->subject_end && class_has(m, (unsigned char)to[-1], (unsigned char)*at->s));
}

static inline int match_set(rl_matcher *m, match *at) {
  const char *to = set_end(m, at->p);
  if (!to) return FAULT;
  return match_byte(m, at, to, at->s < m->subject_end && set_has(m, at->p, to - 1, (unsigned char)*at->s));
}

/* Matches the part at at->p. */
static inline int match_part(rl_matcher *m, match *at) {
  if (at->p == m->pattern_end) return FOUND;
  switch (*at->p) {
    case '(': return open_capture(m, at);
    case ')': return close_capture(m, at);
    case '[': return match_set(m, at);
    case '%': return match_class(m, at);
    case '.': return match_byte(m, at, at->p + 1, at->s < m->subject_end);
    case '$':
      if (at->p + 1 == m->pattern_end) return at->s == m->subject_end ? FOUND : GO_BACK;
      /* fall through */
    default: return match_byte(m, at, at->p + 1, at->s < m->subject_end && *at->s == *at->p);
  }
}

/* Goes back to the last way that was not tried to its end. */
static inline int go_back(rl_matcher *m, match *at, const way *ways) {
  for (; at->top > ways; at->top--) {
    way *w = at->top - 1;
    if (w->kind == LAZY) {
      if (w->at == m->subject_end || !item_has(m, w->item, w->next - 1, (unsigned char)*w->at)) continue;
      w->at++;
    } else if (w->kind == GREEDY) {
      if (--w->at == w->least) at->top--;
    } else {
      at->top--;
    }
    at->s = w->at;
    at->p = w->next;
    m->open = w->open;
    m->captures = w->captures;
    m->depth = w->kind == OPTIONAL ? w->depth : w->depth + 1u;
    return GO_ON;
  }
  return NONE;
}

/* Matches the pattern at this place only. */
static inline int match_at(rl_matcher *m, const char *s, way *ways, const char **end) {
  match at = {s, m->pattern, ways};
  m->captures = m->open = 0;
  m->depth = 1;
  for (;;) {
    if (--m->steps < 0) rest(m);
    int next = match_part(m, &at);
    if (next == GO_BACK) next = go_back(m, &at, ways);
    if (next == GO_ON) continue;
    *end = at.s;
    return next;
  }
}

/* ---- from outside ------------------------------------------------------------------------------------------------------------------- */

/* Returns the byte that every match begins with, so that other places need not be tried; -1 if there is none. */
static int first_byte(const char *p, const char *end) {
  unsigned char c = p < end ? (unsigned char)*p++ : '.';
  if (c == '%') {
    if (p == end || bits_of((unsigned char)*p) || is_nul_class((unsigned char)*p)) return -1;
    c = (unsigned char)*p++;
    if (c == 'b' && end - p >= 2) return (unsigned char)*p;
    if (is_special_escape((char)c)) return -1;
  } else if (specials[c] || c == ')') {
    return -1;
  }
  return p < end && is_optional(*p) ? -1 : c;
}

void rl_matcher_init(rl_matcher *m, rl_slice subject, rl_slice pattern, bool anchors) {
  m->anchored = anchors && pattern.len && pattern.data[0] == '^';
  m->subject = subject.data;
  m->subject_end = subject.data + subject.len;
  m->pattern = pattern.data + m->anchored;
  m->pattern_end = pattern.data + pattern.len;
  m->first = m->anchored ? -1 : first_byte(m->pattern, m->pattern_end);
  m->steps = RL_MATCHER_STEPS;
  m->on_pause = NULL;
  m->fault = NULL;
  m->captures = 0;
}

int rl_matcher_find(rl_matcher *m, const char *from, const char *but, const char **start, const char **end) {
  way ways[RL_MATCHER_DEPTH];
  m->classes = *__ctype_b_loc();
  for (const char *s = from;; s++) {
    if (m->first >= 0) {
      const char *next = s < m->subject_end ? memchr(s, m->first, (size_t)(m->subject_end - s)) : NULL;
      if (!next) return RL_MATCH_NONE;
      spend(m, (size_t)(next - s) / 16);
      s = next;
    }
    int result = match_at(m, s, ways, end);
    if (result == RL_MATCH_FAULT) return result;
    if (result == RL_MATCH_FOUND && *end != but) {
      *start = s;
      return result;
    }
    if (m->anchored || s == m->subject_end) return RL_MATCH_NONE;
  }
}

int rl_matcher_capture(const rl_matcher *m, unsigned index, rl_slice *out) {
  if (index >= m->captures) return RL_CAPTURE_NONE;
  const rl_capture *capture = &m->capture[index];
  *out = rl_slice_of(capture->start, 0);
  if (m->open >> index & 1) return RL_CAPTURE_OPEN;
  if (capture->len == SIZE_MAX) return RL_CAPTURE_PLACE;
  out->len = capture->len;
  return RL_CAPTURE_TEXT;
}

bool rl_matcher_is_plain(rl_slice pattern) {
  for (size_t i = 0; i < pattern.len; i++)
    if (specials[(unsigned char)pattern.data[i]]) return false;
  return true;
}
