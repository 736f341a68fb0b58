/* The radix tree of router.h. Nodes live until the router goes; strings of patterns are owned by it. */
#include "server/router.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "server/pattern.h"

enum { ANY = RL_METHOD_COUNT };

typedef struct node node;
typedef struct route route;

struct route {
  route *next;
  int id;
  int method; /* rl_method, or ANY */
  rl_pattern pattern;
};

typedef struct branch {
  int convert;
  node *child;
} branch;

struct node {
  rl_slice literal; /* of the edge that leads here */
  node **table;     /* literal children: open addressing, a power of two */
  size_t table_size, table_used;
  branch *branches; /* parameters, in the order in which they are tried */
  size_t branch_count;
  route *routes;
};

typedef struct converter {
  rl_slice name;
  bool (*accepts)(void *ud, int convert, rl_slice segment);
  void *ud;
} converter;

typedef struct scope {
  rl_slice prefix;
  int id;
} scope;

struct rl_router {
  node root;
  converter *custom;
  size_t custom_count;
  scope *scopes;
  size_t scope_count;
};

/* ---- life ----------------------------------------------------------------------------------------------------------- */

rl_router *rl_router_new(void) { return rl_calloc(1, sizeof(rl_router)); }

static void free_node(node *n) {
  for (size_t i = 0; i < n->table_size; i++) {
    if (!n->table[i]) continue;
    free_node(n->table[i]);
    rl_free(n->table[i]);
  }
  for (size_t i = 0; i < n->branch_count; i++) {
    free_node(n->branches[i].child);
    rl_free(n->branches[i].child);
  }
  while (n->routes) {
    route *r = n->routes;
    n->routes = r->next;
    rl_pattern_free(&r->pattern);
    rl_free(r);
  }
  rl_free(n->table);
  rl_free(n->branches);
}

void rl_router_del(rl_router *router) {
  if (!router) return;
  free_node(&router->root);
  for (size_t i = 0; i < router->custom_count; i++) rl_free((char *)(uintptr_t)router->custom[i].name.data);
  for (size_t i = 0; i < router->scope_count; i++) rl_free((char *)(uintptr_t)router->scopes[i].prefix.data);
  rl_free(router->custom);
  rl_free(router->scopes);
  rl_free(router);
}

/* ---- literal children ------------------------------------------------------------------------------------------------ */

/* The keys are the program's own segments. */
static size_t hash(rl_slice s) {
  uint64_t h = rl_slice_hash(s);
  return (size_t)(h ^ (h >> 32));
}

static node *find_literal(const node *n, rl_slice segment) {
  if (!n->table_used) return NULL;
  for (size_t i = hash(segment) & (n->table_size - 1);; i = (i + 1) & (n->table_size - 1)) {
    if (!n->table[i]) return NULL;
    if (rl_slice_eq(n->table[i]->literal, segment)) return n->table[i];
  }
}

static void put_literal(node **table, size_t size, node *child) {
  size_t i = hash(child->literal) & (size - 1);
  while (table[i]) i = (i + 1) & (size - 1);
  table[i] = child;
}

static int grow_table(node *n) {
  if (n->table_used * 2 < n->table_size) return RL_OK;
  size_t size = n->table_size ? n->table_size * 2 : 4;
  node **table = rl_calloc(size, sizeof *table);
  if (!table) return RL_ENOMEM;
  for (size_t i = 0; i < n->table_size; i++)
    if (n->table[i]) put_literal(table, size, n->table[i]);
  rl_free(n->table);
  n->table = table;
  n->table_size = size;
  return RL_OK;
}

static node *literal_child(node *n, rl_slice segment) {
  node *child = find_literal(n, segment);
  if (child) return child;
  if (grow_table(n)) return NULL;
  child = rl_calloc(1, sizeof *child);
  if (!child) return NULL;
  child->literal = segment;
  put_literal(n->table, n->table_size, child);
  n->table_used++;
  return child;
}

/* ---- parameter children ----------------------------------------------------------------------------------------------- */

/* Typed ones in the order of their numbers, own converters after the built-in ones, then str, then path. */
static int rank(int convert) {
  if (convert == RL_CONVERT_STR) return 1 << 20;
  if (convert == RL_CONVERT_PATH) return 1 << 21;
  return convert;
}

