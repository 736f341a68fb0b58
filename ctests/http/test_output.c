#define _GNU_SOURCE
#include "http/output.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/mem_stream.h"
#include "support/test.h"

static rl_loop loop;
static mem_stream stream;
static rl_output out;

static int setup(void **state) {
  (void)state;
  assert_int_equal(rl_loop_init(&loop), 0);
  mem_stream_init(&stream, &loop);
  rl_output_init(&out);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_output_free(&out);
  mem_stream_free(&stream);
  return rl_loop_free(&loop);
}

static int file_of(const char *text) {
  int fd = memfd_create("output", MFD_CLOEXEC);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  return fd;
}

/* So many bytes of one letter. */
static int large_file(size_t size, char letter) {
  int fd = memfd_create("output", MFD_CLOEXEC);
  char piece[4096];
  memset(piece, letter, sizeof piece);
  for (size_t done = 0; done < size; done += sizeof piece)
    assert_int_equal(write(fd, piece, sizeof piece), sizeof piece);
  return fd;
}

static void add(const char *text) { assert_int_equal(rl_buf_add_str(&out.bytes, text), 0); }

/* As a loop would: until nothing is left. */
static int write_all(void) {
  int code;
  bool progress;
  do {
    progress = false;
    code = rl_output_write(&out, &stream.stream, &progress);
  } while (code == RL_EBUSY || (code == RL_EAGAIN && stream.room));
  return code;
}

static void sent(const char *text) {
  rl_slice got = mem_stream_out(&stream);
  if (!rl_slice_eq(got, rl_slice_str(text))) fail_msg("'%.*s'", RL_FMT(got));
}

TEST(bytes_and_files_leave_in_the_order_in_which_they_came) {
  UNUSED;
  for (int way = 0; way < 3; way++) {
    int a = file_of("[file a]"), b = file_of("[file b, in part]");
    stream.no_files = way == 1;
    stream.most = way == 2 ? 1 : SIZE_MAX;
    stream.refusals = way == 2 ? 1000 : 0;
    add("head a;");
    assert_int_equal(rl_output_add_file(&out, a, 0, 8), 0);
    add("tail a;");
    add("head b;");
    assert_int_equal(rl_output_add_file(&out, b, 1, 6), 0);
    assert_int_equal(rl_output_add_file(&out, a, 5, 2), 0);
    add("end");
    assert_false(rl_output_is_empty(&out));
    assert_int_equal(write_all(), 0);
    assert_true(rl_output_is_empty(&out));
    sent("head a;[file a]tail a;head b;file b aend");
    close(a), close(b);
    teardown(NULL), setup(NULL);
  }
}

TEST(it_goes_on_where_the_peer_took_no_more) {
  UNUSED;
  int a = file_of("0123456789");
  add("ab");
  rl_output_add_file(&out, a, 0, 10);
  add("cd");
  for (size_t room = 0; room < 14; room++) {
    bool progress = false;
    stream.room = room ? 1 : 0;
    assert_int_equal(rl_output_write(&out, &stream.stream, &progress), RL_EAGAIN);
    assert_int_equal(progress, room > 0);
    assert_int_equal(stream.out_len, room);
    if (room == 5) add("ef"); /* while the file is under way */
  }
  stream.room = SIZE_MAX;
  assert_int_equal(write_all(), 0);
  sent("ab0123456789cdef");
  close(a);
}

TEST(a_large_file_lets_others_have_their_turn) {
  UNUSED;
  int a = large_file(3 << 20, 'a');
  bool progress = false;
  rl_output_add_file(&out, a, 0, 3 << 20);
  add("end");
  assert_int_equal(rl_output_write(&out, &stream.stream, &progress), RL_EBUSY);
  assert_true(progress);
  assert_true(stream.out_len > 0 && stream.out_len < 3 << 20);
  assert_int_equal(write_all(), 0);
  assert_int_equal(stream.out_len, (3 << 20) + 3);
  close(a);
}

TEST(files_share_one_turn) {
  UNUSED;
  int a = large_file(1 << 20, 'a');
  bool progress = false;
  for (int i = 0; i < 3; i++) rl_output_add_file(&out, a, 0, 1 << 20);
  assert_int_equal(rl_output_write(&out, &stream.stream, &progress), RL_EBUSY);
  assert_true(stream.out_len <= 1 << 20);
  assert_int_equal(write_all(), 0);
  close(a);
}

TEST(what_came_before_a_dropped_file_still_leaves_and_nothing_after_it) {
  UNUSED;
  int a = file_of("0123456789");
  add("before;");
  rl_output_add_file(&out, a, 0, 10);
  add("after;");
  rl_output_add_file(&out, a, 0, 10);
  add("more");
  close(a); /* mem_stream ends the process if it is read now */
  rl_output_drop_files(&out);
  assert_int_equal(write_all(), 0);
  sent("before;");
  add("next");
  assert_int_equal(write_all(), 0);
  sent("before;next");
}

TEST(a_file_that_is_half_sent_can_be_dropped) {
  UNUSED;
  int a = file_of("0123456789");
  bool progress = false;
  add("ab");
  rl_output_add_file(&out, a, 0, 10);
  add("cd");
  stream.room = 5;
  assert_int_equal(rl_output_write(&out, &stream.stream, &progress), RL_EAGAIN);
  rl_output_drop_files(&out);
  close(a);
  assert_true(rl_output_is_empty(&out));
  rl_output_drop_files(&out); /* there is none */
  stream.room = SIZE_MAX;
  assert_int_equal(write_all(), 0);
  sent("ab012");
}

TEST(a_file_shorter_than_was_said_is_an_error) {
  UNUSED;
  for (int way = 0; way < 2; way++) {
    int a = file_of("0123");
    stream.no_files = way;
    rl_output_add_file(&out, a, 0, 5);
    assert_int_equal(write_all(), RL_EEOF);
    close(a);
    teardown(NULL), setup(NULL);
  }
}

TEST(without_memory_a_file_is_not_queued) {
  UNUSED;
  add("a");
  rl_alloc_fail_at(1, true);
  assert_int_equal(rl_output_add_file(&out, 0, 0, 5), RL_ENOMEM);
  rl_alloc_fail_at(0, false);
  assert_int_equal(write_all(), 0);
  sent("a");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(bytes_and_files_leave_in_the_order_in_which_they_came),
                                     CASE(it_goes_on_where_the_peer_took_no_more),
                                     CASE(a_large_file_lets_others_have_their_turn),
                                     CASE(files_share_one_turn),
                                     CASE(what_came_before_a_dropped_file_still_leaves_and_nothing_after_it),
                                     CASE(a_file_that_is_half_sent_can_be_dropped),
                                     CASE(a_file_shorter_than_was_said_is_an_error),
                                     CASE(without_memory_a_file_is_not_queued)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
