/* The client's response reader: whole, byte by byte and cut at random, the same bytes are the same events, and what it lets
 * through is what a program may see. The first byte of the input says whether the requests were HEAD, whether they asked for
 * another protocol, and whether the connection ends after the other bytes. Where the connection stays, the next request is
 * answered by what follows. */
#include "http/h1/response_reader.h"

#include "base/error.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "http/header.h"
#include "http/status.h"

typedef struct trace {
  rl_response_reader reader;
  rl_response_head head;
  rl_buf text;
  size_t rest; /* bytes after the response */
  bool in_body, over;
  int responses;
} trace;

enum { IS_HEAD = 1, ENDS = 2, UPGRADES = 4, MOST_RESPONSES = 4 };

static size_t count(const rl_response_head *head, rl_slice name) {
  size_t found = 0;
  for (size_t i = 0; i < head->count; i++) found += rl_slice_eq_nocase(rl_response_head_name(head, i), name);
  return found;
}

static void check_head(const trace *t) {
  const rl_response_head *head = &t->head;
  HOLDS(head->status != 101 || t->reader.upgrades);
  HOLDS(head->status == 101 || head->status >= 200);
  HOLDS(head->count <= RL_LIMIT_RESPONSE_FIELDS && head->block.len <= RL_LIMIT_RESPONSE_HEAD);
  HOLDS(t->reader.interims <= RL_LIMIT_INTERIMS);
  HOLDS(!count(head, RL_SLICE("content-length")) || !count(head, RL_SLICE("transfer-encoding")));
  for (size_t i = 0; i < head->count; i++)
    HOLDS(rl_header_name_is_safe(rl_response_head_name(head, i)) &&
          rl_header_value_is_safe(rl_response_head_value(head, i)));
}

/* Only what has said where its body ends can be followed by another response. */
static void check_end(const trace *t) {
  bool bodiless = t->reader.to_head || rl_status_is_bodiless(t->head.status);
  bool framed = count(&t->head, RL_SLICE("content-length")) || count(&t->head, RL_SLICE("transfer-encoding"));
  HOLDS(!t->reader.keep_alive || (t->head.status != 101 && (bodiless || framed)));
}

static void note_head(trace *t) {
  check_head(t);
  HOLDS(t->head.complete && t->head.status >= 100 && t->head.status <= 999);
  rl_buf_addf(&t->text, "head %d %s\n", t->head.status, t->head.version);
  for (size_t i = 0; i < t->head.count; i++)
    rl_buf_addf(&t->text, "[%.*s]=[%.*s]\n", RL_FMT(rl_response_head_name(&t->head, i)),
                RL_FMT(rl_response_head_value(&t->head, i)));
}

static void note(trace *t, rl_response_event what) {
  if (what == RL_RESPONSE_HEAD) note_head(t);
  if (what == RL_RESPONSE_BODY) {
    HOLDS(t->reader.piece.len > 0 && t->head.complete);
    HOLDS(!t->reader.to_head && !rl_status_is_bodiless(t->head.status));
    rl_buf_add_slice(&t->text, t->reader.piece);
  }
  if (what == RL_RESPONSE_END) {
    check_end(t);
    rl_buf_addf(&t->text, "\nend %d", t->reader.keep_alive);
  }
  if (what == RL_RESPONSE_FAULT) {
    HOLDS(t->reader.code < 0 && t->reader.why);
    rl_buf_addf(&t->text, "\nfault %s", rl_error_word(t->reader.code));
  }
  t->over = what == RL_RESPONSE_END || what == RL_RESPONSE_FAULT;
}

/* On a connection that stays the next request has been sent. */
static void go_on(trace *t) {
  if (!t->reader.keep_alive || ++t->responses == MOST_RESPONSES) return;
  rl_response_reader_start(&t->reader, &t->head, t->reader.to_head, t->reader.upgrades);
  t->over = false;
}

static void read_piece(trace *t, rl_slice in) {
  rl_response_event what;
  do {
    what = rl_response_reader_next(&t->reader, &in);
    note(t, what);
    HOLDS(what != RL_RESPONSE_MORE || in.len == 0);
    if (what == RL_RESPONSE_END) go_on(t);
  } while (what != RL_RESPONSE_MORE && !t->over);
  if (what == RL_RESPONSE_END) t->rest = in.len;
}

/* `most` 0: in one piece. */
static void run(trace *t, rl_slice input, size_t most, bool random, uint8_t how) {
  fuzz_random numbers = fuzz_random_of(input);
  *t = (trace){.over = false};
  rl_response_head_init(&t->head);
  rl_response_reader_init(&t->reader);
  rl_buf_init(&t->text, RL_BUF_NO_LIMIT);
  rl_response_reader_start(&t->reader, &t->head, how & IS_HEAD, how & UPGRADES);
  while (input.len && !t->over) {
    rl_slice piece;
    char *copy = fuzz_cut(&input, most, random ? &numbers : NULL, &piece);
    read_piece(t, piece);
    free(copy);
  }
  t->rest += input.len;
  if ((how & ENDS) && !t->over) note(t, rl_response_reader_eof(&t->reader));
  if (t->over && t->reader.code == 0) rl_buf_addf(&t->text, " %zu", t->rest);
  rl_response_reader_free(&t->reader);
  rl_response_head_free(&t->head);
}

static void compare(rl_slice input, const trace *whole, size_t most, bool random, uint8_t how) {
  trace t;
  run(&t, input, most, random, how);
  if (!rl_slice_eq(rl_buf_slice(&t.text), rl_buf_slice(&whole->text)))
    fprintf(stderr, "whole: %.*s\n----\ncut:   %.*s\n", RL_FMT(whole->text), RL_FMT(t.text));
  HOLDS(rl_slice_eq(rl_buf_slice(&t.text), rl_buf_slice(&whole->text)));
  rl_buf_free(&t.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  trace whole;
  if (!size) return 0;
  rl_slice input = fuzz_slice(data + 1, size - 1);
  run(&whole, input, 0, false, data[0]);
  compare(input, &whole, 1, false, data[0]);
  compare(input, &whole, 8, true, data[0]);
  compare(input, &whole, 100, true, data[0]);
  rl_buf_free(&whole.text);
  return 0;
}
