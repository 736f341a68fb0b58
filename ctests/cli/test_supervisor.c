/* The supervisor's decisions, with workers, clock and signals that the test makes up. */
#define _GNU_SOURCE
#include "cli/supervisor.h"

#include <errno.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "support/test.h"

/* ---- the world ------------------------------------------------------------------------------------------------------------- */

enum { FIRST_PID = 100, FIRST_LINE = 500, TIMEOUT_MS = 30000, DEADLINE_MS = 2 * TIMEOUT_MS + RL_LIMIT_STOP_EXTRA_MS };

/* Statuses as waitpid(2) tells them on Linux. */
enum { EXITED_0 = 0, EXITED_7 = 7 << 8, BY_TERM = SIGTERM, BY_SEGV = SIGSEGV | 0x80 };

static rl_supervisor s;
static rl_buf done, said; /* what it did since the last look; what it logged */
static uint64_t clock_ms;
static int pids, start_error;

static uint64_t now_ms(rl_supervisor *sup) {
  (void)sup;
  return clock_ms;
}

static int start(rl_supervisor *sup, bool from_disk, pid_t *pid, int *line) {
  (void)sup;
  if (start_error) return start_error;
  *pid = FIRST_PID + pids;
  *line = FIRST_LINE + pids++;
  rl_buf_addf(&done, "%s %d; ", from_disk ? "disk" : "image", *pid);
  return 0;
}

static void kill_child(rl_supervisor *sup, pid_t pid, int number) {
  (void)sup;
  rl_buf_addf(&done, "%s %d; ", sigabbrev_np(number), pid);
}

static void close_line(rl_supervisor *sup, int line) {
  (void)sup;
  rl_buf_addf(&done, "close %d; ", line);
}

static void become(rl_supervisor *sup) { rl_buf_addf(&done, "become %d; ", sup->serving->pid); }

static void refuse(rl_supervisor *sup) {
  (void)sup;
  rl_buf_add_str(&done, "refuse; ");
}

static void notify(rl_supervisor *sup, const char *text) {
  (void)sup;
  rl_buf_addf(&done, "%s; ", text);
}

static void on_line(void *ud, rl_log_level level, rl_slice line) {
  (void)ud, (void)level;
  rl_buf_add_slice(&said, line);
  rl_buf_add_char(&said, '\n');
}

static int setup(void **state) {
  (void)state;
  rl_buf_init(&done, RL_BUF_NO_LIMIT);
  rl_buf_init(&said, RL_BUF_NO_LIMIT);
  clock_ms = 1000;
  pids = start_error = 0;
  s = (rl_supervisor){.now_ms = now_ms,
                      .start = start,
                      .kill = kill_child,
                      .close_line = close_line,
                      .become = become,
                      .refuse = refuse,
                      .notify = notify,
                      .timeout_ms = TIMEOUT_MS};
  rl_log_capture(on_line, NULL);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_log_capture(NULL, NULL);
  rl_buf_free(&done);
  rl_buf_free(&said);
  return 0;
}

#define DID(text)                            \
  do {                                       \
    assert_slice(rl_buf_slice(&done), text); \
    rl_buf_clear(&done);                     \
  } while (0)

static void assert_said_at(const char *text, const char *file, int line) {
  rl_buf_add_char(&said, 0);
  if (!strstr(said.data, text)) {
    print_error("'%s' is not in the log:\n%s\n", text, said.data);
    _fail(file, line);
  }
  rl_buf_clear(&said);
}
#define SAID(text) assert_said_at((text), __FILE__, __LINE__)

static rl_supervised *child(int pid) {
  rl_supervised *c = rl_supervisor_find(&s, pid);
  assert_non_null(c);
  return c;
}

static void hear(int pid, const char *text) { rl_supervisor_hear(&s, child(pid), text, strlen(text)); }
static void ended(int pid, int status) { rl_supervisor_ended(&s, child(pid), status); }

static void pass(uint64_t ms) {
  clock_ms += ms;
  rl_supervisor_tick(&s);
}

/* A supervisor whose first worker, 100, serves. */
static void serve(void) {
  rl_supervisor_start(&s);
  hear(100, "ready 2\n");
  DID("image 100; READY=1; ");
}

/* ---- starting -------------------------------------------------------------------------------------------------------------- */

