/* Responses off a connection of ours; see response_reader.h. */
#include "http/h1/response_reader.h"

#include <string.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/limits.h"
#include "http/header.h"
#include "http/status.h"

enum { AT_STATUS, IN_HEAD, NO_BODY, IN_LENGTH, IN_CHUNKS, UNTIL_EOF, ENDED, FAILED };

/* ---- life -------------------------------------------------------------------------------------------------------- */

void rl_response_reader_init(rl_response_reader *r) {
  memset(r, 0, sizeof *r);
  rl_buf_init(&r->gather, RL_LIMIT_RESPONSE_HEAD);
  r->state = ENDED;
}

void rl_response_reader_free(rl_response_reader *r) { rl_buf_free(&r->gather); }

void rl_response_reader_start(rl_response_reader *r, rl_response_head *head, bool to_head, bool upgrades) {
  rl_buf_free(&r->gather);
  r->head = head;
  r->to_head = to_head;
  r->upgrades = upgrades;
  r->state = AT_STATUS;
  r->interims = 0;
  r->keep_alive = false;
}

static rl_response_event fault(rl_response_reader *r, int code, const char *why) {
  r->state = FAILED;
  r->code = code;
  r->why = why;
  return RL_RESPONSE_FAULT;
}

static rl_response_event refuse_head(rl_response_reader *r, int code) {
  return fault(r, code,
               code == RL_ETOOBIG ? "the head of the response is larger than what is taken"
                                  : "the head of the response is malformed");
}

static void take(rl_slice *in, size_t count) { *in = rl_slice_of(in->data + count, in->len - count); }

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* The next line with its LF, borrowed until the next call; false: more is needed, all of `in` was used (or failed). */
static bool next_line(rl_response_reader *r, rl_slice *in, rl_slice *line) {
  const char *end = in->len ? memchr(in->data, '\n', in->len) : NULL;
  size_t size = end ? (size_t)(end - in->data) + 1 : in->len;
  *line = rl_slice_of(in->data, size);
  take(in, size);
  if (end && !r->gather.len && size <= RL_LIMIT_RESPONSE_HEAD) return true;
  if (rl_buf_add_slice(&r->gather, *line)) {
    refuse_head(r, r->gather.error);
    return false;
  }
  *line = rl_buf_slice(&r->gather);
  if (end) rl_buf_clear(&r->gather); /* the bytes stay where they are */
  return end != NULL;
}

/* ---- chunks, by llhttp ------------------------------------------------------------------------------------------- */

/* llhttp stops at each of these, so that its position tells how many bytes came before. */
static int on_chunk_body(llhttp_t *parser, const char *at, size_t len) {
  ((rl_response_reader *)parser->data)->piece = rl_slice_of(at, len);
  return HPE_PAUSED;
}

static int on_chunks_complete(llhttp_t *parser) {
  ((rl_response_reader *)parser->data)->last = true;
  return HPE_PAUSED;
}

static const llhttp_settings_t chunk_settings = {.on_body = on_chunk_body, .on_message_complete = on_chunks_complete};

/* In front of the chunks llhttp is shown a head of our own: the real one has been read. */
static void start_chunks(rl_response_reader *r) {
  static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  llhttp_init(&r->chunks, HTTP_RESPONSE, &chunk_settings);
  r->chunks.data = r;
  r->framing = 0;
  r->last = false;
  r->state = IN_CHUNKS;
  llhttp_execute(&r->chunks, head, sizeof head - 1);
}

/* ---- what follows the head ---------------------------------------------------------------------------------------- */

/* Whether a header holds a token in any of its lines. */
static bool has_token(const rl_response_head *head, rl_slice name, rl_slice token) {
  for (size_t i = 0; i < head->count; i++)
    if (rl_slice_eq_nocase(rl_response_head_name(head, i), name) &&
        rl_header_has_token(rl_response_head_value(head, i), token))
      return true;
  return false;
}

/* HTTP/1.0 has no chunks: whoever sends them all the same has a framing that is not to be trusted (RFC 9112 section 6.1). */
static bool lasts(const rl_response_head *head, bool chunked) {
  bool old = head->version[2] == '0';
  if (old && chunked) return false;
  return old ? has_token(head, RL_SLICE("connection"), RL_SLICE("keep-alive"))
             : !has_token(head, RL_SLICE("connection"), RL_SLICE("close"));
}

static bool has_no_body(const rl_response_reader *r) { return r->to_head || rl_status_is_bodiless(r->head->status); }

