/* Lengths, chunks and trailers; see body.h. */
#include "http/h1/body.h"

enum { IN_LENGTH, IN_CHUNKS, IN_TRAILERS, UNTIL_END, AT_END };
enum { STOP_NONE, STOP_BODY, STOP_CHUNK, STOP_LAST_CHUNK };

/* ---- llhttp ------------------------------------------------------------------------------------------------------ */

static rl_h1_body *body_of(llhttp_t *parser) { return parser->data; }

/* llhttp stops at each of these, so that its position tells how many bytes came before. */
static int on_body(llhttp_t *parser, const char *at, size_t len) {
  body_of(parser)->piece = rl_slice_of(at, len);
  body_of(parser)->stop = STOP_BODY;
  return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *parser) {
  body_of(parser)->stop = parser->content_length ? STOP_CHUNK : STOP_LAST_CHUNK;
  return HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_body = on_body, .on_chunk_header = on_chunk_header};

/* llhttp reads chunks after a head only, so it is shown one of ours: once for each thread, and copied from there. */
static void prime(llhttp_t *parser) {
  static _Thread_local llhttp_t primed;
  static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  if (!primed.settings) {
    llhttp_init(&primed, HTTP_RESPONSE, &settings);
    llhttp_execute(&primed, head, sizeof head - 1);
  }
  *parser = primed;
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

void rl_h1_body_start_length(rl_h1_body *b, uint64_t length) {
  b->state = IN_LENGTH;
  b->length = b->left = length;
}

void rl_h1_body_start_chunks(rl_h1_body *b, rl_section *section, size_t trailers) {
  prime(&b->chunks);
  b->chunks.data = b;
  b->state = IN_CHUNKS;
  b->section = section;
  b->trailers = trailers;
  b->framing = b->payload = b->chunk_line = 0;
  rl_section_reset(section, RL_HEAD_OF_TRAILERS);
}

void rl_h1_body_start_until_end(rl_h1_body *b) { b->state = UNTIL_END; }

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

static rl_body_event fail(rl_h1_body *b, rl_fault fault) {
  b->fault = fault;
  return RL_BODY_FAULT;
}

static rl_body_event take_piece(rl_h1_body *b, rl_slice *in, size_t size) {
  b->piece = rl_slice_of(in->data, size);
  rl_slice_skip(in, size);
  return RL_BODY_PIECE;
}

static rl_body_event next_of_length(rl_h1_body *b, rl_slice *in, uint64_t most) {
  if (!b->left) return RL_BODY_END;
  if (b->length > most) return fail(b, RL_FAULT_BODY_LARGE);
  if (!in->len) return RL_BODY_MORE;
  size_t size = in->len < b->left ? in->len : (size_t)b->left;
  b->left -= size;
  return take_piece(b, in, size);
}

/* A chunk's size line was read. */
static rl_fault check_chunk(rl_h1_body *b, uint64_t most) {
  uint64_t size = b->chunks.content_length;
  if (b->framing > b->payload * 10 + RL_LIMIT_CHUNK_OVERHEAD) return RL_FAULT_CHUNK_OVERHEAD;
  if (b->payload > most || size > most - b->payload) return RL_FAULT_BODY_LARGE;
  b->payload += size;
  b->chunk_line = 0;
  return RL_FAULT_NONE;
}

/* Runs llhttp up to its next stop; takes what it used off `in`. Returns false if the body is malformed. */
static bool run_chunks(rl_h1_body *b, rl_slice *in) {
  b->piece = RL_SLICE_NONE;
  b->stop = STOP_NONE;
  llhttp_errno_t code = llhttp_execute(&b->chunks, in->data, in->len);
  if (code != HPE_OK && code != HPE_PAUSED) return false;
  size_t used = in->len;
  if (code == HPE_PAUSED) {
    used = (size_t)(llhttp_get_error_pos(&b->chunks) - in->data);
    llhttp_resume(&b->chunks);
  }
  rl_slice_skip(in, used);
  b->framing += used - b->piece.len;
  b->chunk_line += used - b->piece.len;
  return b->chunk_line <= RL_LIMIT_CHUNK_LINE;
}

static rl_body_event next_of_trailers(rl_h1_body *b, rl_slice *in) {
  if (!in->len) return RL_BODY_MORE;
  rl_limits limits = {.field = RL_LIMIT_TRAILERS_SIZE, .fields_size = RL_LIMIT_TRAILERS_SIZE, .fields = b->trailers};
  int found = rl_section_next(b->section, in, &limits, &b->piece, &b->fault);
  if (found < 0) return fail(b, b->fault == RL_FAULT_LINE_END ? RL_FAULT_TRAILER : b->fault);
  if (!found) return RL_BODY_MORE;
  b->state = AT_END;
  return RL_BODY_TRAILERS;
}

static rl_body_event next_of_chunks(rl_h1_body *b, rl_slice *in, uint64_t most) {
  while (in->len) {
    if (!run_chunks(b, in)) return fail(b, RL_FAULT_CHUNK);
    rl_fault bad = b->stop == STOP_CHUNK ? check_chunk(b, most) : RL_FAULT_NONE;
    if (bad) return fail(b, bad);
    if (b->stop == STOP_BODY) return RL_BODY_PIECE;
    if (b->stop == STOP_LAST_CHUNK) {
      b->state = IN_TRAILERS;
      return next_of_trailers(b, in);
    }
  }
  return RL_BODY_MORE;
}

rl_body_event rl_h1_body_next(rl_h1_body *b, rl_slice *in, uint64_t most) {
  switch (b->state) {
    case IN_LENGTH: return next_of_length(b, in, most);
    case IN_CHUNKS: return next_of_chunks(b, in, most);
    case IN_TRAILERS: return next_of_trailers(b, in);
    case UNTIL_END: return in->len ? take_piece(b, in, in->len) : RL_BODY_MORE;
    default: return RL_BODY_END;
  }
}

bool rl_h1_body_has_news(const rl_h1_body *b, uint64_t most) {
  return b->state == AT_END || (b->state == IN_LENGTH && (!b->left || b->length > most));
}
