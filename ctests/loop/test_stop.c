/* Signals end processes, so each case runs in a child of its own. */
#include "loop/stop.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loop/loop.h"
#include "support/test.h"

enum { WELL = 7 };

static rl_loop loop;
static int heard[8], count;

static void on_stop(void *owner, int number) {
  if (owner != &loop) _exit(1);
  heard[count++] = number;
}

static void turn(void) { uv_run(&loop.uv, UV_RUN_NOWAIT); }

/* Runs it in a child that has a loop and watches. Returns its exit status, or minus the signal that ended it. */
static int in_child(void (*run)(void)) {
  pid_t child = fork();
  int status;
  if (child == 0) {
    if (rl_loop_init(&loop) || rl_stop_watch(&loop, on_stop, &loop)) _exit(2);
    run();
    _exit(WELL);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) return -1000;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#define CHECK(condition) ((condition) ? (void)0 : _exit(__LINE__ & 0x7F))

static void ask_once(void) {
  CHECK(rl_stop_asked() == 0 && rl_stop_left(1000) == 1000);
  raise(SIGTERM);
  CHECK(count == 0 && rl_stop_asked() > 0); /* the loop hears of it in its turn */
  turn();
  CHECK(count == 1 && heard[0] == SIGTERM);
  CHECK(rl_stop_left(1000000) <= 1000000 && rl_stop_left(1000000) > 0);
}

static void ask_twice(void) {
  raise(SIGINT);
  turn();
  raise(SIGINT);
}

static void ask_once_for_all(void) {
  rl_stop_once();
  raise(SIGTERM);
  raise(SIGINT);
  turn();
  CHECK(count == 1 && heard[0] == SIGTERM && rl_stop_number() == SIGTERM);
}

static void ask_in_two_ways(void) {
  raise(SIGTERM);
  raise(SIGINT);
}

static void close_it(void) {
  rl_stop_close();
  turn();
  raise(SIGTERM);
}

TEST(the_first_signal_asks_and_the_loop_hears_of_it) {
  UNUSED;
  assert_int_equal(in_child(ask_once), WELL);
}

TEST(the_second_one_ends_the_process) {
  UNUSED;
  assert_int_equal(in_child(ask_twice), 128 + SIGINT);
}

TEST(so_it_does_where_the_loop_never_turns) {
  UNUSED;
  assert_int_equal(in_child(ask_in_two_ways), 128 + SIGINT);
}

TEST(under_a_supervisor_it_is_left_to_him) {
  UNUSED;
  assert_int_equal(in_child(ask_once_for_all), WELL);
}

TEST(closed_both_do_what_they_do_by_default) {
  UNUSED;
  assert_int_equal(in_child(close_it), -SIGTERM);
}

/* ---- interrupts -------------------------------------------------------------------------------------------------------- */

static void say(void) {
  ssize_t ignored = write(STDOUT_FILENO, "", 0);
  (void)ignored;
  _exit(WELL + 1);
}

static void interrupt_again_and_again(void) {
  rl_stop_take_interrupts(true, NULL);
  for (int i = 1; i <= 3; i++) {
    raise(SIGINT);
    CHECK(rl_stop_interrupted() > 0);
    turn();
    CHECK(count == i && heard[i - 1] == SIGINT);
    rl_stop_interrupt_served();
    CHECK(rl_stop_interrupted() == 0);
  }
  CHECK(rl_stop_asked() == 0);
}

static void interrupt_what_does_not_serve(void) {
  rl_stop_take_interrupts(true, NULL);
  raise(SIGINT);
  turn();
  raise(SIGINT);
}

static void have_a_last_word(void) {
  rl_stop_take_interrupts(true, say);
  raise(SIGINT);
  raise(SIGINT);
}

static void stop_beside_an_interrupt(void) {
  rl_stop_take_interrupts(true, NULL);
  raise(SIGINT);
  raise(SIGTERM);
  CHECK(rl_stop_asked() > 0);
  raise(SIGTERM);
}

static void no_interrupts_any_more(void) {
  rl_stop_take_interrupts(true, NULL);
  raise(SIGINT);
  rl_stop_take_interrupts(false, NULL);
  raise(SIGINT);
  CHECK(rl_stop_asked() > 0 && rl_stop_interrupted() == 0);
}

TEST(interrupts_that_are_served_end_nothing) {
  UNUSED;
  assert_int_equal(in_child(interrupt_again_and_again), WELL);
}

TEST(a_second_interrupt_ends_what_did_not_serve_the_first) {
  UNUSED;
  assert_int_equal(in_child(interrupt_what_does_not_serve), 128 + SIGINT);
}

TEST(the_last_word_is_said_before_the_end) {
  UNUSED;
  assert_int_equal(in_child(have_a_last_word), WELL + 1);
}

TEST(a_stop_is_counted_beside_interrupts) {
  UNUSED;
  assert_int_equal(in_child(stop_beside_an_interrupt), 128 + SIGTERM);
}

TEST(without_interrupts_sigint_asks_again) {
  UNUSED;
  assert_int_equal(in_child(no_interrupts_any_more), WELL);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(the_first_signal_asks_and_the_loop_hears_of_it),
                                     RUN(the_second_one_ends_the_process),
                                     RUN(so_it_does_where_the_loop_never_turns),
                                     RUN(under_a_supervisor_it_is_left_to_him),
                                     RUN(closed_both_do_what_they_do_by_default),
                                     RUN(interrupts_that_are_served_end_nothing),
                                     RUN(a_second_interrupt_ends_what_did_not_serve_the_first),
                                     RUN(the_last_word_is_said_before_the_end),
                                     RUN(a_stop_is_counted_beside_interrupts),
                                     RUN(without_interrupts_sigint_asks_again)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