static node *param_child(node *n, int convert) {
  size_t at = 0;
  while (at < n->branch_count && rank(n->branches[at].convert) < rank(convert)) at++;
  if (at < n->branch_count && n->branches[at].convert == convert) return n->branches[at].child;
  branch *branches = rl_realloc(n->branches, (n->branch_count + 1) * sizeof *branches);
  if (!branches) return NULL;
  n->branches = branches;
  node *child = rl_calloc(1, sizeof *child);
  if (!child) return NULL;
  memmove(&branches[at + 1], &branches[at], (n->branch_count - at) * sizeof *branches);
  branches[at] = (branch){.convert = convert, .child = child};
  n->branch_count++;
  return child;
}

/* ---- registering ------------------------------------------------------------------------------------------------------ */

static int copy_slice(rl_slice s, rl_slice *copy) {
  char *data = rl_strndup(s.data, s.len);
  *copy = rl_slice_of(data, s.len);
  return data ? RL_OK : RL_ENOMEM;
}

static const rl_slice built_in[] = {{"int", 3}, {"uuid", 4}, {"float", 5}, {"slug", 4}, {"str", 3}, {"path", 4}};

static int find_own_converter(rl_slice name) {
  for (int i = 0; i < RL_CONVERT_CUSTOM; i++)
    if (rl_slice_eq(built_in[i], name)) return i;
  return -1;
}

static int find_converter(const rl_router *router, rl_slice name) {
  int own = find_own_converter(name);
  if (own >= 0) return own;
  for (size_t i = 0; i < router->custom_count; i++)
    if (rl_slice_eq(router->custom[i].name, name)) return RL_CONVERT_CUSTOM + (int)i;
  return -1;
}

int rl_router_converter(rl_router *router, rl_slice name, bool (*accepts)(void *ud, int convert, rl_slice segment),
                        void *ud) {
  if (find_converter(router, name) >= 0) return RL_EEXISTS;
  converter *custom = rl_realloc(router->custom, (router->custom_count + 1) * sizeof *custom);
  if (!custom) return RL_ENOMEM;
  router->custom = custom;
  custom[router->custom_count] = (converter){.accepts = accepts, .ud = ud};
  int code = copy_slice(name, &custom[router->custom_count].name);
  if (!code) router->custom_count++;
  return code;
}

/* The node a pattern ends at, made on the way. Returns NULL if out of memory. */
static node *plant(rl_router *router, const rl_pattern *pattern) {
  node *n = &router->root;
  for (size_t i = 0; n && i < pattern->count; i++) {
    const rl_pattern_part *part = &pattern->parts[i];
    n = part->param ? param_child(n, part->convert) : literal_child(n, part->text);
  }
  return n;
}

static const route *route_for(const node *n, int method) {
  for (const route *r = n->routes; r; r = r->next)
    if (r->method == method) return r;
  return NULL;
}

/* Says which there are, and which may be meant. */
static void name_converters(const rl_router *router, const rl_pattern_part *part, rl_buf *why) {
  rl_slice meant = rl_pattern_converter_of(part->converter);
  rl_buf_addf(why, "no converter '%.*s'; there are ", RL_FMT(part->converter));
  for (int i = 0; i < RL_CONVERT_CUSTOM; i++) rl_buf_addf(why, "%s%.*s", i ? ", " : "", RL_FMT(built_in[i]));
  for (size_t i = 0; i < router->custom_count; i++) rl_buf_addf(why, ", %.*s", RL_FMT(router->custom[i].name));
  if (find_converter(router, part->text) >= 0) /* {int:id} */
    rl_buf_addf(why, ": the name comes first, {%.*s:%.*s}", RL_FMT(part->converter), RL_FMT(part->text));
  else if (find_converter(router, meant) >= 0)
    rl_buf_addf(why, ": write {%.*s:%.*s}", RL_FMT(part->text), RL_FMT(meant));
  else rl_buf_addf(why, "; app:converter(\"%.*s\", {pattern=, parse=}) would add it", RL_FMT(part->converter));
}

static int resolve_converters(rl_router *router, rl_pattern *pattern, rl_buf *why) {
  for (size_t i = 0; i < pattern->count; i++) {
    rl_pattern_part *part = &pattern->parts[i];
    if (!part->param) continue;
    part->convert = find_converter(router, part->converter);
    if (part->convert < 0) {
      name_converters(router, part, why);
      return RL_ENOTFOUND;
    }
    if (part->convert == RL_CONVERT_PATH && i + 1 < pattern->count) {
      rl_buf_addf(why, "{%.*s:path} takes the rest of the path, so nothing can follow it", RL_FMT(part->text));
      return RL_ESYNTAX;
    }
  }
  return RL_OK;
}