TEST(the_first_worker_that_is_ready_makes_the_service_ready) {
  UNUSED;
  rl_supervisor_start(&s);
  DID("image 100; ");
  assert_int_equal(rl_supervisor_wait_ms(&s), -1);
  assert_false(s.ever_ready);
  hear(100, "ready 2\n");
  DID("READY=1; ");
  assert_true(s.ever_ready);
  assert_ptr_equal(s.serving, child(100));
}

TEST(a_first_worker_that_never_gets_ready_ends_the_parent_with_its_status) {
  UNUSED;
  rl_supervisor_start(&s);
  ended(100, EXITED_7);
  DID("image 100; close 500; ");
  SAID("supervisor: the program did not start");
  assert_true(s.over);
  assert_int_equal(s.status, 7);
}

TEST(a_first_worker_that_crashes_ends_the_parent_with_its_signal) {
  UNUSED;
  rl_supervisor_start(&s);
  ended(100, BY_SEGV);
  SAID("signal=SIGSEGV core=true");
  assert_int_equal(s.status, 128 + SIGSEGV);
}

TEST(a_parent_that_cannot_start_a_worker_ends) {
  UNUSED;
  start_error = ENOENT;
  rl_supervisor_start(&s);
  DID("");
  SAID("No such file or directory");
  assert_true(s.over);
  assert_int_equal(s.status, 1);
}

/* ---- restarting ------------------------------------------------------------------------------------------------------------- */

TEST(a_worker_that_dies_is_followed_by_another_at_once) {
  UNUSED;
  serve();
  pass(RL_LIMIT_RESTART_YOUNG_MS);
  ended(100, BY_SEGV);
  DID("close 500; ");
  SAID("supervisor: the worker died");
  assert_int_equal(rl_supervisor_wait_ms(&s), 0);
  rl_supervisor_tick(&s);
  DID("image 101; ");
  hear(101, "ready 2\n");
  DID(""); /* systemd was told once */
}

TEST(the_place_of_a_crash_is_logged) {
  UNUSED;
  serve();
  hear(100, "at app.lua:12\n");
  ended(100, BY_SEGV);
  SAID("at=app.lua:12");
}

TEST(an_end_with_a_status_is_no_signal) {
  UNUSED;
  serve();
  ended(100, EXITED_7);
  SAID("status=7");
}

TEST(pauses_double_while_workers_die_young_up_to_a_limit) {
  UNUSED;
  static const int pauses[] = {0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000};
  serve();
  for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
    ended(FIRST_PID + (int)i, EXITED_7);
    assert_int_equal(rl_supervisor_wait_ms(&s), pauses[i]);
    rl_buf_clear(&done);
    if (pauses[i]) {
      pass((uint64_t)pauses[i] - 1);
      DID("");
      pass(1);
    } else {
      pass(0);
    }
    assert_int_equal(child(FIRST_PID + (int)i + 1)->ready_ms, 0);
  }
}

TEST(the_pause_does_not_overflow_after_many_crashes) {
  UNUSED;
  serve();
  for (unsigned young = 60; young < 70; young++) { /* as many bits as the pause has, and more */
    s.young = young;
    ended(s.serving->pid, EXITED_7);
    assert_int_equal(rl_supervisor_wait_ms(&s), RL_LIMIT_RESTART_MOST_MS);
    pass(RL_LIMIT_RESTART_MOST_MS);
  }
}

TEST(one_that_has_grown_old_forgives_the_young_ones_before) {
  UNUSED;
  serve();
  ended(100, EXITED_7);
  pass(0);
  ended(101, EXITED_7);
  assert_int_equal(rl_supervisor_wait_ms(&s), 50);
  pass(50);
  hear(102, "ready 2\n");
  pass(RL_LIMIT_RESTART_YOUNG_MS - 1);
  ended(102, EXITED_7);
  assert_int_equal(rl_supervisor_wait_ms(&s), 100); /* a millisecond too young */
  pass(100);
  hear(103, "ready 2\n");
  pass(RL_LIMIT_RESTART_YOUNG_MS);
  ended(103, EXITED_7);
  assert_int_equal(rl_supervisor_wait_ms(&s), 0);
}

TEST(one_that_cannot_be_started_is_tried_again_after_a_pause) {
  UNUSED;
  serve();
  ended(100, EXITED_7);
  start_error = EAGAIN;
  pass(0);
  SAID("cannot start");
  assert_int_equal(rl_supervisor_wait_ms(&s), 100); /* it counts as one more that died young */
  start_error = 0;
  rl_buf_clear(&done);
  pass(100);
  DID("image 101; ");
}

/* ---- stopping --------------------------------------------------------------------------------------------------------------- */

