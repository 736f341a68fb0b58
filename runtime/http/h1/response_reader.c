/* Responses off a connection of our own; see response_reader.h. */
#include "http/h1/response_reader.h"

#include "base/ascii.h"
#include "base/error.h"
#include "http/header.h"
#include "http/status.h"

enum { AT_STATUS, IN_HEAD, IN_BODY, NO_BODY, ENDED, FAILED };

/* Of a head: status line and fields together. How many fields, rl_response_head knows. */
static const rl_limits limits = {.request_line = RL_LIMIT_RESPONSE_HEAD,
                                 .field = RL_LIMIT_RESPONSE_HEAD,
                                 .fields_size = RL_LIMIT_RESPONSE_HEAD,
                                 .fields = SIZE_MAX};

/* ---- life -------------------------------------------------------------------------------------------------------- */

void rl_response_reader_init(rl_response_reader *r) {
  *r = (rl_response_reader){.state = ENDED};
  rl_section_init(&r->section, RL_LIMIT_RESPONSE_HEAD + RL_LIMIT_READ_BUFFER);
}

void rl_response_reader_free(rl_response_reader *r) { rl_section_free(&r->section); }

void rl_response_reader_start(rl_response_reader *r, rl_response_head *head, bool to_head, bool upgrades) {
  rl_section_reset(&r->section, RL_HEAD_OF_RESPONSE);
  r->head = head;
  r->to_head = to_head;
  r->upgrades = upgrades;
  r->state = AT_STATUS;
  r->interims = 0;
  r->keep_alive = r->until_end = false;
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static rl_response_event fault(rl_response_reader *r, int code, const char *why) {
  r->state = FAILED;
  r->code = code;
  r->why = why;
  return RL_RESPONSE_FAULT;
}

static rl_response_event refuse_head(rl_response_reader *r, int code) {
  const char *why = code == RL_ETOOBIG  ? "the head of the response is larger than what is taken"
                    : code == RL_ENOMEM ? "memory ran out while the head of the response was read"
                                        : "the head of the response is malformed";
  return fault(r, code, why);
}

static rl_response_event refuse_lines(rl_response_reader *r) {
  switch (r->section.scan.fault) {
    case RL_FAULT_TARGET_LONG:
    case RL_FAULT_FIELD_LONG:
    case RL_FAULT_FIELDS_LARGE: return refuse_head(r, RL_ETOOBIG);
    default: return refuse_head(r, RL_EPROTOCOL);
  }
}

static rl_response_event refuse_body(rl_response_reader *r) {
  switch (r->body.fault) {
    case RL_FAULT_CHUNK: return fault(r, RL_EPROTOCOL, "the chunks of the response are malformed");
    case RL_FAULT_CHUNK_OVERHEAD: return fault(r, RL_EPROTOCOL, "the chunks of the response are mostly framing");
    case RL_FAULT_MEMORY: return fault(r, RL_ENOMEM, "memory ran out while the response was read");
    default: return fault(r, RL_EPROTOCOL, "the trailers of the response are malformed, or too large");
  }
}

/* ---- what follows the head ---------------------------------------------------------------------------------------- */

/* Returns true if a header holds the token in any of its lines. */
static bool has_token(const rl_response_head *head, rl_slice name, rl_slice token) {
  for (size_t i = 0; i < head->count; i++)
    if (rl_slice_eq_nocase(rl_response_head_name(head, i), name) &&
        rl_header_has_token(rl_response_head_value(head, i), token))
      return true;
  return false;
}

/* "close" wins over "keep-alive" (RFC 9112 section 9.3). HTTP/1.0 has no chunks: whoever sends them all the same has a framing that
 * is not to be trusted (section 6.1). */
static bool lasts(const rl_response_head *head, bool chunked) {
  bool old = head->version[2] == '0';
  if ((old && chunked) || has_token(head, RL_SLICE("connection"), RL_SLICE("close"))) return false;
  return !old || has_token(head, RL_SLICE("connection"), RL_SLICE("keep-alive"));
}

static bool has_no_body(const rl_response_reader *r) { return r->to_head || rl_status_is_bodiless(r->head->status); }

static void start_body(rl_response_reader *r, bool chunked, int64_t length) {
  r->state = has_no_body(r) ? NO_BODY : IN_BODY;
  if (r->state == NO_BODY) return;
  if (chunked) {
    rl_h1_body_start_chunks(&r->body, &r->section, RL_LIMIT_FIELDS);
  } else if (length >= 0) {
    rl_h1_body_start_length(&r->body, (uint64_t)length);
  } else {
    rl_h1_body_start_until_end(&r->body);
    r->until_end = true;
    r->keep_alive = false;
  }
}

static rl_response_event frame(rl_response_reader *r) {
  int64_t length;
  bool chunked;
  const char *why = rl_response_head_framing(r->head, &chunked, &length);
  if (!why) why = rl_response_head_switches(r->head, r->upgrades);
  if (why) return fault(r, RL_EPROTOCOL, why);
  r->keep_alive = lasts(r->head, chunked) && r->head->status != 101;
  start_body(r, chunked, length);
  return RL_RESPONSE_HEAD;
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */

static bool is_interim(const rl_response_head *head) { return head->status < 200 && head->status != 101; }

/* Any minor version is read as the highest that we know (RFC 9110 section 2.5). */
static bool is_version_known(const rl_response_head *head) {
  const char *version = head->version;
  return version[0] == '1' && version[1] == '.' && rl_is((unsigned char)version[2], RL_CHAR_DIGIT);
}

static int take_line(rl_response_reader *r, rl_slice line) {
  if (r->state == IN_HEAD) return rl_response_head_add(r->head, line);
  r->state = IN_HEAD;
  int code = rl_response_head_begin(r->head, line);
  return code || is_version_known(r->head) ? code : RL_EPROTOCOL;
}

/* The head is complete: an interim one makes room for the next. */
static rl_response_event end_head(rl_response_reader *r) {
  rl_section_reset(&r->section, RL_HEAD_OF_RESPONSE);
  if (!is_interim(r->head)) return frame(r);
  if (++r->interims > RL_LIMIT_INTERIMS) return fault(r, RL_EPROTOCOL, "interim responses without end");
  r->state = AT_STATUS;
  return RL_RESPONSE_MORE;
}

static rl_response_event wait_for_lines(rl_response_reader *r, rl_slice *in) {
  int code = rl_section_wait(&r->section, in);
  return code ? refuse_head(r, code) : RL_RESPONSE_MORE;
}

/* MORE, with bytes left in `in`, after an interim response. */
static rl_response_event next_head(rl_response_reader *r, rl_slice *in) {
  rl_slice all, line;
  int code = rl_section_open(&r->section, *in, &all);
  if (code) return refuse_head(r, code);
  for (int found; (found = rl_head_scan_line(&r->section.scan, all.data, all.len, &limits, &line));) {
    if (found < 0) return refuse_lines(r);
    code = take_line(r, line);
    if (code) return refuse_head(r, code);
    if (!r->head->complete) continue;
    rl_section_close(&r->section, in, r->section.scan.line);
    return end_head(r);
  }
  return wait_for_lines(r, in);
}

static rl_response_event next_of_head(rl_response_reader *r, rl_slice *in) {
  rl_response_event event = RL_RESPONSE_MORE;
  while (in->len && event == RL_RESPONSE_MORE) event = next_head(r, in);
  return event;
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

static rl_response_event end(rl_response_reader *r) {
  r->state = ENDED;
  return RL_RESPONSE_END;
}

/* Nobody reads the trailers of a response, but they must be some; and none may say how the message is framed
 * (RFC 9110 section 6.5.1). */
static bool are_trailers(rl_slice section) {
  rl_slice name, value;
  for (size_t end_of_line; (end_of_line = rl_slice_find(section, '\r', 0)); rl_slice_skip(&section, end_of_line + 2)) {
    if (!rl_field_cut(rl_slice_of(section.data, end_of_line), &name, &value)) return false;
    if (rl_header_is_framing(name)) return false;
  }
  return true;
}

/* The limit of a body is for its bytes once they are decoded: the caller's. */
static rl_response_event next_of_body(rl_response_reader *r, rl_slice *in) {
  for (;;) {
    switch (rl_h1_body_next(&r->body, in, UINT64_MAX)) {
      case RL_BODY_MORE: return RL_RESPONSE_MORE;
      case RL_BODY_PIECE: return r->piece = r->body.piece, RL_RESPONSE_BODY;
      case RL_BODY_END: return end(r);
      case RL_BODY_FAULT: return refuse_body(r);
      case RL_BODY_TRAILERS:
        if (are_trailers(r->body.piece)) break;
        r->body.fault = RL_FAULT_TRAILER;
        return refuse_body(r);
    }
  }
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

rl_response_event rl_response_reader_next(rl_response_reader *r, rl_slice *in) {
  switch (r->state) {
    case AT_STATUS:
    case IN_HEAD: return next_of_head(r, in);
    case IN_BODY: return next_of_body(r, in);
    case NO_BODY: return end(r);
    case ENDED: return RL_RESPONSE_MORE;
    default: return RL_RESPONSE_FAULT;
  }
}

static bool has_begun(const rl_response_reader *r) {
  return r->state != AT_STATUS || !rl_section_is_empty(&r->section) || r->interims;
}

rl_response_event rl_response_reader_eof(rl_response_reader *r) {
  if (r->state == FAILED) return RL_RESPONSE_FAULT;
  if (r->state == ENDED || (r->state == IN_BODY && r->until_end)) return end(r);
  if (!has_begun(r)) return fault(r, RL_ERESET, "the connection was closed before a response came");
  bool in_head = r->state == AT_STATUS || r->state == IN_HEAD;
  return fault(r, RL_ERESET,
               in_head ? "the connection was closed in the middle of the head"
                       : "the connection was closed in the middle of the body");
}