static int method_of(rl_slice name, rl_buf *why) {
  if (rl_slice_eq(name, RL_SLICE("*"))) return ANY;
  rl_method method = rl_method_of(name);
  if (method != RL_METHOD_NONE) return (int)method;
  rl_buf_addf(why, "no method '%.*s' (names are in capitals)", RL_FMT(name));
  return RL_ESYNTAX;
}

static int add_parsed(rl_router *router, route *r, int *taken, rl_buf *why) {
  int code = resolve_converters(router, &r->pattern, why);
  if (code) return code;
  node *n = plant(router, &r->pattern);
  if (!n) return RL_ENOMEM;
  const route *other = route_for(n, r->method);
  if (other) {
    *taken = other->id;
    rl_buf_addf(why, "the same method and path are taken already");
    return RL_EEXISTS;
  }
  r->next = n->routes;
  n->routes = r;
  return RL_OK;
}

int rl_router_add(rl_router *router, rl_slice method, rl_slice pattern, int id, int *taken, rl_buf *why) {
  int number = method_of(method, why);
  if (number < 0) return number;
  route *r = rl_calloc(1, sizeof *r);
  if (!r) return RL_ENOMEM;
  r->id = id;
  r->method = number;
  int code = rl_pattern_parse(&r->pattern, pattern, why);
  if (!code) code = add_parsed(router, r, taken, why);
  if (code) {
    rl_pattern_free(&r->pattern);
    rl_free(r);
  }
  return code;
}

int rl_router_scope(rl_router *router, rl_slice prefix, int id) {
  scope *scopes = rl_realloc(router->scopes, (router->scope_count + 1) * sizeof *scopes);
  if (!scopes) return RL_ENOMEM;
  router->scopes = scopes;
  scopes[router->scope_count].id = id;
  int code = copy_slice(prefix, &scopes[router->scope_count].prefix);
  if (!code) router->scope_count++;
  return code;
}

/* ---- matching --------------------------------------------------------------------------------------------------------- */

static bool all_of(rl_slice s, int classes, const char *others) {
  for (size_t i = 0; i < s.len; i++)
    if (!rl_is((unsigned char)s.data[i], classes) && !(s.data[i] && strchr(others, s.data[i]))) return false;
  return s.len > 0;
}

static rl_slice without_sign(rl_slice s) { return s.len && s.data[0] == '-' ? rl_slice_of(s.data + 1, s.len - 1) : s; }

static bool is_int(rl_slice s) {
  rl_slice digits = without_sign(s);
  unsigned long long value = 0;
  if (rl_slice_to_u64(digits, &value)) return false;
  return value <= (unsigned long long)INT64_MAX + (digits.len < s.len);
}

static bool is_float(rl_slice s) {
  rl_slice digits = without_sign(s);
  size_t point = rl_slice_find(digits, '.', 0);
  if (!all_of(rl_slice_of(digits.data, point), RL_CHAR_DIGIT, "")) return false;
  if (point == digits.len) return true;
  return all_of(rl_slice_of(digits.data + point + 1, digits.len - point - 1), RL_CHAR_DIGIT, "");
}

static bool is_uuid(rl_slice s) {
  if (s.len != 36) return false;
  for (size_t i = 0; i < 36; i++) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? s.data[i] != '-' : !rl_is((unsigned char)s.data[i], RL_CHAR_HEX)) return false;
  }
  return true;
}

/* The tests of the converters that have one. */
static bool own_accepts(int convert, rl_slice segment) {
  switch (convert) {
    case RL_CONVERT_INT: return is_int(segment);
    case RL_CONVERT_UUID: return is_uuid(segment);
    case RL_CONVERT_FLOAT: return is_float(segment);
    case RL_CONVERT_SLUG: return all_of(segment, RL_CHAR_DIGIT | RL_CHAR_ALPHA, "-_");
    case RL_CONVERT_STR:
    case RL_CONVERT_PATH: return segment.len > 0;
    default: return false;
  }
}