TEST(a_stop_refuses_connections_first_and_ends_with_the_workers_status) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGTERM, false);
  DID("STOPPING=1; refuse; TERM 100; ");
  assert_false(s.over);
  ended(100, EXITED_0);
  rl_supervisor_tick(&s);
  assert_true(s.over);
  assert_int_equal(s.status, 0);
}

TEST(a_stop_passes_on_the_status_of_a_worker_that_did_not_end_well) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGINT, true);
  ended(100, EXITED_7);
  rl_supervisor_tick(&s);
  assert_int_equal(s.status, 7);
}

TEST(a_worker_that_the_stop_ended_before_it_handled_signals_has_done_nothing_wrong) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGTERM, false);
  ended(100, BY_TERM);
  rl_supervisor_tick(&s);
  assert_int_equal(s.status, 0);
}

TEST(a_second_stop_kills) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGTERM, false);
  rl_buf_clear(&done);
  rl_supervisor_signal(&s, SIGINT, false);
  DID("KILL 100; ");
  ended(100, SIGKILL);
  rl_supervisor_tick(&s);
  assert_true(s.over);
  assert_int_equal(s.status, 128 + SIGINT);
}

TEST(a_worker_that_does_not_stop_is_killed_when_its_time_is_up) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGTERM, false);
  rl_buf_clear(&done);
  assert_int_equal(rl_supervisor_wait_ms(&s), 60000); /* it looks at least once a minute */
  pass(DEADLINE_MS - 1);
  DID("");
  assert_int_equal(rl_supervisor_wait_ms(&s), 1);
  pass(1);
  DID("KILL 100; ");
  SAID("has not stopped in time and is killed");
  pass(RL_SUPERVISOR_KILLED_MS);
  DID("KILL 100; "); /* and again, as long as it is there */
  ended(100, SIGKILL);
  rl_supervisor_tick(&s);
  assert_true(s.over);
}

TEST(a_stop_while_a_restart_is_due_starts_nothing) {
  UNUSED;
  serve();
  ended(100, EXITED_7);
  rl_supervisor_signal(&s, SIGTERM, false);
  rl_buf_clear(&done);
  pass(60000);
  DID("");
  assert_true(s.over);
}

TEST(a_worker_that_becomes_ready_while_all_stops_changes_nothing) {
  UNUSED;
  rl_supervisor_start(&s);
  rl_supervisor_signal(&s, SIGTERM, false);
  rl_buf_clear(&done);
  hear(100, "ready 2\n");
  DID("");
  assert_false(s.ever_ready);
}

/* ---- other signals ----------------------------------------------------------------------------------------------------------- */

TEST(reload_and_inspect_go_to_the_worker) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGHUP, false);
  rl_supervisor_signal(&s, SIGUSR1, false);
  DID("HUP 100; USR1 100; ");
  rl_supervisor_signal(&s, SIGHUP, true); /* a terminal has sent it to the worker too */
  rl_supervisor_signal(&s, SIGCHLD, false);
  rl_supervisor_signal(&s, SIGALRM, false);
  DID("");
}

TEST(a_worker_that_somebody_else_stops_is_followed_before_it_has_drained) {
  UNUSED;
  serve();
  hear(100, "leaving\n");
  DID("image 101; ");
  assert_ptr_equal(s.serving, child(101));
  hear(100, "leaving\n");
  DID(""); /* it is no longer the one that serves */
  ended(100, EXITED_0);
  DID("close 500; ");
  assert_int_equal(rl_supervisor_wait_ms(&s), -1);
}

TEST(one_that_leaves_before_it_was_ready_is_no_reason_for_another) {
  UNUSED;
  rl_supervisor_start(&s);
  hear(100, "leaving\n");
  DID("image 100; ");
}

/* ---- upgrades ---------------------------------------------------------------------------------------------------------------- */

TEST(an_upgrade_replaces_the_worker_once_the_new_one_is_ready) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGUSR2, false);
  DID("disk 101; ");
  assert_ptr_equal(s.serving, child(100));
  rl_supervisor_signal(&s, SIGHUP, false);
  DID("HUP 100; HUP 101; ");
  hear(101, "ready 2\n");
  DID("TERM 100; become 101; ");
  assert_ptr_equal(s.serving, child(101));
  assert_null(s.next);
  ended(100, EXITED_0);
  assert_false(s.over);
  pass(2 * DEADLINE_MS);
  DID("close 500; ");
}

