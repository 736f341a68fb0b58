/* The reader of requests, on llhttp; see read.h. A usual head takes the fast path instead (fast_head.h). */
#include "http/h1/read.h"

#include "base/error.h"
#include "http/h1/fast_head.h"

enum { IN_HEAD, IN_BODY, FAILED };
enum { FIRST_FIELDS = 16 };

static rl_h1_reader *reader_of(llhttp_t *parser) { return parser->data; }

/* ---- llhttp's callbacks ------------------------------------------------------------------------------------------ */

/* The head lies in one buffer, so each span comes whole, in one call. */
static int on_url(llhttp_t *parser, const char *at, size_t len) {
  reader_of(parser)->req->target = rl_slice_of(at, len);
  return HPE_OK;
}

static int grow_fields(rl_h1_reader *r) {
  size_t room = r->room ? r->room * 2 : FIRST_FIELDS;
  rl_header *fields = rl_arena_alloc(&r->req->arena, room * sizeof *fields);
  if (!fields) return -1;
  if (r->filled) memcpy(fields, r->filling, r->filled * sizeof *fields);
  r->filling = fields;
  r->room = room;
  return 0;
}

/* Returns the field that was added, or NULL without memory. */
static rl_header *add_field(rl_h1_reader *r, rl_slice name, rl_slice value) {
  if (r->filled == r->room && grow_fields(r)) return NULL;
  rl_header *field = &r->filling[r->filled++];
  *field = (rl_header){.name = name, .value = value, .id = (uint8_t)rl_header_id_of(name)};
  return field;
}

static int on_field(llhttp_t *parser, const char *at, size_t len) {
  return add_field(reader_of(parser), rl_slice_of(at, len), rl_slice_of(at + len, 0)) ? HPE_OK : HPE_USER;
}

static int on_value(llhttp_t *parser, const char *at, size_t len) {
  rl_h1_reader *r = reader_of(parser);
  if (!r->filled) return HPE_USER;
  r->filling[r->filled - 1].value = rl_slice_trim(rl_slice_of(at, len));
  return HPE_OK;
}

/* The head ends here for us whatever the parser thinks of Upgrade; what follows is decided by rl_req_check. */
static int on_headers_complete(llhttp_t *parser) {
  parser->upgrade = 0;
  return HPE_OK;
}

static const llhttp_settings_t settings = {.on_url = on_url,
                                           .on_header_field = on_field,
                                           .on_header_value = on_value,
                                           .on_headers_complete = on_headers_complete};

/* ---- life -------------------------------------------------------------------------------------------------------- */

void rl_h1_reader_init(rl_h1_reader *r, const rl_limits *limits, rl_chunk_pool *chunks) {
  memset(r, 0, sizeof *r);
  r->limits = limits;
  r->chunks = chunks;
  rl_section_init(&r->section, limits->request_line + limits->fields_size + RL_LIMIT_READ_BUFFER);
}

void rl_h1_reader_free(rl_h1_reader *r) { rl_section_free(&r->section); }

bool rl_h1_is_idle(const rl_h1_reader *r) { return r->state == IN_HEAD && rl_section_is_empty(&r->section); }

bool rl_h1_has_news(const rl_h1_reader *r) {
  return r->state == IN_BODY && rl_h1_body_has_news(&r->body, r->req->body_limit);
}

