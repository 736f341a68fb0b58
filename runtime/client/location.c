/* Normalized URLs as slices; see location.h. */
#include "client/location.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "client/address_policy.h"
#include "client/host.h"
#include "client/path.h"

static _Thread_local unsigned long cut_count;

unsigned long rl_location_cut_count(void) { return cut_count; }

/* ---- cutting --------------------------------------------------------------------------------------------------------- */

static rl_slice between(rl_slice text, size_t from, size_t to) { return rl_slice_of(text.data + from, to - from); }

static size_t scheme_len(bool secure) { return secure ? strlen("https://") : strlen("http://"); }

/* Where the host ends that begins at `from`; a zone may stand in its brackets. */
static size_t end_of_host(rl_slice text, size_t from, size_t path) {
  size_t end = text.data[from] == '[' ? rl_slice_find(text, ']', from) + 1 : rl_slice_find(text, ':', from);
  return end < path ? end : path;
}

static int port_of(const rl_location *l) {
  int port = 0;
  for (size_t at = l->host.len + 1; at < l->authority.len; at++) port = port * 10 + (l->authority.data[at] - '0');
  return port ? port : l->secure ? 443 : 80;
}

void rl_location_cut(rl_location *l, rl_slice text) {
  cut_count++;
  l->secure = rl_slice_starts(text, RL_SLICE("https:"));
  size_t from = scheme_len(l->secure), path = rl_slice_find(text, '/', from), query = rl_slice_find(text, '?', path);
  l->text = text;
  l->authority = between(text, from, path);
  l->host = between(text, from, end_of_host(text, from, path));
  l->target = between(text, path, text.len);
  l->path = between(text, path, query);
  l->query = query < text.len ? between(text, query + 1, text.len) : RL_SLICE_NONE;
  l->port = port_of(l);
  l->for_curl = memchr(l->host.data, '%', l->host.len) || rl_host_is_disguised(l->host);
}

static rl_slice moved(rl_slice s, const char *from, const char *to) {
  return s.data ? rl_slice_of(to + (s.data - from), s.len) : s;
}

rl_location rl_location_move(const rl_location *l, const char *text) {
  rl_location to = *l;
  rl_slice *const slices[] = {&to.text, &to.authority, &to.host, &to.target, &to.path, &to.query};
  for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) *slices[i] = moved(*slices[i], l->text.data, text);
  return to;
}

uint64_t rl_location_origin_hash(const rl_location *l) {
  return rl_slice_hash(l->host) * 31 + (unsigned)l->port * 2 + l->secure;
}

/* ---- looking at bytes ------------------------------------------------------------------------------------------------ */

static size_t span(rl_slice text, size_t at, bool (*belongs)(char)) {
  while (at < text.len && belongs(text.data[at])) at++;
  return at;
}

static bool is_of_name(char c) {
  return rl_is((unsigned char)c, RL_CHAR_ALPHA | RL_CHAR_DIGIT) || c == '-' || c == '.' || c == '_';
}
static bool is_of_address(char c) { return rl_is((unsigned char)c, RL_CHAR_HEX) || c == ':' || c == '.'; }
static bool is_digit(char c) { return rl_is((unsigned char)c, RL_CHAR_DIGIT); }
static bool is_of_target(char c) { return rl_is((unsigned char)c, RL_CHAR_URI); }

/* The ends of the parts of a text; 0 for a part that is not as it must be. */
typedef struct shape {
  size_t from, host, path; /* the host, and the path, which begins where the authority ends */
  bool secure, says_default_port;
} shape;

static size_t look_at_host(rl_slice text, size_t at) {
  if (at < text.len && text.data[at] == '[') {
    size_t end = span(text, at + 1, is_of_address);
    return end > at + 1 && end < text.len && text.data[end] == ']' ? end + 1 : 0;
  }
  size_t end = span(text, at, is_of_name);
  return end > at && !rl_host_is_disguised(between(text, at, end)) ? end : 0;
}

/* The port whose colon stands at `at`. */
static size_t look_at_port(rl_slice text, size_t at, shape *s) {
  unsigned long long port;
  size_t end = span(text, at + 1, is_digit);
  rl_slice digits = between(text, at + 1, end);
  if (!digits.len || digits.len > 5 || digits.data[0] == '0' || rl_slice_to_u64(digits, &port) || port > 65535)
    return 0;
  s->says_default_port = port == (s->secure ? 443 : 80);
  return end;
}

static bool look(rl_slice text, shape *s) {
  *s = (shape){.secure = rl_slice_starts(text, RL_SLICE("https://"))};
  if (!s->secure && !rl_slice_starts(text, RL_SLICE("http://"))) return false;
  s->from = scheme_len(s->secure);
  s->host = s->path = look_at_host(text, s->from);
  if (s->host && s->host < text.len && text.data[s->host] == ':') s->path = look_at_port(text, s->host, s);
  if (!s->path || s->path == text.len || text.data[s->path] != '/') return false;
  return span(text, s->path, is_of_target) == text.len;
}

bool rl_location_is_plain(rl_slice text) {
  shape s;
  return look(text, &s);
}

/* Hosts in brackets are left out: an IPv6 address can be written in several ways. */
bool rl_location_take(rl_location *l, rl_slice text) {
  shape s;
  if (text.len > RL_LIMIT_URL || !look(text, &s) || s.says_default_port) return false;
  if (rl_path_has_dots(between(text, s.path, text.len))) return false;
  if (!rl_host_is_settled(between(text, s.from, s.host))) return false;
  rl_location_cut(l, text);
  return true;
}