TEST(a_worker_of_another_protocol_serves_but_the_parent_stays_what_it_is) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGUSR2, false);
  hear(101, "ready 3\n");
  DID("disk 101; TERM 100; ");
}

TEST(a_new_binary_that_does_not_start_changes_nothing) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGUSR2, false);
  ended(101, EXITED_7);
  DID("disk 101; close 501; ");
  SAID("the new binary did not start, the old one keeps serving");
  assert_ptr_equal(s.serving, child(100));
  assert_null(s.next);
}

TEST(a_second_upgrade_ends_the_first_that_still_starts) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGUSR2, false);
  rl_buf_clear(&done);
  rl_supervisor_signal(&s, SIGUSR2, false);
  DID("TERM 101; disk 102; ");
  hear(101, "ready 2\n"); /* too late: it was dismissed */
  DID("");
  hear(102, "ready 2\n");
  DID("TERM 100; become 102; ");
}

TEST(one_that_was_dismissed_makes_no_service_ready) {
  UNUSED;
  rl_supervisor_start(&s);
  rl_supervisor_signal(&s, SIGUSR2, false);
  rl_supervisor_signal(&s, SIGUSR2, false);
  DID("image 100; disk 101; TERM 101; disk 102; ");
  hear(101, "ready 2\n");
  DID("");
  assert_false(s.ever_ready);
}

TEST(an_upgrade_repairs_a_worker_that_keeps_dying) {
  UNUSED;
  serve();
  for (int i = 0; i < 5; i++) {
    ended(FIRST_PID + i, EXITED_7);
    pass(5000);
  }
  rl_buf_clear(&done);
  ended(105, EXITED_7);
  rl_supervisor_signal(&s, SIGUSR2, false);
  hear(106, "ready 2\n");
  DID("close 505; disk 106; become 106; ");
  assert_int_equal(s.young, 0);
  pass(60000);
  DID(""); /* the restart that was due is not */
}

TEST(no_upgrade_while_all_stops) {
  UNUSED;
  serve();
  rl_supervisor_signal(&s, SIGTERM, false);
  rl_buf_clear(&done);
  rl_supervisor_signal(&s, SIGUSR2, false);
  DID("");
}

TEST(no_more_workers_than_there_are_places) {
  UNUSED;
  serve();
  for (int i = 1; i < RL_HANDOVER_CHILDREN; i++) {
    rl_supervisor_signal(&s, SIGUSR2, false);
    hear(FIRST_PID + i, "ready 2\n");
  }
  rl_buf_clear(&done);
  rl_buf_clear(&said);
  rl_supervisor_signal(&s, SIGUSR2, false);
  DID("");
  SAID("too many workers are still draining");
  assert_int_equal(s.serving->pid, FIRST_PID + RL_HANDOVER_CHILDREN - 1);
}

/* ---- the line ----------------------------------------------------------------------------------------------------------------- */

TEST(words_come_in_any_pieces) {
  UNUSED;
  rl_supervisor_start(&s);
  for (const char *text = "at x.lua:1\nready 2\n"; *text; text++) rl_supervisor_hear(&s, child(100), text, 1);
  DID("image 100; READY=1; ");
  assert_string_equal(child(100)->place, "x.lua:1");
}

TEST(several_words_come_at_once) {
  UNUSED;
  rl_supervisor_start(&s);
  hear(100, "ready 2\nleaving\n");
  DID("image 100; READY=1; image 101; ");
}

TEST(what_is_no_word_is_ignored) {
  UNUSED;
  rl_supervisor_start(&s);
  hear(100, "\nready\nready1\nREADY 1\nleave\nat\n\x01\xFF\n");
  rl_supervisor_hear(&s, child(100), "re\0ady 1\n", 9);
  DID("image 100; ");
  assert_int_equal(child(100)->ready_ms, 0);
}

TEST(a_word_without_an_end_is_dropped) {
  UNUSED;
  char long_word[3 * RL_SUPERVISOR_WORD];
  rl_supervisor_start(&s);
  memset(long_word, 'x', sizeof long_word);
  rl_supervisor_hear(&s, child(100), long_word, sizeof long_word);
  hear(100, "\nready 2\n");
  DID("image 100; READY=1; ");
}

TEST(the_longest_place_fits) {
  UNUSED;
  char word[RL_SUPERVISOR_WORD] = "at ";
  rl_supervisor_start(&s);
  memset(word + 3, 'p', sizeof word - 4);
  word[sizeof word - 1] = '\n';
  rl_supervisor_hear(&s, child(100), word, sizeof word);
  assert_int_equal(strlen(child(100)->place), RL_SUPERVISOR_WORD - 4);
}