static rl_h1_event fault(rl_h1_reader *r, rl_fault code) {
  r->fault = code;
  r->state = FAILED;
  return RL_H1_FAULT;
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */

static bool has_coding(const rl_h1_reader *r) {
  for (size_t i = 0; i < r->filled; i++)
    if (r->filling[i].id == RL_HEADER_TRANSFER_ENCODING) return true;
  return false;
}

static rl_fault fault_of_llhttp(const rl_h1_reader *r, llhttp_errno_t code) {
  switch (code) {
    case HPE_USER: return RL_FAULT_MEMORY;
    case HPE_INVALID_METHOD: return RL_FAULT_METHOD_UNKNOWN;
    case HPE_INVALID_URL: return RL_FAULT_TARGET;
    case HPE_INVALID_VERSION:
    case HPE_INVALID_CONSTANT: return RL_FAULT_REQUEST_LINE;
    case HPE_INVALID_CONTENT_LENGTH: return RL_FAULT_LENGTH;
    case HPE_UNEXPECTED_CONTENT_LENGTH: return has_coding(r) ? RL_FAULT_LENGTH_AND_CODING : RL_FAULT_LENGTH;
    case HPE_INVALID_TRANSFER_ENCODING: return RL_FAULT_CODING;
    default: return RL_FAULT_HEADER;
  }
}

/* llhttp sees the head and nothing else. Only what it says at the end counts: callbacks fire before it refuses some
 * transfer codings (RFC 9112 section 6.1). */
static rl_fault parse_head(rl_h1_reader *r, rl_slice head) {
  rl_req *req = r->req;
  rl_slice copy = rl_arena_copy(&req->arena, head);
  if (!copy.data) return RL_FAULT_MEMORY;
  if (r->section.scan.unusual) rl_head_make_usual((char *)(uintptr_t)copy.data, copy.len);
  req->method_name = rl_slice_of(copy.data, rl_slice_find(copy, ' ', 0));
  req->method = rl_method_of(req->method_name);
  if (rl_slice_eq(req->method_name, RL_SLICE("CONNECT"))) return RL_FAULT_CONNECT;
  if (req->method == RL_METHOD_NONE) return RL_FAULT_METHOD_UNKNOWN;
  r->filling = NULL;
  r->filled = r->room = 0;
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = r;
  llhttp_errno_t code = llhttp_execute(&parser, copy.data, copy.len);
  if (code != HPE_OK && code != HPE_PAUSED) return fault_of_llhttp(r, code);
  req->version = parser.http_minor ? RL_HTTP_1_1 : RL_HTTP_1_0;
  req->headers = r->filling;
  req->header_count = r->filled;
  rl_fault bad = rl_h1_check_framing(req, &r->message);
  return bad ? bad : rl_req_check(req);
}

static void start_body(rl_h1_reader *r) {
  rl_section_reset(&r->section, RL_HEAD_OF_REQUEST);
  if (r->req->body_done) {
    r->req = NULL;
    return;
  }
  if (r->message.chunked) rl_h1_body_start_chunks(&r->body, &r->section, r->limits->fields);
  else rl_h1_body_start_length(&r->body, r->req->length);
  r->state = IN_BODY;
}

static rl_h1_event begin_message(rl_h1_reader *r) {
  r->head = r->req;
  start_body(r);
  return RL_H1_HEAD;
}

static rl_h1_event refuse_head(rl_h1_reader *r, rl_fault code) {
  if (r->req) rl_req_free(r->req);
  r->req = NULL;
  return fault(r, code);
}

static rl_slice rebase(rl_slice s, const char *from, const char *to) {
  return rl_slice_of(to + (s.data - from), s.len);
}

/* Moves a head that was cut in the input into the request's arena. */
static rl_fault take_head(rl_h1_reader *r, const rl_fast_head *head, const char *input) {
  rl_req *req = r->req;
  const char *copy = rl_arena_copy(&req->arena, rl_slice_of(input, head->len)).data;
  rl_header *fields = rl_arena_alloc(&req->arena, head->field_count * sizeof *fields);
  if (!copy || !fields) return RL_FAULT_MEMORY;
  for (size_t i = 0; i < head->field_count; i++) {
    const rl_header *field = &head->fields[i];
    fields[i] = (rl_header){
        .name = rebase(field->name, input, copy), .value = rebase(field->value, input, copy), .id = field->id};
  }
  req->method_name = rebase(head->method_name, input, copy);
  req->method = head->method;
  req->target = rebase(head->target, input, copy);
  req->version = (uint8_t)head->version;
  req->headers = fields;
  req->header_count = head->field_count;
  rl_fault bad = rl_h1_check_framing(req, &r->message);
  return bad ? bad : rl_req_check(req);
}

static rl_h1_event next_fast_head(rl_h1_reader *r, rl_slice *in, const rl_fast_head *head) {
  r->req = rl_req_new(r->chunks);
  rl_fault code = r->req ? take_head(r, head, in->data) : RL_FAULT_MEMORY;
  rl_slice_skip(in, head->len);
  return code ? refuse_head(r, code) : begin_message(r);
}

static rl_h1_event next_head(rl_h1_reader *r, rl_slice *in) {
  rl_fast_head fast;
  if (rl_section_is_empty(&r->section) && rl_fast_head_cut(*in, r->limits, &fast)) return next_fast_head(r, in, &fast);
  rl_slice section;
  rl_fault code;
  int found = rl_section_next(&r->section, in, r->limits, &section, &code);
  if (found <= 0) return found ? fault(r, code) : RL_H1_MORE;
  r->req = rl_req_new(r->chunks);
  code = r->req ? parse_head(r, section) : RL_FAULT_MEMORY;
  return code ? refuse_head(r, code) : begin_message(r);
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

static rl_h1_event end_message(rl_h1_reader *r) {
  r->state = IN_HEAD;
  r->req = NULL;
  rl_section_reset(&r->section, RL_HEAD_OF_REQUEST);
  return RL_H1_END;
}

static rl_fault check_trailers(const rl_h1_reader *r) {
  for (size_t i = 0; i < r->filled; i++)
    if (r->filling[i].id == RL_HEADER_CONTENT_LENGTH || r->filling[i].id == RL_HEADER_TRANSFER_ENCODING)
      return RL_FAULT_TRAILER;
  return RL_FAULT_NONE;
}

/* Kept apart from the headers, and without the names that the house looks at: those mean something in a head, and framing,
 * routing or authentication must not come from a trailer (RFC 9110 section 6.5.1). */
static void keep_trailers(rl_h1_reader *r) {
  size_t kept = 0;
  for (size_t i = 0; i < r->filled; i++)
    if (r->filling[i].id == RL_HEADER_OTHER) r->filling[kept++] = r->filling[i];
  r->req->trailers = r->filling;
  r->req->trailer_count = kept;
}

static rl_fault cut_trailers(rl_h1_reader *r, rl_slice section) {
  rl_slice rest = rl_arena_copy(&r->req->arena, section), name, value;
  if (!rest.data) return RL_FAULT_MEMORY;
  r->filling = NULL;
  r->filled = r->room = 0;
  for (size_t end; (end = rl_slice_find(rest, '\r', 0)); rl_slice_skip(&rest, end + 2)) {
    if (!rl_field_cut(rl_slice_of(rest.data, end), &name, &value)) return RL_FAULT_TRAILER;
    if (!add_field(r, name, value)) return RL_FAULT_MEMORY;
  }
  rl_fault bad = check_trailers(r);
  if (!bad) keep_trailers(r);
  return bad;
}

static rl_h1_event next_of_body(rl_h1_reader *r, rl_slice *in) {
  for (;;) {
    rl_fault bad = RL_FAULT_NONE;
    switch (rl_h1_body_next(&r->body, in, r->req->body_limit)) {
      case RL_BODY_MORE: return RL_H1_MORE;
      case RL_BODY_PIECE: return r->piece = r->body.piece, RL_H1_BODY;
      case RL_BODY_TRAILERS: bad = cut_trailers(r, r->body.piece); break;
      case RL_BODY_END: return end_message(r);
      case RL_BODY_FAULT: bad = r->body.fault; break;
    }
    if (bad) return fault(r, bad);
  }
}

rl_h1_event rl_h1_next(rl_h1_reader *r, rl_slice *in) {
  switch (r->state) {
    case IN_HEAD: return in->len ? next_head(r, in) : RL_H1_MORE;
    case IN_BODY: return next_of_body(r, in);
    default: return RL_H1_FAULT;
  }
}

bool rl_h1_self_test(void) {
  llhttp_t parser;
  llhttp_settings_t none;
  llhttp_settings_init(&none);
  llhttp_init(&parser, HTTP_REQUEST, &none);
  static const char probe[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\rX";
  return llhttp_execute(&parser, probe, sizeof probe - 1) != HPE_OK;
}
