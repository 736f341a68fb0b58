/* The rules that a whole head must keep; see request.h. Pure but for the arena. */
#include "http/request.h"

#include "base/ascii.h"
#include "base/error.h"
#include "base/url.h"

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

/* ---- the target ------------------------------------------------------------------------------------------------- */

static bool all_of(rl_slice s, int classes) {
  for (size_t i = 0; i < s.len; i++)
    if (!rl_is((unsigned char)s.data[i], classes)) return false;
  return true;
}

static bool is_ipv6_literal(rl_slice s) {
  if (s.len < 4 || s.data[0] != '[' || s.data[s.len - 1] != ']') return false;
  int colons = 0;
  for (size_t i = 1; i + 1 < s.len; i++) {
    char c = s.data[i];
    if (c == ':') colons++;
    else if (!rl_is((unsigned char)c, RL_CHAR_HEX) && c != '.') return false;
  }
  return colons >= 2;
}

static bool is_reg_name(rl_slice s) {
  if (!s.len || !all_of(s, RL_CHAR_HOST)) return false;
  for (size_t i = 0; i + 1 < s.len; i++)
    if (s.data[i] == '.' && s.data[i + 1] == '.') return false;
  return s.data[0] != '.';
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
 * The scheme is not believed: it is the connection's (aiohttp.md C13). */
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

static rl_fault decode_path(rl_req *req) {
  req->path = req->raw_path;
  if (rl_slice_find(req->raw_path, '%', 0) == req->raw_path.len) return RL_FAULT_NONE;
  char *decoded = rl_arena_alloc(&req->arena, req->raw_path.len);
  if (!decoded) return RL_FAULT_MEMORY;
  long len = rl_path_decode(req->raw_path, decoded);
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

typedef struct framing {
  unsigned hosts, lengths, codings;
  rl_slice host, length, coding;
} framing;

static bool is_unsupported_coding_list(rl_slice value) {
  rl_slice element, last = RL_SLICE_NONE;
  size_t count = 0;
  while (rl_slice_next_element(&value, &element)) last = element, count++;
  return count > 1 && rl_slice_eq_nocase(last, RL_SLICE("chunked"));
}

static rl_fault check_coding(rl_req *req, const framing *f) {
  if (f->lengths) return RL_FAULT_LENGTH_AND_CODING;
  if (f->codings > 1 || req->minor == 0) return RL_FAULT_CODING;
  if (!rl_slice_eq_nocase(f->coding, RL_SLICE("chunked")))
    return is_unsupported_coding_list(f->coding) ? RL_FAULT_CODING_UNKNOWN : RL_FAULT_CODING;
  req->chunked = true;
  return RL_FAULT_NONE;
}

static rl_fault check_length(rl_req *req, const framing *f) {
  unsigned long long length = 0;
  if (f->lengths > 1 || rl_slice_to_u64(f->length, &length)) return RL_FAULT_LENGTH;
  req->has_length = true;
  req->length = length;
  return RL_FAULT_NONE;
}

static rl_fault check_host(rl_req *req, const framing *f) {
  if (f->hosts > 1 || (f->hosts == 0 && req->minor >= 1)) return RL_FAULT_HOST_MISSING;
  if (f->hosts && !rl_authority_is_valid(f->host)) return RL_FAULT_HOST;
  if (!req->host.len) req->host = f->host;
  return RL_FAULT_NONE;
}

static rl_fault check_expect(rl_req *req, rl_slice value) {
  if (req->minor == 0) return RL_FAULT_NONE; /* ignored (RFC 9110 section 10.1.1) */
  if (!rl_slice_eq_nocase(value, RL_SLICE("100-continue"))) return RL_FAULT_EXPECT;
  req->expect_continue = true;
  return RL_FAULT_NONE;
}

/* `close` wins over keep-alive, in whichever field (reliability.md 90). */
static void apply_connection(bool *close, bool *keep, rl_slice value) {
  if (rl_header_has_token(value, RL_SLICE("close"))) *close = true;
  if (rl_header_has_token(value, RL_SLICE("keep-alive"))) *keep = true;
}

rl_fault rl_req_check(rl_req *req) {
  framing f = {0};
  bool close = false, keep = req->minor >= 1;
  for (size_t i = 0; i < req->header_count; i++) {
    const rl_header *h = &req->headers[i];
    rl_fault fault = RL_FAULT_NONE;
    switch (h->id) {
      case RL_HEADER_HOST: f.hosts++, f.host = h->value; break;
      case RL_HEADER_CONTENT_LENGTH: f.lengths++, f.length = h->value; break;
      case RL_HEADER_TRANSFER_ENCODING: f.codings++, f.coding = h->value; break;
      case RL_HEADER_CONNECTION: apply_connection(&close, &keep, h->value); break;
      case RL_HEADER_EXPECT: fault = check_expect(req, h->value); break;
      default: break;
    }
    if (fault) return fault;
  }
  rl_fault fault = f.codings ? check_coding(req, &f) : f.lengths ? check_length(req, &f) : RL_FAULT_NONE;
  if (!fault) fault = check_target(req);
  if (!fault) fault = check_host(req, &f);
  req->keep_alive = keep && !close;
  req->body_done = !req->chunked && !(req->has_length && req->length);
  return fault;
}