static bool accepts(const rl_router *router, int convert, rl_slice segment) {
  if (convert < RL_CONVERT_CUSTOM) return own_accepts(convert, segment);
  const converter *custom = &router->custom[convert - RL_CONVERT_CUSTOM];
  return segment.len > 0 && custom->accepts(custom->ud, convert, segment);
}

bool rl_convert_fits(rl_slice name, rl_slice segment) {
  int convert = find_own_converter(name);
  return convert < 0 || own_accepts(convert, segment);
}

typedef struct walk {
  const rl_router *router;
  rl_method method;
  rl_match *match;
  const char *end;
} walk;

static uint32_t bit(int method) { return UINT32_C(1) << method; }

static uint32_t allowed(const node *n) {
  uint32_t set = 0;
  for (const route *r = n->routes; r; r = r->next) set |= r->method == ANY ? bit(RL_METHOD_COUNT) - 1 : bit(r->method);
  if (set & bit(RL_METHOD_GET)) set |= bit(RL_METHOD_HEAD);
  return set ? set | bit(RL_METHOD_OPTIONS) : 0;
}

/* The path ends at `n`: a route for the method, for GET if it is HEAD, or for any. */
static bool arrive(walk *w, const node *n) {
  if (!n->routes) return false;
  const route *r = route_for(n, (int)w->method);
  if (!r && w->method == RL_METHOD_HEAD) r = route_for(n, RL_METHOD_GET);
  if (!r) r = route_for(n, ANY);
  if (!r) {
    w->match->known_path = true;
    w->match->allow |= allowed(n);
    return false;
  }
  w->match->route = r->id;
  for (size_t i = 0, p = 0; i < r->pattern.count; i++)
    if (r->pattern.parts[i].param) w->match->params[p++].name = r->pattern.parts[i].text;
  return true;
}

static bool descend(walk *w, const node *n, const char *at);

/* Behind a segment: its slash, or the end of the path. */
static bool go_on(walk *w, const node *child, const char *end) {
  return end == w->end ? arrive(w, child) : descend(w, child, end + 1);
}

static bool descend(walk *w, const node *n, const char *at) {
  const char *slash = memchr(at, '/', (size_t)(w->end - at)), *end = slash ? slash : w->end;
  rl_slice segment = {at, (size_t)(end - at)};
  const node *literal = find_literal(n, segment);
  if (literal && go_on(w, literal, end)) return true;
  for (size_t i = 0; i < n->branch_count; i++) {
    int convert = n->branches[i].convert;
    const char *upto = convert == RL_CONVERT_PATH ? w->end : end;
    rl_slice value = {at, (size_t)(upto - at)};
    if (!accepts(w->router, convert, value)) continue;
    w->match->params[w->match->param_count++] = (rl_param){.value = value, .convert = convert};
    if (go_on(w, n->branches[i].child, upto)) return true;
    w->match->param_count--;
  }
  return false;
}

static bool is_below(rl_slice path, rl_slice prefix) {
  return rl_slice_starts(path, prefix) && (path.len == prefix.len || path.data[prefix.len] == '/');
}

static int find_scope(const rl_router *router, rl_slice path) {
  const scope *best = NULL;
  for (size_t i = 0; i < router->scope_count; i++) {
    const scope *s = &router->scopes[i];
    if (is_below(path, s->prefix) && (!best || s->prefix.len >= best->prefix.len)) best = s;
  }
  return best ? best->id : 0;
}

void rl_router_match(const rl_router *router, rl_method method, rl_slice path, rl_match *match) {
  match->route = -1;
  match->known_path = false;
  match->allow = 0;
  match->scope = 0;
  match->param_count = 0;
  walk w = {.router = router, .method = method, .match = match, .end = path.data + path.len};
  if (path.len && path.data[0] == '/' && descend(&w, &router->root, path.data + 1)) return;
  match->param_count = 0;
  match->scope = find_scope(router, path);
}

size_t rl_allow_text(uint32_t allow, char *out, size_t size) {
  size_t len = 0;
  for (int m = 0; m < RL_METHOD_COUNT; m++) {
    if (!(allow & bit(m))) continue;
    rl_slice name = rl_method_name((rl_method)m);
    int n = snprintf(out + len, size - len, "%s%.*s", len ? ", " : "", RL_FMT(name));
    if (n < 0 || (size_t)n >= size - len) break;
    len += (size_t)n;
  }
  out[len] = 0;
  return len;
}
