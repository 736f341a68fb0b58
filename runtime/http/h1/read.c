/* The HTTP/1 reader of read.h on llhttp. */
#include "http/h1/read.h"

#include "base/error.h"

enum { IN_HEAD, IN_LENGTH_BODY, IN_CHUNKED, IN_TRAILERS, FAILED };
enum { STOP_NONE, STOP_BODY, STOP_CHUNK, STOP_LAST_CHUNK, STOP_END };
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

static int on_field(llhttp_t *parser, const char *at, size_t len) {
  rl_h1_reader *r = reader_of(parser);
  if (r->filled == r->room && grow_fields(r)) return HPE_USER;
  rl_slice name = rl_slice_of(at, len);
  r->filling[r->filled++] = (rl_header){.name = name, .value = {at + len, 0}, .id = (uint8_t)rl_header_id_of(name)};
  return HPE_OK;
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

/* llhttp stops at each of these, so that its position tells how many bytes came before. */
static int on_body(llhttp_t *parser, const char *at, size_t len) {
  reader_of(parser)->piece = rl_slice_of(at, len);
  reader_of(parser)->stop = STOP_BODY;
  return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *parser) {
  reader_of(parser)->stop = parser->content_length ? STOP_CHUNK : STOP_LAST_CHUNK;
  return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser) {
  reader_of(parser)->stop = STOP_END;
  return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

void rl_h1_reader_init(rl_h1_reader *r, const rl_limits *limits, rl_chunk_pool *chunks) {
  memset(r, 0, sizeof *r);
  r->limits = limits;
  r->chunks = chunks;
  llhttp_init(&r->parser, HTTP_REQUEST, &settings);
  r->parser.data = r;
  rl_buf_init(&r->gather, limits->request_line + limits->fields_size + RL_LIMIT_READ_BUFFER);
  rl_head_scan_init(&r->scan, false);
}

void rl_h1_reader_free(rl_h1_reader *r) { rl_buf_free(&r->gather); }

bool rl_h1_is_idle(const rl_h1_reader *r) { return r->state == IN_HEAD && !r->gather.len; }

static bool is_too_long(const rl_h1_reader *r) { return r->req->length > r->req->body_limit; }

bool rl_h1_has_news(const rl_h1_reader *r) { return r->state == IN_LENGTH_BODY && (!r->left || is_too_long(r)); }

static rl_h1_event fault(rl_h1_reader *r, rl_fault code) {
  r->fault = code;
  r->state = FAILED;
  return RL_H1_FAULT;
}

static void take(rl_slice *in, size_t count) {
  in->data += count;
  in->len -= count;
}

/* ---- gathering a section (a head, or trailers) up to its empty line --------------------------------------------- */

/* 1: `section` is complete and borrowed until the next call; 0: more is needed, `in` is used up; -1: fault. */
static int gather_section(rl_h1_reader *r, rl_slice *in, const rl_limits *limits, rl_slice *section) {
  rl_slice all = *in;
  size_t before = r->gather.len;
  if (before) {
    if (rl_buf_add_slice(&r->gather, *in)) return fault(r, RL_FAULT_MEMORY), -1;
    all = rl_buf_slice(&r->gather);
  }
  long end = rl_head_scan_run(&r->scan, all.data, all.len, limits);
  if (end < 0) return fault(r, r->scan.fault), -1;
  if (end == 0) {
    if (!before && rl_buf_add_slice(&r->gather, *in)) return fault(r, RL_FAULT_MEMORY), -1;
    take(in, in->len);
    return 0;
  }
  take(in, (size_t)end - before);
  *section = rl_slice_of(all.data + r->scan.skip, (size_t)end - r->scan.skip);
  return 1;
}

static void forget_gathered(rl_h1_reader *r, bool trailer_next) {
  if (r->gather.data) rl_buf_free(&r->gather);
  rl_head_scan_init(&r->scan, trailer_next);
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
  if (r->scan.unusual) rl_head_make_usual((char *)(uintptr_t)copy.data, copy.len);
  req->method_name = rl_slice_of(copy.data, rl_slice_find(copy, ' ', 0));
  req->method = rl_method_of(req->method_name);
  if (rl_slice_eq(req->method_name, RL_SLICE("CONNECT"))) return RL_FAULT_CONNECT;
  if (req->method == RL_METHOD_NONE) return RL_FAULT_METHOD_UNKNOWN;
  r->filling = NULL;
  r->filled = r->room = 0;
  llhttp_reset(&r->parser);
  llhttp_errno_t code = llhttp_execute(&r->parser, copy.data, copy.len);
  if (code != HPE_OK && code != HPE_PAUSED) return fault_of_llhttp(r, code);
  req->version = r->parser.http_minor ? RL_HTTP_1_1 : RL_HTTP_1_0;
  req->headers = r->filling;
  req->header_count = r->filled;
  rl_fault bad = rl_h1_check_framing(req, &r->message);
  return bad ? bad : rl_req_check(req);
}

static void start_body(rl_h1_reader *r) {
  if (r->req->body_done) {
    r->req = NULL;
    forget_gathered(r, false);
    return;
  }
  forget_gathered(r, true);
  r->framing = r->payload = r->chunk_line = 0;
  r->left = r->req->length;
  r->state = r->message.chunked ? IN_CHUNKED : IN_LENGTH_BODY;
}

static rl_h1_event next_head(rl_h1_reader *r, rl_slice *in) {
  rl_slice section;
  int found = gather_section(r, in, r->limits, &section);
  if (found <= 0) return found ? RL_H1_FAULT : RL_H1_MORE;
  r->req = rl_req_new(r->chunks);
  if (!r->req) return fault(r, RL_FAULT_MEMORY);
  rl_fault code = parse_head(r, section);
  if (code) {
    rl_req_free(r->req);
    r->req = NULL;
    return fault(r, code);
  }
  r->head = r->req;
  start_body(r);
  return RL_H1_HEAD;
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

static rl_h1_event end_message(rl_h1_reader *r) {
  r->state = IN_HEAD;
  r->req = NULL;
  forget_gathered(r, false);
  return RL_H1_END;
}

static rl_h1_event next_of_length(rl_h1_reader *r, rl_slice *in) {
  if (!r->left) return end_message(r);
  if (is_too_long(r)) return fault(r, RL_FAULT_BODY_LARGE);
  if (!in->len) return RL_H1_MORE;
  size_t size = in->len < r->left ? in->len : (size_t)r->left;
  r->piece = rl_slice_of(in->data, size);
  r->left -= size;
  take(in, size);
  return RL_H1_BODY;
}

/* A chunk's size line was read: all that is not payload is framing, which has a bound for each line and may not outweigh
 * the payload ten times (RFC 9112 section 7.1.1, CVE-2024-22019); and the sum of all chunks has the body's limit. */
static rl_fault check_chunk(rl_h1_reader *r) {
  uint64_t size = r->parser.content_length, most = r->req->body_limit;
  if (r->framing > r->payload * 10 + RL_LIMIT_CHUNK_OVERHEAD) return RL_FAULT_CHUNK_OVERHEAD;
  if (r->payload > most || size > most - r->payload) return RL_FAULT_BODY_LARGE;
  r->payload += size;
  r->chunk_line = 0;
  return RL_FAULT_NONE;
}

/* Runs llhttp up to its next stop; takes what it used off `in`. False where the body is malformed. */
static bool run_chunks(rl_h1_reader *r, rl_slice *in) {
  r->piece = RL_SLICE_NONE;
  r->stop = STOP_NONE;
  llhttp_errno_t code = llhttp_execute(&r->parser, in->data, in->len);
  if (code != HPE_OK && code != HPE_PAUSED) return false;
  size_t used = in->len;
  if (code == HPE_PAUSED) {
    used = (size_t)(llhttp_get_error_pos(&r->parser) - in->data);
    llhttp_resume(&r->parser);
  }
  take(in, used);
  r->framing += used - r->piece.len;
  r->chunk_line += used - r->piece.len;
  return r->chunk_line <= RL_LIMIT_CHUNK_LINE;
}

static rl_h1_event next_of_chunks(rl_h1_reader *r, rl_slice *in) {
  while (in->len) {
    if (!run_chunks(r, in)) return fault(r, RL_FAULT_CHUNK);
    rl_fault bad = r->stop == STOP_CHUNK ? check_chunk(r) : RL_FAULT_NONE;
    if (bad) return fault(r, bad);
    if (r->stop == STOP_BODY) return RL_H1_BODY;
    if (r->stop == STOP_LAST_CHUNK) {
      r->state = IN_TRAILERS;
      return rl_h1_next(r, in);
    }
  }
  return RL_H1_MORE;
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

static rl_fault parse_trailers(rl_h1_reader *r, rl_slice section) {
  rl_slice copy = rl_arena_copy(&r->req->arena, section);
  if (!copy.data) return RL_FAULT_MEMORY;
  r->filling = NULL;
  r->filled = r->room = 0;
  llhttp_errno_t code = llhttp_execute(&r->parser, copy.data, copy.len);
  if (code != HPE_PAUSED || r->stop != STOP_END) return code == HPE_USER ? RL_FAULT_MEMORY : RL_FAULT_TRAILER;
  rl_fault bad = check_trailers(r);
  if (!bad) keep_trailers(r);
  return bad;
}

/* The trailer section has a limit of its own; its lines are guarded like those of a head. */
static rl_h1_event next_trailers(rl_h1_reader *r, rl_slice *in) {
  if (!in->len) return RL_H1_MORE;
  rl_limits limits = *r->limits;
  limits.fields_size = limits.field = RL_LIMIT_TRAILERS_SIZE;
  rl_slice section;
  int found = gather_section(r, in, &limits, &section);
  if (found < 0) return fault(r, r->fault == RL_FAULT_LINE_END ? RL_FAULT_TRAILER : r->fault);
  if (!found) return RL_H1_MORE;
  rl_fault bad = parse_trailers(r, section);
  return bad ? fault(r, bad) : end_message(r);
}

rl_h1_event rl_h1_next(rl_h1_reader *r, rl_slice *in) {
  switch (r->state) {
    case IN_HEAD: return in->len ? next_head(r, in) : RL_H1_MORE;
    case IN_LENGTH_BODY: return next_of_length(r, in);
    case IN_CHUNKED: return next_of_chunks(r, in);
    case IN_TRAILERS: return next_trailers(r, in);
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