static rl_response_event frame(rl_response_reader *r) {
  int64_t length;
  bool chunked;
  const char *why = rl_response_head_framing(r->head, &chunked, &length);
  if (!why) why = rl_response_head_switches(r->head, r->upgrades);
  if (why) return fault(r, RL_EPROTOCOL, why);
  r->keep_alive = lasts(r->head, chunked) && r->head->status != 101;
  r->left = length > 0 ? (uint64_t)length : 0;
  if (has_no_body(r)) r->state = NO_BODY;
  else if (chunked) start_chunks(r);
  else r->state = length >= 0 ? IN_LENGTH : UNTIL_EOF;
  if (r->state == UNTIL_EOF) r->keep_alive = false;
  return RL_RESPONSE_HEAD;
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */

static bool is_interim(const rl_response_head *head) { return head->status < 200 && head->status != 101; }

/* Any minor version is read as the highest that we know (RFC 9110 section 2.5). */
static bool is_version_known(const rl_response_head *head) {
  const char *version = head->version;
  return version[0] == '1' && version[1] == '.' && rl_is((unsigned char)version[2], RL_CHAR_DIGIT);
}

static rl_response_event next_of_head(rl_response_reader *r, rl_slice *in) {
  rl_slice line;
  while (next_line(r, in, &line)) {
    int code = r->state == AT_STATUS ? rl_response_head_begin(r->head, line) : rl_response_head_add(r->head, line);
    r->framing = r->state == AT_STATUS ? line.len : r->framing + line.len;
    if (!code && r->framing > RL_LIMIT_RESPONSE_HEAD) code = RL_ETOOBIG;
    if (!code && !is_version_known(r->head)) code = RL_EPROTOCOL;
    if (code) return refuse_head(r, code);
    r->state = IN_HEAD;
    if (!r->head->complete) continue;
    if (!is_interim(r->head)) return frame(r);
    if (++r->interims > RL_LIMIT_INTERIMS) return fault(r, RL_EPROTOCOL, "interim responses without end");
    r->state = AT_STATUS;
  }
  return r->state == FAILED ? RL_RESPONSE_FAULT : RL_RESPONSE_MORE;
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

static rl_response_event end(rl_response_reader *r) {
  r->state = ENDED;
  return RL_RESPONSE_END;
}

static rl_response_event next_of_length(rl_response_reader *r, rl_slice *in) {
  if (!r->left) return end(r);
  if (!in->len) return RL_RESPONSE_MORE;
  size_t size = in->len < r->left ? in->len : (size_t)r->left;
  r->piece = rl_slice_of(in->data, size);
  r->left -= size;
  take(in, size);
  return RL_RESPONSE_BODY;
}

static rl_response_event next_until_eof(rl_response_reader *r, rl_slice *in) {
  if (!in->len) return RL_RESPONSE_MORE;
  r->piece = *in;
  take(in, in->len);
  return RL_RESPONSE_BODY;
}

/* What is no payload (sizes, extensions, trailers) is dropped, and bounded between two payloads. */
static rl_response_event next_of_chunks(rl_response_reader *r, rl_slice *in) {
  if (!in->len) return RL_RESPONSE_MORE;
  r->piece = RL_SLICE_NONE;
  llhttp_errno_t code = llhttp_execute(&r->chunks, in->data, in->len);
  if (code != HPE_OK && code != HPE_PAUSED) return fault(r, RL_EPROTOCOL, "the chunks of the response are malformed");
  size_t used = code == HPE_OK ? in->len : (size_t)(llhttp_get_error_pos(&r->chunks) - in->data);
  if (code == HPE_PAUSED) llhttp_resume(&r->chunks);
  take(in, used);
  r->framing = r->piece.len ? 0 : r->framing + used;
  if (r->framing > RL_LIMIT_RESPONSE_HEAD)
    return fault(r, RL_EPROTOCOL, "the chunks of the response are mostly framing");
  if (r->piece.len) return RL_RESPONSE_BODY;
  return r->last ? end(r) : rl_response_reader_next(r, in);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

rl_response_event rl_response_reader_next(rl_response_reader *r, rl_slice *in) {
  switch (r->state) {
    case AT_STATUS:
    case IN_HEAD: return next_of_head(r, in);
    case NO_BODY: return end(r);
    case IN_LENGTH: return next_of_length(r, in);
    case IN_CHUNKS: return next_of_chunks(r, in);
    case UNTIL_EOF: return next_until_eof(r, in);
    case ENDED: return RL_RESPONSE_MORE;
    default: return RL_RESPONSE_FAULT;
  }
}

static bool has_begun(const rl_response_reader *r) { return r->state != AT_STATUS || r->gather.len || r->interims; }

rl_response_event rl_response_reader_eof(rl_response_reader *r) {
  if (r->state == UNTIL_EOF || r->state == ENDED) return end(r);
  if (r->state == FAILED) return RL_RESPONSE_FAULT;
  if (!has_begun(r)) return fault(r, RL_ERESET, "the connection was closed before a response came");
  bool in_head = r->state == AT_STATUS || r->state == IN_HEAD;
  return fault(r, RL_ERESET,
               in_head ? "the connection was closed in the middle of the head"
                       : "the connection was closed in the middle of the body");
}
