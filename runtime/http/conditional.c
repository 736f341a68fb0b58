/* The precedence of RFC 9110 section 13.2.2; see conditional.h. */
#include "http/conditional.h"

#include "base/date.h"

static bool is_weak(rl_slice tag) { return tag.len > 2 && tag.data[0] == 'W' && tag.data[1] == '/'; }

static rl_slice opaque(rl_slice tag) { return is_weak(tag) ? rl_slice_of(tag.data + 2, tag.len - 2) : tag; }

static bool same_tag(rl_slice a, rl_slice b, bool strong) {
  if (strong && (is_weak(a) || is_weak(b))) return false;
  return rl_slice_eq(opaque(a), opaque(b));
}

/* "*" or a list that has the tag. */
static bool lists_tag(const rl_req *req, rl_header_id id, rl_slice etag, bool strong) {
  rl_field_list list = rl_req_list(req, id);
  rl_slice element;
  while (rl_field_list_next(&list, &element))
    if (rl_slice_eq(element, RL_SLICE("*")) || (etag.len && same_tag(element, etag, strong))) return true;
  return false;
}

/* A date that cannot be read is ignored (RFC 9110 section 13.1.3). */
static bool parse_date(const rl_req *req, rl_header_id id, int64_t *out) {
  const rl_header *h = rl_header_single(req->headers, req->header_count, id, NULL);
  return h && rl_date_parse(h->value, 0, out) == 0;
}

int rl_conditional(const rl_req *req, rl_slice etag, int64_t modified) {
  bool safe = req->method == RL_METHOD_GET || req->method == RL_METHOD_HEAD;
  int64_t date;
  if (rl_req_header(req, RL_HEADER_IF_MATCH)) {
    if (!lists_tag(req, RL_HEADER_IF_MATCH, etag, true)) return 412;
  } else if (modified >= 0 && parse_date(req, RL_HEADER_IF_UNMODIFIED_SINCE, &date) && modified > date) {
    return 412;
  }
  if (rl_req_header(req, RL_HEADER_IF_NONE_MATCH))
    return lists_tag(req, RL_HEADER_IF_NONE_MATCH, etag, false) ? (safe ? 304 : 412) : 0;
  if (safe && modified >= 0 && parse_date(req, RL_HEADER_IF_MODIFIED_SINCE, &date) && modified <= date) return 304;
  return 0;
}

bool rl_range_applies(const rl_req *req, rl_slice etag, int64_t modified) {
  bool several;
  const rl_header *h = rl_header_single(req->headers, req->header_count, RL_HEADER_IF_RANGE, &several);
  int64_t date;
  if (!h) return !several;
  if (h->value.len && (h->value.data[0] == '"' || h->value.data[0] == 'W')) return same_tag(h->value, etag, true);
  return parse_date(req, RL_HEADER_IF_RANGE, &date) && date == modified;
}
