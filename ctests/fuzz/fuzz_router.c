/*
 * The router against a plain second one that tries every route. The input is lines: "+GET /posts/{id:int}" adds a route,
 * "?GET /posts/7" asks for a path.
 */
#include "server/router.h"

#include "base/ascii.h"
#include "base/error.h"
#include "fuzz/fuzz.h"
#include "server/pattern.h"

enum { ROUTES = 64, ANY = RL_METHOD_COUNT, LITERAL = -1, NO_MATCH = -2 };

typedef struct plain_route {
  int method;
  rl_pattern pattern;
} plain_route;

typedef struct table {
  rl_router *router;
  plain_route routes[ROUTES];
  int count;
} table;

/* ---- the second router ---------------------------------------------------------------------------------------------------- */

static const char *const names[] = {"int", "uuid", "float", "slug", "str", "path"};

static int convert_of(const rl_pattern_part *part) {
  if (!part->param) return LITERAL;
  for (int i = 0; i < RL_CONVERT_CUSTOM; i++)
    if (rl_slice_eq(part->converter, rl_slice_str(names[i]))) return i;
  return NO_MATCH;
}

static bool is_digits(rl_slice s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.data[i] < '0' || s.data[i] > '9') return false;
  return s.len > 0;
}

static bool is_integer(rl_slice s) {
  char text[64];
  bool negative = s.len && s.data[0] == '-';
  if (!is_digits(rl_slice_of(s.data + negative, s.len - negative))) return false;
  while (s.len > 40 && s.data[negative] == '0') s.data++, s.len--; /* leading zeros are no digits of the number */
  if (s.len > 40) return false;
  __int128 value = 0;
  snprintf(text, sizeof text, "%.*s", RL_FMT(s));
  for (const char *at = text; *at; at++)
    if (*at >= '0' && *at <= '9') value = value < ((__int128)1 << 100) ? value * 10 + (*at - '0') : value;
  return value <= INT64_MAX || (negative && value == (__int128)INT64_MAX + 1);
}

static bool is_decimal(rl_slice s) {
  bool negative = s.len && s.data[0] == '-';
  s = rl_slice_of(s.data + negative, s.len - negative);
  size_t point = rl_slice_find(s, '.', 0);
  if (point == s.len) return is_digits(s);
  return is_digits(rl_slice_of(s.data, point)) && is_digits(rl_slice_of(s.data + point + 1, s.len - point - 1));
}

static bool is_uuid(rl_slice s) {
  static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (s.len != sizeof shape - 1) return false;
  for (size_t i = 0; i < s.len; i++)
    if (shape[i] == '-' ? s.data[i] != '-' : rl_hex_value(s.data[i]) < 0) return false;
  return true;
}

static bool is_slug(rl_slice s) {
  for (size_t i = 0; i < s.len; i++)
    if (!rl_is((unsigned char)s.data[i], RL_CHAR_ALPHA | RL_CHAR_DIGIT) && s.data[i] != '-' && s.data[i] != '_')
      return false;
  return s.len > 0;
}

static bool accepts(int convert, rl_slice s) {
  switch (convert) {
    case RL_CONVERT_INT: return is_integer(s);
    case RL_CONVERT_UUID: return is_uuid(s);
    case RL_CONVERT_FLOAT: return is_decimal(s);
    case RL_CONVERT_SLUG: return is_slug(s);
    default: return s.len > 0;
  }
}

static bool matches(const rl_pattern *p, rl_slice path) {
  rl_slice rest = path;
  for (size_t i = 0; i < p->count; i++) {
    if (!rest.len || rest.data[0] != '/') return false;
    rest = rl_slice_of(rest.data + 1, rest.len - 1);
    int convert = convert_of(&p->parts[i]);
    size_t end = convert == RL_CONVERT_PATH ? rest.len : rl_slice_find(rest, '/', 0);
    rl_slice segment = rl_slice_of(rest.data, end);
    if (convert == LITERAL ? !rl_slice_eq(segment, p->parts[i].text) : !accepts(convert, segment)) return false;
    rest = rl_slice_of(rest.data + end, rest.len - end);
  }
  return rest.len == 0;
}

/* Less than 0: `a` is tried before `b`. Both match one path. */
static int compare(const plain_route *a, const plain_route *b, int method) {
  for (size_t i = 0; i < a->pattern.count && i < b->pattern.count; i++) {
    int difference = convert_of(&a->pattern.parts[i]) - convert_of(&b->pattern.parts[i]);
    if (difference) return difference;
  }
  if (a->method == method || b->method == method) return a->method == method ? -1 : 1;
  return a->method - b->method; /* GET for HEAD, then any */
}

static bool takes(const plain_route *r, int method) {
  return r->method == method || r->method == ANY || (method == RL_METHOD_HEAD && r->method == RL_METHOD_GET);
}

static int match_plainly(const table *t, int method, rl_slice path, bool *known) {
  int best = -1;
  *known = false;
  for (int i = 0; i < t->count; i++) {
    const plain_route *r = &t->routes[i];
    if (!matches(&r->pattern, path)) continue;
    *known = true;
    if (takes(r, method) && (best < 0 || compare(r, &t->routes[best], method) < 0)) best = i;
  }
  return best;
}

/* ---- the two of them ------------------------------------------------------------------------------------------------------- */

static bool cut(rl_slice line, rl_slice *method, rl_slice *path) {
  size_t space = rl_slice_find(line, ' ', 0);
  if (space == line.len || space == 0) return false;
  *method = rl_slice_of(line.data + 1, space - 1);
  *path = rl_slice_of(line.data + space + 1, line.len - space - 1);
  return true;
}

static void add(table *t, rl_slice method, rl_slice pattern) {
  int taken = -1;
  rl_buf why;
  if (t->count == ROUTES) return;
  rl_buf_init(&why, RL_BUF_NO_LIMIT);
  int code = rl_router_add(t->router, method, pattern, t->count, &taken, &why);
  HOLDS(code == 0 || why.len);
  HOLDS(code != RL_EEXISTS || (taken >= 0 && taken < t->count));
  rl_buf_clear(&why);
  if (!code) {
    plain_route *r = &t->routes[t->count++];
    r->method = rl_slice_eq(method, RL_SLICE("*")) ? ANY : (int)rl_method_of(method);
    HOLDS(rl_pattern_parse(&r->pattern, pattern, &why) == 0);
  }
  rl_buf_free(&why);
}

static void ask(const table *t, rl_slice name, rl_slice path) {
  rl_match match;
  bool known;
  char allow[256];
  rl_method method = rl_method_of(name);
  if (method == RL_METHOD_NONE) return;
  rl_router_match(t->router, method, path, &match);
  HOLDS(match.route == match_plainly(t, (int)method, path, &known));
  if (match.route < 0) {
    HOLDS(match.known_path == known && (match.allow != 0) == known);
    HOLDS(rl_allow_text(match.allow, allow, sizeof allow) < sizeof allow);
    return;
  }
  for (unsigned i = 0; i < match.param_count; i++) {
    HOLDS(match.params[i].name.len && match.params[i].value.len);
    HOLDS(match.params[i].value.data > path.data);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_slice rest = fuzz_slice(data, size), line, method, path;
  table t = {.router = rl_router_new()};
  while (fuzz_line(&rest, &line)) {
    if (!line.len || !cut(line, &method, &path)) continue;
    if (line.data[0] == '+') add(&t, method, path);
    if (line.data[0] == '?') ask(&t, method, path);
  }
  for (int i = 0; i < t.count; i++) rl_pattern_free(&t.routes[i].pattern);
  rl_router_del(t.router);
  return 0;
}
