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
static bool lists_tag(rl_slice list, rl_slice etag, bool strong) {
  if (rl_slice_eq(list, RL_SLICE("*"))) return true;
  rl_slice element;
  while (etag.len && rl_slice_next_element(&list, &element))
    if (same_tag(element, etag, strong)) return true;
  return false;
}

/* A date that cannot be read is ignored (RFC 9110 section 13.1.3). */
static bool parse_date(const rl_header *h, int64_t *out) { return h && rl_date_parse(h->value, 0, out) == 0; }

int rl_conditional(const rl_req *req, rl_slice etag, int64_t modified) {
  const rl_header *match = rl_req_header(req, RL_HEADER_IF_MATCH), *none = rl_req_header(req, RL_HEADER_IF_NONE_MATCH);
  bool safe = req->method == RL_METHOD_GET || req->method == RL_METHOD_HEAD;
  int64_t date;
  if (match) {
    if (!lists_tag(match->value, etag, true)) return 412;
  } else if (modified >= 0 && parse_date(rl_req_header(req, RL_HEADER_IF_UNMODIFIED_SINCE), &date) && modified > date) {
    return 412;
  }
  if (none) return lists_tag(none->value, etag, false) ? (safe ? 304 : 412) : 0;
  if (safe && modified >= 0 && parse_date(rl_req_header(req, RL_HEADER_IF_MODIFIED_SINCE), &date) && modified <= date)
    return 304;
  return 0;
}

bool rl_range_applies(const rl_req *req, rl_slice etag, int64_t modified) {
  const rl_header *h = rl_req_header(req, RL_HEADER_IF_RANGE);
  int64_t date;
  if (!h) return true;
  if (h->value.len && (h->value.data[0] == '"' || h->value.data[0] == 'W')) return same_tag(h->value, etag, true);
  return parse_date(h, &date) && date == modified;
}