TEST(a_line_that_ends_says_nothing_of_the_process) {
  UNUSED;
  serve();
  rl_supervisor_hear(&s, child(100), NULL, 0);
  DID("close 500; ");
  assert_int_equal(child(100)->line, -1);
  ended(100, EXITED_0);
  DID(""); /* not closed twice */
}

/* ---- into another binary -------------------------------------------------------------------------------------------------------- */

TEST(children_go_from_one_binary_to_the_next) {
  UNUSED;
  rl_handover h = {0};
  serve();
  rl_supervisor_signal(&s, SIGUSR2, false);
  hear(101, "ready 2\n");
  rl_supervisor_hand_over(&s, &h);
  assert_int_equal(h.child_count, 2);
  assert_int_equal(h.children[0].pid, 100);
  assert_false(h.children[0].serves);
  assert_true(h.children[1].serves);

  teardown(NULL);
  setup(NULL);
  s.ever_ready = true;
  for (int i = 0; i < 2; i++) rl_supervisor_adopt(&s, &h.children[i]);
  rl_supervisor_start(&s);
  DID(""); /* one serves: none is started */
  assert_int_equal(s.serving->pid, 101);
  pass(DEADLINE_MS);
  DID("KILL 100; ");
  ended(101, BY_SEGV);
  assert_false(s.over);
  pass(0);
  DID("close 501; image 100; ");
}

TEST(one_whose_line_has_ended_is_not_handed_over) {
  UNUSED;
  rl_handover h = {0};
  serve();
  rl_supervisor_hear(&s, child(100), NULL, 0);
  rl_supervisor_hand_over(&s, &h);
  assert_int_equal(h.child_count, 0);
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  rl_log_setup(RL_LOG_TEXT, RL_LOG_INFO);
  const struct CMUnitTest tests[] = {
      EACH(the_first_worker_that_is_ready_makes_the_service_ready),
      EACH(a_first_worker_that_never_gets_ready_ends_the_parent_with_its_status),
      EACH(a_first_worker_that_crashes_ends_the_parent_with_its_signal),
      EACH(a_parent_that_cannot_start_a_worker_ends),
      EACH(a_worker_that_dies_is_followed_by_another_at_once),
      EACH(the_place_of_a_crash_is_logged),
      EACH(an_end_with_a_status_is_no_signal),
      EACH(pauses_double_while_workers_die_young_up_to_a_limit),
      EACH(the_pause_does_not_overflow_after_many_crashes),
      EACH(one_that_has_grown_old_forgives_the_young_ones_before),
      EACH(one_that_cannot_be_started_is_tried_again_after_a_pause),
      EACH(a_stop_refuses_connections_first_and_ends_with_the_workers_status),
      EACH(a_stop_passes_on_the_status_of_a_worker_that_did_not_end_well),
      EACH(a_worker_that_the_stop_ended_before_it_handled_signals_has_done_nothing_wrong),
      EACH(a_second_stop_kills),
      EACH(a_worker_that_does_not_stop_is_killed_when_its_time_is_up),
      EACH(a_stop_while_a_restart_is_due_starts_nothing),
      EACH(a_worker_that_becomes_ready_while_all_stops_changes_nothing),
      EACH(reload_and_inspect_go_to_the_worker),
      EACH(a_worker_that_somebody_else_stops_is_followed_before_it_has_drained),
      EACH(one_that_leaves_before_it_was_ready_is_no_reason_for_another),
      EACH(an_upgrade_replaces_the_worker_once_the_new_one_is_ready),
      EACH(a_worker_of_another_protocol_serves_but_the_parent_stays_what_it_is),
      EACH(a_new_binary_that_does_not_start_changes_nothing),
      EACH(a_second_upgrade_ends_the_first_that_still_starts),
      EACH(one_that_was_dismissed_makes_no_service_ready),
      EACH(an_upgrade_repairs_a_worker_that_keeps_dying),
      EACH(no_upgrade_while_all_stops),
      EACH(no_more_workers_than_there_are_places),
      EACH(words_come_in_any_pieces),
      EACH(several_words_come_at_once),
      EACH(what_is_no_word_is_ignored),
      EACH(a_word_without_an_end_is_dropped),
      EACH(the_longest_place_fits),
      EACH(a_line_that_ends_says_nothing_of_the_process),
      EACH(children_go_from_one_binary_to_the_next),
      EACH(one_whose_line_has_ended_is_not_handed_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
