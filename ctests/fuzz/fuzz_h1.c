/* The HTTP/1 reader: whole, byte by byte and cut at random, the same bytes are the same events; a fault is one in all. */
#include "http/h1/read.h"

#include "fuzz/fuzz.h"

enum { BODY_MOST = 2000 };

static const rl_limits limits = {.request_line = 200, .field = 200, .fields_size = 600, .fields = 10};

typedef struct trace {
  rl_h1_reader reader;
  rl_req *body; /* whose body is under way */
  rl_buf text;
  bool in_body, failed;
} trace;

static void note_fields(trace *t, const char *what, const rl_header *fields, size_t count) {
  for (size_t i = 0; i < count; i++)
    rl_buf_addf(&t->text, "%s %d [%.*s]=[%.*s]\n", what, fields[i].id, RL_FMT(fields[i].name), RL_FMT(fields[i].value));
}

static void note_head(trace *t) {
  rl_req *req = t->reader.head;
  req->body_limit = BODY_MOST;
  rl_buf_addf(&t->text, "head %.*s [%.*s] 1.%d path [%.*s] query [%.*s] host [%.*s] %d%d%d%d %llu\n",
              RL_FMT(req->method_name), RL_FMT(req->target), req->version % 10, RL_FMT(req->path), RL_FMT(req->query),
              RL_FMT(req->host), t->reader.message.keep_alive, t->reader.message.chunked, req->expect_continue,
              req->body_done, (unsigned long long)req->length);
  note_fields(t, "field", req->headers, req->header_count);
  HOLDS(req->header_count <= limits.fields);
  HOLDS(req->version == RL_HTTP_1_0 || req->host.len);
  HOLDS(t->reader.message.chunked != req->has_length);
  if (req->body_done) rl_req_free(req);
  else t->body = req;
}

static void note_body(trace *t) {
  HOLDS(t->body && t->reader.piece.len);
  t->body->body_size += t->reader.piece.len;
  HOLDS(t->body->body_size <= BODY_MOST);
  if (!t->in_body) rl_buf_add_str(&t->text, "body ");
  rl_buf_add_slice(&t->text, t->reader.piece);
}

static void note_end(trace *t) {
  HOLDS(t->body);
  HOLDS(!t->body->has_length || t->body->body_size == t->body->length);
  rl_buf_add_str(&t->text, "\nend\n");
  note_fields(t, "trailer", t->body->trailers, t->body->trailer_count);
  rl_req_free(t->body);
  t->body = NULL;
}

static void note_fault(trace *t) {
  rl_slice none = RL_SLICE_NONE;
  t->failed = true;
  rl_buf_addf(&t->text, "\nfault %s\n", rl_fault_name(t->reader.fault));
  HOLDS(rl_h1_next(&t->reader, &none) == RL_H1_FAULT); /* it stays one */
}

static void read_piece(trace *t, rl_slice in) {
  while (!t->failed && (in.len || rl_h1_has_news(&t->reader))) {
    rl_h1_event event = rl_h1_next(&t->reader, &in);
    if (event == RL_H1_HEAD) note_head(t);
    else if (event == RL_H1_BODY) note_body(t);
    else if (event == RL_H1_END) note_end(t);
    else if (event == RL_H1_FAULT) note_fault(t);
    else HOLDS(in.len == 0);
    t->in_body = event == RL_H1_BODY || (t->in_body && event == RL_H1_MORE);
  }
}

/* `most` 0: in one piece. */
static void run(trace *t, rl_chunk_pool *chunks, rl_slice input, size_t most, bool random) {
  fuzz_random numbers = fuzz_random_of(input);
  *t = (trace){.body = NULL};
  rl_h1_reader_init(&t->reader, &limits, chunks);
  rl_buf_init(&t->text, RL_BUF_NO_LIMIT);
  while (input.len && !t->failed) {
    rl_slice piece;
    char *copy = fuzz_cut(&input, most, random ? &numbers : NULL, &piece);
    read_piece(t, piece);
    free(copy);
  }
  rl_buf_addf(&t->text, "\n%s", t->failed || !rl_h1_is_idle(&t->reader) ? "inside" : "between");
  if (t->body) rl_req_free(t->body);
  rl_h1_reader_free(&t->reader);
}

static void compare(rl_chunk_pool *chunks, rl_slice input, const trace *whole, size_t most, bool random) {
  trace t;
  run(&t, chunks, input, most, random);
  if (!rl_slice_eq(rl_buf_slice(&t.text), rl_buf_slice(&whole->text)))
    fprintf(stderr, "whole: %.*s\n----\ncut:   %.*s\n", RL_FMT(whole->text), RL_FMT(t.text));
  HOLDS(rl_slice_eq(rl_buf_slice(&t.text), rl_buf_slice(&whole->text)));
  rl_buf_free(&t.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_chunk_pool chunks;
  trace whole;
  rl_slice input = fuzz_slice(data, size);
  rl_chunk_pool_init(&chunks, 16);
  run(&whole, &chunks, input, 0, false);
  compare(&chunks, input, &whole, 1, false);
  compare(&chunks, input, &whole, 8, true);
  compare(&chunks, input, &whole, 100, true);
  rl_buf_free(&whole.text);
  rl_chunk_pool_free(&chunks);
  return 0;
}
