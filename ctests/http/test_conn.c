/* A connection that becomes another protocol, with toys for protocols: one reads lines in capitals and is asked to hand over by a
 * line "UP", the other counts bytes. */
#define _GNU_SOURCE
#include "http/conn.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/mem_stream.h"
#include "support/test.h"

static rl_loop loop;
static rl_conn_host host;
static mem_stream stream;
static rl_conn conn;
static bool is_closed;
static char events[512];
static int states; /* of protocols, that are there */

static void note(const char *text) {
  if (*events) strcat(events, " ");
  strcat(events, text);
}

static void noted(const char *text) {
  assert_string_equal(events, text);
  *events = 0;
}

/* ---- two protocols ------------------------------------------------------------------------------------------------------ */

typedef struct toy {
  char line[64];
  size_t len;
} toy;

static const rl_protocol lines, bytes;

static int open_toy(rl_conn *c) {
  c->protocol_state = rl_calloc(1, sizeof(toy));
  if (!c->protocol_state) return RL_ENOMEM;
  states++;
  note(c->protocol == &lines ? "open-lines" : "open-bytes");
  return RL_OK;
}

static void on_free(rl_conn *c, void *state) {
  (void)c;
  rl_free(state);
  states--;
  note("free");
}

static void say(rl_conn *c, const char *text) {
  rl_buf_add_str(rl_conn_out(c), text);
  rl_conn_flush_soon(c);
}

/* Reads up to a line that hands over; what comes after it is the next protocol's. */
static void on_line_data(rl_conn *c, rl_slice in) {
  toy *t = c->protocol_state;
  for (size_t i = 0; i < in.len; i++) {
    if (in.data[i] != '\n') {
      t->line[t->len++] = in.data[i];
      continue;
    }
    t->line[t->len] = 0;
    t->len = 0;
    say(c, t->line);
    say(c, ";");
    if (strcmp(t->line, "UP") == 0) {
      rl_conn_become(c, &bytes, rl_slice_of(in.data + i + 1, in.len - i - 1));
      return;
    }
    if (strcmp(t->line, "END") == 0) {
      rl_conn_finish(c, RL_LINGER_NONE);
      assert_int_equal(rl_conn_become(c, &bytes, rl_slice_of(in.data + i + 1, in.len - i - 1)), RL_ERESET);
      assert_ptr_equal(c->protocol, &lines);
      return;
    }
  }
}

/* "<" hands back. */
static void on_byte_data(rl_conn *c, rl_slice in) {
  size_t size = rl_slice_find(in, '<', 0);
  rl_buf_addf(rl_conn_out(c), "%zu;", size);
  rl_conn_flush_soon(c);
  if (size < in.len) rl_conn_become(c, &lines, rl_slice_of(in.data + size + 1, in.len - size - 1));
}

static void on_eof(rl_conn *c) {
  note(c->protocol == &lines ? "eof-lines" : "eof-bytes");
  rl_conn_finish(c, RL_LINGER_NONE);
}
static void on_drained(rl_conn *c) { note(c->protocol == &lines ? "drained-lines" : "drained-bytes"); }
static void on_clock(rl_conn *c) { note(c->protocol == &lines ? "clock-lines" : "clock-bytes"); }
static void on_broken(rl_conn *c, int code) { (void)c, (void)code, note("broken"); }
static void on_stop(rl_conn *c) { rl_conn_finish(c, RL_LINGER_NONE); }
static void on_cut(rl_conn *c) { rl_conn_close(c, false); }

#define TOY(data)                                                                                        \
  {                                                                                                      \
    .open = open_toy, .on_data = data, .on_eof = on_eof, .on_drained = on_drained, .on_clock = on_clock, \
    .on_broken = on_broken, .on_stop = on_stop, .on_cut = on_cut, .on_free = on_free                     \
  }
static const rl_protocol lines = TOY(on_line_data), bytes = TOY(on_byte_data);

/* ---- the connection ----------------------------------------------------------------------------------------------------- */

static void on_closed(rl_conn *c) { (void)c, is_closed = true; }
static const rl_conn_events conn_events = {.on_closed = on_closed};

static int setup(void **state) {
  (void)state;
  is_closed = false;
  *events = 0;
  assert_int_equal(rl_loop_init(&loop), 0);
  rl_loop_clock_freeze(&loop);
  rl_conn_host_init(&host, &loop, &conn_events, NULL);
  mem_stream_init(&stream, &loop);
  rl_conn_init(&conn, &host, &stream.stream, "127.0.0.1");
  assert_int_equal(rl_conn_become(&conn, &lines, RL_SLICE_NONE), 0);
  noted("open-lines");
  return 0;
}

static void settle(void) {
  loop.quiet = 0;
  while (!rl_loop_is_quiet(&loop)) uv_run(&loop.uv, UV_RUN_NOWAIT);
}

