/*
 * A whole connection, its handlers (support/site.h) included, over a stream in memory. The input is what the client sends;
 * 0xFF and a letter is something else that happens:
 *
 *     e  the client's FIN      r  its RST      s  it reads no more      t  it reads again      q  the server stops
 *     w  writes of 7 bytes     n  of any size  p  a second passes       P  a minute
 *     mX the X-th allocation from here fails   M  all of them do
 *
 * Whole and byte by byte the answers are the same, and nothing is left: no connection, request, timer or byte. That holds
 * for sockets, which tell of a FIN while they are read; a stream that tells of it at once must do no harm.
 */
#include "base/alloc.h"
#include "fuzz/fuzz.h"
#include "support/answers.h"
#include "support/server.h"

enum { ROOM = 1 << 20, MARK = 0xFF };

typedef struct outcome {
  rl_buf out; /* without the dates */
  char events[512];
  bool shut, reset;
} outcome;

/* Returns how many bytes of the input it used. */
static size_t happen(test_client *client, rl_slice input) {
  test_server *server = client->server;
  switch (input.data[0]) {
    case 'e': test_client_eof(client); return 1;
    case 'r': test_client_break(client); return 1;
    case 's': client->stream.room = 0; return 1;
    case 't': test_client_take(client, ROOM); return 1;
    case 'w': client->stream.most = 7; return 1;
    case 'n': client->stream.most = SIZE_MAX; return 1;
    case 'p': test_server_pause(server, 1000); return 1;
    case 'P': test_server_pause(server, 60000); return 1;
    case 'M': rl_alloc_fail_at(1, true); return 1;
    case 'm': rl_alloc_fail_at(input.len > 1 ? 1 + (uint8_t)input.data[1] : 1, false); return input.len > 1 ? 2 : 1;
    case 'q':
      if (client->link) rl_conn_stop(&client->link->conn);
      test_server_settle(server);
      return 1;
    default: return 0;
  }
}

static void send_all(test_client *client, rl_slice input, size_t most) {
  while (input.len) {
    size_t size = rl_slice_find(input, (char)MARK, 0), used = 0;
    for (size_t at = 0; at < size; at += most)
      test_client_send(client, rl_slice_of(input.data + at, size - at < most ? size - at : most));
    if (size < input.len) size++;
    if (size < input.len) used = happen(client, rl_slice_of(input.data + size, input.len - size));
    input = rl_slice_of(input.data + size + used, input.len - size - used);
  }
}

/* Time has passed since the other run, so the dates differ. */
static void keep_without_dates(rl_buf *out, rl_slice sent) {
  rl_slice line;
  while (fuzz_line(&sent, &line))
    if (!rl_slice_starts(line, RL_SLICE("Date: "))) rl_buf_addf(out, "%.*s\n", RL_FMT(line));
}

static void run(test_server *server, rl_slice input, size_t most, bool late_eof, outcome *o) {
  test_client *client = test_client_connect(server);
  HOLDS(client);
  client->stream.room = ROOM;
  client->stream.late_eof = late_eof;
  send_all(client, input, most);
  rl_alloc_fail_at(0, false);
  rl_buf_init(&o->out, RL_BUF_NO_LIMIT);
  keep_without_dates(&o->out, test_client_out(client));
  memcpy(o->events, client->events, sizeof o->events);
  o->shut = test_client_is_closed(client);
  o->reset = client->stream.reset;
  test_client_free(client);
  test_server_check(server);
}

/* Returns true if the two runs must agree: not where a fault hits one allocation of many, where a piece is the last that fits, or
 * where the answer shows the pieces. */
static bool is_plain(rl_slice input, const outcome *o) {
  for (size_t i = 0; i + 1 < input.len; i++)
    if ((uint8_t)input.data[i] == MARK && strchr("mMstrwn", input.data[i + 1])) return false;
  if (strstr(o->events, "/duplex")) return false;
  return o->out.len < ROOM / 2 && strlen(o->events) < sizeof o->events - 64;
}

static void check_answers(const outcome *o) {
  rl_slice out = rl_buf_slice(&o->out);
  HOLDS(!out.len || rl_slice_starts(out, RL_SLICE("HTTP/1.1 ")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static test_server server;
  rl_slice input = fuzz_slice(data, size);
  outcome whole, cut, hasty;
  if (!server.router) test_server_init(&server);
  run(&server, input, SIZE_MAX / 2, true, &whole);
  run(&server, input, 1, true, &cut);
  run(&server, input, SIZE_MAX / 2, false, &hasty);
  check_answers(&whole);
  check_answers(&cut);
  check_answers(&hasty);
  if (is_plain(input, &whole)) {
    if (!rl_slice_eq(rl_buf_slice(&whole.out), rl_buf_slice(&cut.out)) || strcmp(whole.events, cut.events) != 0)
      fprintf(stderr, "whole: %.*s\n%s\n----\ncut:   %.*s\n%s\n", RL_FMT(whole.out), whole.events, RL_FMT(cut.out),
              cut.events);
    HOLDS(rl_slice_eq(rl_buf_slice(&whole.out), rl_buf_slice(&cut.out)));
    HOLDS(strcmp(whole.events, cut.events) == 0);
    HOLDS(whole.shut == cut.shut && whole.reset == cut.reset);
  }
  rl_buf_free(&whole.out);
  rl_buf_free(&cut.out);
  rl_buf_free(&hasty.out);
  return 0;
}
