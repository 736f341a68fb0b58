/* The client's response reader: whole, byte by byte and cut at random, the same bytes are the same events. The first byte of
 * the input says whether the request was HEAD, and whether the connection ends behind the others. */
#include "client/reader.h"

#include "base/error.h"
#include "fuzz/fuzz.h"

typedef struct trace {
  rl_reader reader;
  rl_head head;
  rl_buf text;
  size_t rest; /* bytes behind the response */
  bool in_body, over;
} trace;

static void note_head(trace *t) {
  HOLDS(t->head.complete && t->head.status >= 100 && t->head.status <= 999);
  rl_buf_addf(&t->text, "head %d %s\n", t->head.status, t->head.version);
  for (size_t i = 0; i < t->head.count; i++)
    rl_buf_addf(&t->text, "[%.*s]=[%.*s]\n", RL_FMT(rl_head_name(&t->head, i)), RL_FMT(rl_head_value(&t->head, i)));
}

static void note(trace *t, rl_read what) {
  if (what == RL_READ_HEAD) note_head(t);
  if (what == RL_READ_BODY) {
    HOLDS(t->reader.piece.len > 0 && t->head.complete);
    rl_buf_add_slice(&t->text, t->reader.piece);
  }
  if (what == RL_READ_END) rl_buf_addf(&t->text, "\nend %d", t->reader.keep_alive);
  if (what == RL_READ_FAULT) {
    HOLDS(t->reader.code < 0 && t->reader.why);
    rl_buf_addf(&t->text, "\nfault %s", rl_error_word(t->reader.code));
  }
  t->over = what == RL_READ_END || what == RL_READ_FAULT;
}

static void read_piece(trace *t, rl_slice in) {
  rl_read what;
  do {
    what = rl_reader_next(&t->reader, &in);
    note(t, what);
    HOLDS(what != RL_READ_MORE || in.len == 0);
  } while (what != RL_READ_MORE && !t->over);
  if (what == RL_READ_END) t->rest = in.len;
}

/* `most` 0: in one piece. */
static void run(trace *t, rl_slice input, size_t most, bool random, uint8_t how) {
  fuzz_random numbers = fuzz_random_of(input);
  *t = (trace){.over = false};
  rl_head_init(&t->head);
  rl_reader_init(&t->reader);
  rl_buf_init(&t->text, RL_BUF_NO_LIMIT);
  rl_reader_start(&t->reader, &t->head, how & 1);
  while (input.len && !t->over) {
    rl_slice piece;
    char *copy = fuzz_cut(&input, most, random ? &numbers : NULL, &piece);
    read_piece(t, piece);
    free(copy);
  }
  t->rest += input.len;
  if (how & 2 && !t->over) note(t, rl_reader_eof(&t->reader));
  if (t->over && t->reader.code == 0) rl_buf_addf(&t->text, " %zu", t->rest);
  rl_reader_free(&t->reader);
  rl_head_free(&t->head);
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
