/* Fields of HTTP/2 as a request; see head.h. */
#include "http/h2/head.h"

enum { FIRST_FIELDS = 16, FIELD_OVERHEAD = 32, BOMB = 4 };

void rl_h2_head_init(rl_h2_head *head, rl_req *req) { *head = (rl_h2_head){.req = req}; }

static void fail(rl_h2_head *head, rl_fault fault) {
  if (!head->fault) head->fault = fault;
}

static rl_slice keep(rl_h2_head *head, rl_slice text) {
  rl_slice kept = rl_arena_copy(&head->req->arena, text);
  if (!kept.data) fail(head, RL_FAULT_MEMORY);
  return kept;
}

static bool grow(rl_h2_head *head) {
  uint32_t room = head->room ? head->room * 2 : FIRST_FIELDS;
  rl_header *fields = rl_arena_alloc(&head->req->arena, room * sizeof *fields);
  if (!fields) {
    fail(head, RL_FAULT_MEMORY);
    return false;
  }
  if (head->count) memcpy(fields, head->fields, head->count * sizeof *fields);
  head->fields = fields;
  head->room = room;
  return true;
}

static void add_kept(rl_h2_head *head, rl_slice name, rl_slice value, rl_header_id id) {
  if (head->count == head->room && !grow(head)) return;
  head->fields[head->count++] = (rl_header){.name = name, .value = value, .id = (uint8_t)id};
}

/* ":protocol" never comes: it is a malformed request while the setting for it is not sent (RFC 8441 section 3). */
static void add_pseudo(rl_h2_head *head, const rl_limits *limits, rl_slice name, rl_slice value) {
  rl_req *req = head->req;
  switch (name.data[1]) { /* ":method", ":path", ":authority", ":scheme" and no others */
    case 'm':
      req->method_name = keep(head, value);
      req->method = rl_method_of(req->method_name);
      break;
    case 'p':
      if (value.len > limits->request_line) fail(head, RL_FAULT_TARGET_LONG);
      else req->target = keep(head, value);
      break;
    case 'a': head->authority = keep(head, value); break;
    default: break; /* the scheme is the connection's */
  }
}

static void add_field(rl_h2_head *head, rl_slice name, rl_slice value) {
  rl_header_id id = rl_header_id_of(name);
  if (id == RL_HEADER_COOKIE) head->cookies++;
  rl_slice kept_name = id == RL_HEADER_OTHER ? keep(head, name) : rl_header_name(id);
  rl_slice kept_value = keep(head, value);
  if (kept_name.data && kept_value.data) add_kept(head, kept_name, kept_value, id);
}

static rl_fault check_size(const rl_h2_head *head, const rl_limits *limits, rl_slice name, rl_slice value) {
  if (head->seen > limits->fields + (name.data[0] == ':' ? 4 : 0)) return RL_FAULT_FIELDS_MANY;
  if (head->size > limits->fields_size) return RL_FAULT_FIELDS_LARGE;
  return name.data[0] != ':' && name.len + value.len > limits->field ? RL_FAULT_FIELD_LONG : RL_FAULT_NONE;
}

void rl_h2_head_add(rl_h2_head *head, const rl_limits *limits, rl_slice name, rl_slice value) {
  if (!name.len) return;
  head->seen += name.data[0] != ':';
  head->size += name.len + value.len + FIELD_OVERHEAD;
  rl_fault fault = check_size(head, limits, name, value);
  if (fault) fail(head, fault);
  if (head->fault) return;
  if (name.data[0] == ':') add_pseudo(head, limits, name, value);
  else add_field(head, name, value);
}

bool rl_h2_head_is_bomb(const rl_h2_head *head, const rl_limits *limits) {
  return head->seen / BOMB > limits->fields || head->size / BOMB > limits->fields_size;
}

/* ---- the whole head ---------------------------------------------------------------------------------------------------------- */

/* Crumbs become one field, joined by "; " (RFC 9113 section 8.2.3), in the place of the first. */
static rl_fault join_cookies(rl_h2_head *head) {
  size_t size = 0;
  for (uint32_t i = 0; i < head->count; i++)
    if (head->fields[i].id == RL_HEADER_COOKIE) size += head->fields[i].value.len + 2;
  char *text = rl_arena_alloc(&head->req->arena, size), *at = text;
  if (!text) return RL_FAULT_MEMORY;
  uint32_t kept = 0;
  rl_header *whole = NULL;
  for (uint32_t i = 0; i < head->count; i++) {
    rl_header field = head->fields[i];
    bool crumb = field.id == RL_HEADER_COOKIE;
    if (!crumb || !whole) head->fields[kept++] = field;
    if (!crumb) continue;
    if (whole) at = memcpy(at, "; ", 2), at += 2;
    else whole = &head->fields[kept - 1];
    if (field.value.len) memcpy(at, field.value.data, field.value.len);
    at += field.value.len;
  }
  if (whole) whole->value = rl_slice_of(text, (size_t)(at - text));
  head->count = kept;
  return RL_FAULT_NONE;
}

/* The authority is the host; a Host field beside it must say the same (RFC 9113 section 8.3.1). A program finds it in its headers
 * in any case. */
static rl_fault settle_host(rl_h2_head *head) {
  const rl_header *host = rl_header_find(head->fields, head->count, RL_HEADER_HOST);
  if (!head->authority.data) return host ? RL_FAULT_NONE : RL_FAULT_HOST_MISSING;
  if (host) return rl_slice_eq_nocase(host->value, head->authority) ? RL_FAULT_NONE : RL_FAULT_HOST;
  add_kept(head, rl_header_name(RL_HEADER_HOST), head->authority, RL_HEADER_HOST);
  return head->fault;
}

static rl_fault settle_length(rl_h2_head *head, bool ended) {
  rl_req *req = head->req;
  const rl_header *length = rl_header_find(head->fields, head->count, RL_HEADER_CONTENT_LENGTH);
  unsigned long long number = 0;
  req->body_done = ended;
  req->has_length = ended;
  if (!length) return RL_FAULT_NONE;
  if (rl_slice_to_u64(length->value, &number)) return RL_FAULT_LENGTH;
  req->has_length = true;
  req->length = number;
  return ended && number ? RL_FAULT_LENGTH : RL_FAULT_NONE;
}

static rl_fault check_method(const rl_req *req) {
  if (rl_slice_eq(req->method_name, RL_SLICE("CONNECT"))) return RL_FAULT_CONNECT;
  return req->method == RL_METHOD_NONE ? RL_FAULT_METHOD_UNKNOWN : RL_FAULT_NONE;
}

rl_fault rl_h2_head_finish(rl_h2_head *head, bool ended) {
  rl_req *req = head->req;
  rl_fault fault = head->fault;
  req->version = RL_HTTP_2;
  if (!fault) fault = check_method(req);
  if (!fault && head->cookies > 1) fault = join_cookies(head);
  if (!fault) fault = settle_host(head);
  if (!fault) fault = settle_length(head, ended);
  req->headers = head->fields;
  req->header_count = head->count;
  return fault ? fault : rl_req_check(req);
}

rl_fault rl_h2_head_finish_trailers(rl_h2_head *head) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < head->count; i++)
    if (head->fields[i].id == RL_HEADER_OTHER) head->fields[kept++] = head->fields[i];
  head->req->trailers = head->fields;
  head->req->trailer_count = kept;
  return head->fault;
}
