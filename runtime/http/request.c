/* The rules that a whole head must keep; see request.h. Pure but for the arena. */
#include "http/request.h"

#include <arpa/inet.h>
#include <sys/random.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/url.h"

const char *rl_version_text(rl_version version) {
  if (version >= RL_HTTP_2) return "2";
  return version >= RL_HTTP_1_1 ? "1.1" : "1.0";
}

rl_req *rl_req_new(rl_chunk_pool *pool) {
  rl_arena arena;
  rl_arena_init(&arena, pool);
  rl_req *req = rl_arena_alloc(&arena, sizeof *req);
  if (!req) return NULL;
  memset(req, 0, sizeof *req);
  req->arena = arena;
  req->body_limit = RL_LIMIT_BODY;
  return req;
}

void rl_req_free(rl_req *req) {
  rl_arena arena = req->arena; /* the request stands in its own arena */
  rl_arena_free(&arena);
}

/* ---- its name in logs ------------------------------------------------------------------------------------------------ */

/* A counter, permuted in 64 bits (splitmix64, Steele et al. 2014), from a random start for each thread. */
static uint64_t next_id(void) {
  static _Thread_local uint64_t state;
  if (!state && getrandom(&state, sizeof state, 0) != sizeof state) state = (uint64_t)(uintptr_t)&state;
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

rl_slice rl_req_id(rl_req *req) {
  enum { DIGITS = 16 };
  if (req->id.len) return req->id;
  char *text = rl_arena_alloc(&req->arena, DIGITS);
  if (!text) return RL_SLICE("-");
  uint64_t id = next_id();
  for (int i = 0; i < DIGITS; i++) text[i] = "0123456789abcdef"[id >> (60 - 4 * i) & 15];
  req->id = rl_slice_of(text, DIGITS);
  return req->id;
}

/* ---- the target ------------------------------------------------------------------------------------------------- */

static bool all_of(rl_slice s, int classes) {
  for (size_t i = 0; i < s.len; i++)
    if (!rl_is((unsigned char)s.data[i], classes)) return false;
  return true;
}

/* "[…]" with an IPv6 address in it, without a zone. */
static bool is_ipv6_literal(rl_slice s) {
  char text[INET6_ADDRSTRLEN];
  struct in6_addr address;
  if (s.len < 4 || s.len - 2 >= sizeof text || s.data[s.len - 1] != ']') return false;
  memcpy(text, s.data + 1, s.len - 2);
  text[s.len - 2] = 0;
  return inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_reg_name(rl_slice s) {
  char before = '.';
  for (size_t i = 0; i < s.len; before = s.data[i++])
    if (!rl_is((unsigned char)s.data[i], RL_CHAR_HOST) || (s.data[i] == '.' && before == '.')) return false;
  return s.len > 0;
}

static bool is_port(rl_slice s) {
  unsigned long long number = 0;
  return !s.len || (s.len <= 5 && rl_slice_to_u64(s, &number) == 0 && number <= 65535);
}

bool rl_authority_is_valid(rl_slice authority) {
  size_t end;
  if (authority.len && authority.data[0] == '[') {
    end = rl_slice_find(authority, ']', 0);
    if (end == authority.len) return false;
    end++;
    if (!is_ipv6_literal(rl_slice_of(authority.data, end))) return false;
  } else {
    end = rl_slice_find(authority, ':', 0);
    if (!is_reg_name(rl_slice_of(authority.data, end))) return false;
  }
  if (end == authority.len) return true;
  return authority.data[end] == ':' && is_port(rl_slice_of(authority.data + end + 1, authority.len - end - 1));
}

/* Length of "http://" or "https://" in any case at the front, or 0. */
static size_t scheme_length(rl_slice target) {
  if (target.len > 7 && rl_slice_eq_nocase(rl_slice_of(target.data, 7), RL_SLICE("http://"))) return 7;
  if (target.len > 8 && rl_slice_eq_nocase(rl_slice_of(target.data, 8), RL_SLICE("https://"))) return 8;
  return 0;
}

/* Absolute form: the authority becomes the host, whatever Host says (RFC 9112 section 3.2.2); what is left is the path.
 * The scheme is not believed: it is the connection's (RFC 9112 section 3.3). */
static bool take_authority(rl_req *req, rl_slice *rest) {
  size_t skip = scheme_length(*rest);
  if (!skip) return false;
  rl_slice after = rl_slice_of(rest->data + skip, rest->len - skip);
  size_t end = 0;
  while (end < after.len && after.data[end] != '/' && after.data[end] != '?') end++;
  req->host = rl_slice_of(after.data, end);
  *rest = rl_slice_of(after.data + end, after.len - end);
  return rl_authority_is_valid(req->host);
}

/* Leading slashes count as one: "//evil.com" in a Location would lead to another host (CWE-601). */
static rl_slice with_one_slash(rl_slice path) {
  while (path.len > 1 && path.data[1] == '/') path.data++, path.len--;
  return path;
}

static rl_fault decode_path(rl_req *req) {
  rl_slice raw = with_one_slash(req->raw_path);
  req->path = raw;
  if (rl_slice_find(raw, '%', 0) == raw.len) return RL_FAULT_NONE;
  char *decoded = rl_arena_alloc(&req->arena, raw.len);
  if (!decoded) return RL_FAULT_MEMORY;
  long len = rl_path_decode(raw, decoded);
  if (len < 0) return RL_FAULT_TARGET;
  req->path = rl_slice_of(decoded, (size_t)len);
  return RL_FAULT_NONE;
}

static rl_fault check_target(rl_req *req) {
  rl_slice rest = req->target;
  if (!all_of(rest, RL_CHAR_URI)) return RL_FAULT_TARGET;
  if (rl_slice_eq(rest, RL_SLICE("*"))) {
    if (req->method != RL_METHOD_OPTIONS) return RL_FAULT_TARGET;
    req->raw_path = req->path = rest;
    return RL_FAULT_NONE;
  }
  if (rest.len && rest.data[0] != '/' && !take_authority(req, &rest)) return RL_FAULT_TARGET;
  size_t mark = rl_slice_find(rest, '?', 0);
  req->raw_path = mark ? rl_slice_of(rest.data, mark) : RL_SLICE("/"); /* "http://host" and "http://host?q" */
  if (mark < rest.len) req->query = rl_slice_of(rest.data + mark + 1, rest.len - mark - 1);
  return decode_path(req);
}

/* ---- the fields ------------------------------------------------------------------------------------------------- */

static rl_fault check_host(rl_req *req, unsigned hosts, rl_slice host) {
  if (hosts > 1 || (hosts == 0 && req->version >= RL_HTTP_1_1)) return RL_FAULT_HOST_MISSING;
  if (hosts && !rl_authority_is_valid(host)) return RL_FAULT_HOST;
  if (!req->host.len) req->host = host;
  return RL_FAULT_NONE;
}

static rl_fault check_expect(rl_req *req, rl_slice value) {
  rl_field_list list = rl_field_list_text(value);
  rl_slice element;
  bool met = false;
  if (req->version < RL_HTTP_1_1) return RL_FAULT_NONE; /* ignored (RFC 9110 section 10.1.1) */
  while (rl_field_list_next(&list, &element)) {
    met = rl_slice_eq_nocase(element, RL_SLICE("100-continue"));
    if (!met) return RL_FAULT_EXPECT;
  }
  req->expect_continue = met;
  return met ? RL_FAULT_NONE : RL_FAULT_EXPECT;
}

rl_fault rl_req_check(rl_req *req) {
  unsigned hosts = 0;
  rl_slice host = RL_SLICE_NONE;
  for (size_t i = 0; i < req->header_count; i++) {
    const rl_header *h = &req->headers[i];
    if (h->id == RL_HEADER_HOST) hosts++, host = h->value;
    rl_fault fault = h->id == RL_HEADER_EXPECT ? check_expect(req, h->value) : RL_FAULT_NONE;
    if (fault) return fault;
  }
  rl_fault fault = check_target(req);
  return fault ? fault : check_host(req, hosts, host);
}

/* Returns an authority without its port: "[::1]:80" is "[::1]". */
static rl_slice without_port(rl_slice authority) {
  size_t end = authority.len;
  while (end && rl_is((unsigned char)authority.data[end - 1], RL_CHAR_DIGIT)) end--;
  return end && authority.data[end - 1] == ':' ? rl_slice_of(authority.data, end - 1) : authority;
}

rl_slice rl_authority_name(rl_slice authority, char out[RL_HOST_NAME]) {
  rl_slice name = without_port(authority);
  if (name.len > 2 && name.data[0] == '[') name = rl_slice_of(name.data + 1, name.len - 2);
  if (name.len && name.data[name.len - 1] == '.') name.len--;
  if (name.len >= RL_HOST_NAME) return RL_SLICE_NONE;
  for (size_t i = 0; i < name.len; i++) out[i] = rl_lower(name.data[i]);
  return rl_slice_of(out, name.len);
}