static int teardown(void **state) {
  (void)state;
  if (!is_closed) rl_conn_close(&conn, true);
  settle();
  assert_true(is_closed);
  assert_int_equal(states, 0);
  mem_stream_free(&stream);
  rl_conn_host_free(&host);
  return rl_loop_free(&loop);
}

static void feed(const char *text) {
  mem_stream_feed(&stream, rl_slice_str(text));
  settle();
}

static void sent(const char *text) {
  rl_slice got = mem_stream_out(&stream);
  if (!rl_slice_eq(got, rl_slice_str(text))) fail_msg("'%.*s'", RL_FMT(got));
}

/* ---- becoming another --------------------------------------------------------------------------------------------------- */

TEST(bytes_of_the_same_read_belong_to_the_next_protocol) {
  UNUSED;
  feed("A\nUP\n12345");
  sent("A;UP;5;");
  noted("open-bytes free");
  feed("678");
  sent("A;UP;5;3;");
  assert_int_equal(states, 1);
}

TEST(bytes_of_later_reads_too_however_the_line_was_cut) {
  UNUSED;
  feed("A\nU");
  feed("P");
  feed("\n");
  noted("open-bytes free");
  sent("A;UP;");
  feed("123");
  sent("A;UP;3;");
}

TEST(what_waits_to_be_written_leaves_first) {
  UNUSED;
  stream.room = 1;
  feed("A\nUP\n12345");
  sent("A");
  feed("12");
  stream.room = 0;
  mem_stream_take(&stream, SIZE_MAX);
  settle();
  sent("A;UP;5;2;");
}

TEST(so_does_a_file_that_waits) {
  UNUSED;
  int fd = memfd_create("conn", MFD_CLOEXEC);
  assert_int_equal(write(fd, "[file]", 6), 6);
  stream.room = 0;
  say(&conn, "head;");
  assert_int_equal(rl_conn_send_file(&conn, fd, 0, 6), 0);
  settle();
  feed("UP\n123");
  mem_stream_take(&stream, SIZE_MAX);
  settle();
  sent("head;[file]UP;3;");
  noted("open-bytes free"); /* the one that wanted to hear of it is gone */
  close(fd);
}

TEST(a_connection_that_ends_stays_what_it_was) {
  UNUSED;
  feed("A\nEND\n12345");
  sent("A;END;");
  assert_true(is_closed);
  noted("free");
}

TEST(it_may_become_another_twice_in_one_read) {
  UNUSED;
  feed("UP\n123<A\nUP\n4567");
  sent("UP;3;A;UP;4;");
  noted("open-bytes open-lines open-bytes free free free");
  assert_int_equal(states, 1);
  feed("<B\n");
  sent("UP;3;A;UP;4;0;B;");
}

TEST(the_next_protocol_hears_that_the_peer_has_finished_already) {
  UNUSED;
  conn.eof = true;
  assert_int_equal(rl_conn_become(&conn, &bytes, RL_SLICE("12")), 0);
  settle();
  sent("2;");
  noted("open-bytes eof-bytes free free");
  assert_true(is_closed);
}

TEST(the_clock_of_the_old_protocol_goes_with_it) {
  UNUSED;
  rl_conn_clock(&conn, 1000);
  feed("UP\n");
  *events = 0;
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + 5000);
  settle();
  noted("");
}

TEST(without_memory_for_its_state_the_connection_closes) {
  UNUSED;
  rl_alloc_fail_at(1, true);
  assert_int_equal(rl_conn_become(&conn, &bytes, RL_SLICE("123")), RL_ENOMEM);
  rl_alloc_fail_at(0, false);
  settle();
  assert_true(is_closed);
  assert_true(stream.reset);
  noted("free");
  sent("");
}

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

TEST(one_event_says_that_all_has_left) {
  UNUSED;
  int fd = memfd_create("conn", MFD_CLOEXEC);
  assert_int_equal(write(fd, "[file]", 6), 6);
  stream.most = 2;
  say(&conn, "a;");
  rl_conn_send_file(&conn, fd, 0, 6);
  say(&conn, "b;");
  rl_conn_send_file(&conn, fd, 1, 4);
  say(&conn, "c");
  rl_conn_want_drained(&conn);
  settle();
  sent("a;[file]b;filec");
  noted("drained-lines");
  say(&conn, "d");
  settle();
  noted("");
  close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(bytes_of_the_same_read_belong_to_the_next_protocol),
                                     CASE(bytes_of_later_reads_too_however_the_line_was_cut),
                                     CASE(what_waits_to_be_written_leaves_first),
                                     CASE(so_does_a_file_that_waits),
                                     CASE(a_connection_that_ends_stays_what_it_was),
                                     CASE(it_may_become_another_twice_in_one_read),
                                     CASE(the_next_protocol_hears_that_the_peer_has_finished_already),
                                     CASE(the_clock_of_the_old_protocol_goes_with_it),
                                     CASE(without_memory_for_its_state_the_connection_closes),
                                     CASE(one_event_says_that_all_has_left)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
