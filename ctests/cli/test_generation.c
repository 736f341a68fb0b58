/* Generations of a program on one loop: the swap, loads that fail or wait, and how the one before ends. The clock is virtual. */
#include "cli/generation.h"

#include <stdlib.h>

#include "app/serving.h"
#include "base/log.h"
#include "support/server.h"
#include "support/test.h"

static test_server server;
static rl_generations g;
static rl_handler *handler; /* of the worker */
static rl_buf events;
static bool is_stopped;

static void on_load(rl_generations *generations, const rl_load *load, rl_handler *now) {
  (void)generations;
  rl_buf_addf(&events, "%s; ", load->ok ? "loaded" : "failed");
  assert_int_equal(load->ok, now != NULL);
  if (now) handler = now;
}

static void on_gone(rl_generations *generations) {
  (void)generations;
  rl_buf_addf(&events, "gone; ");
  handler = NULL;
}

static void on_end(rl_generations *generations, int status) {
  (void)generations;
  rl_buf_addf(&events, "over %d; ", status);
  is_stopped = true;
}

static void on_log(void *ud, rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count) {
  (void)ud, (void)level, (void)fields, (void)count;
  rl_buf_addf(&events, "%.*s; ", RL_FMT(message));
}

static void drop(void *ud, rl_log_level level, rl_slice line) { (void)ud, (void)level, (void)line; }

static int setup(void **state) {
  (void)state;
  rl_buf_init(&events, RL_BUF_NO_LIMIT);
  test_server_init(&server);
  is_stopped = false;
  handler = NULL;
  rl_log_tell(on_log, NULL);
  g = (rl_generations){.loop = &server.loop,
                       .vm = {.mode = RL_MODE_SERVE, .root = RILLE_SOURCE_DIR, .worker = 1, .workers = 1},
                       .command = "serve",
                       .app = RILLE_SOURCE_DIR "/ctests/cli/generations.lua",
                       .shutdown_timeout = 30,
                       .on_load = on_load,
                       .on_gone = on_gone,
                       .on_end = on_end};
  return 0;
}

static void run(uint64_t ms) { test_server_pause(&server, ms); }

static int teardown(void **state) {
  (void)state;
  if (!is_stopped) rl_generations_stop(&g);
  for (int i = 0; i < 100 && !is_stopped; i++) run(1000);
  assert_true(is_stopped);
  assert_int_equal(rl_generations_count(&g), 0);
  rl_log_tell(NULL, NULL);
  test_server_free(&server);
  rl_buf_free(&events);
  return 0;
}

/* Compares the events since the last look. */
#define HAPPENED(text)                         \
  do {                                         \
    assert_slice(rl_buf_slice(&events), text); \
    rl_buf_clear(&events);                     \
  } while (0)

/* The next load finds this program. */
static void program(const char *what) { setenv("T_PROGRAM", what, 1); }

static void start(const char *what) {
  program(what);
  assert_int_equal(rl_generations_start(&g), 0);
  run(1);
}

static void reload(const char *what) {
  program(what);
  rl_generations_reload(&g);
  run(1);
}

TEST(a_program_loads_serves_and_ends) {
  UNUSED;
  start("one");
  HAPPENED("started one; loaded; ");
  assert_non_null(handler);
  assert_non_null(rl_generations_vm(&g));
  assert_int_equal(rl_generations_count(&g), 1);
  rl_generations_stop(&g);
  run(100);
  HAPPENED("ended one; over 0; ");
}

TEST(a_reload_swaps_before_the_old_program_ends) {
  UNUSED;
  start("one");
  rl_handler *before = handler;
  rl_vm *vm = rl_generations_vm(&g);
  rl_buf_clear(&events);
  reload("two");
  run(100);
  HAPPENED("started two; loaded; ended one; ");
  assert_ptr_not_equal(handler, before);
  assert_ptr_not_equal(rl_generations_vm(&g), vm);
  assert_int_equal(rl_generations_count(&g), 1);
}

TEST(a_reload_that_fails_changes_nothing) {
  UNUSED;
  start("one");
  rl_handler *before = handler;
  rl_buf_clear(&events);
  reload("fails");
  run(100);
  HAPPENED("failed; ");
  assert_ptr_equal(handler, before);
  assert_int_equal(rl_generations_count(&g), 1);
  reload("three");
  run(100);
  HAPPENED("started three; loaded; ended one; ");
}

TEST(a_first_load_that_fails_is_the_end) {
  UNUSED;
  start("fails");
  run(100);
  assert_true(is_stopped);
  assert_null(rl_generations_vm(&g));
  rl_buf_add_char(&events, 0);
  assert_non_null(strstr(events.data, "over 1; "));
}

TEST(one_that_stays_waits_for_a_program_that_loads) {
  UNUSED;
  g.stays = true;
  start("fails");
  run(100);
  assert_false(is_stopped);
  assert_null(rl_generations_vm(&g));
  rl_buf answer;
  rl_buf_init(&answer, 100);
  assert_false(rl_generations_ask(&g, RL_SLICE("anything"), &answer)); /* nobody answers */
  rl_buf_clear(&events);
  reload("two");
  HAPPENED("started two; loaded; ");
}

TEST(reloads_while_one_loads_come_to_one_more) {
  UNUSED;
  start("one");
  rl_buf_clear(&events);
  program("two");
  rl_generations_reload(&g);
  rl_generations_reload(&g);
  rl_generations_reload(&g);
  assert_int_equal(rl_generations_count(&g), 2);
  run(1000);
  HAPPENED("started two; loaded; started two; loaded; ended one; ended two; ");
  assert_int_equal(rl_generations_count(&g), 1);
}

TEST(a_stop_cancels_a_load_that_waits) {
  UNUSED;
  start("waits");
  assert_int_equal(rl_generations_count(&g), 1);
  rl_generations_stop(&g);
  run(1000);
  assert_true(is_stopped);
  rl_buf_add_char(&events, 0);
  assert_null(strstr(events.data, "loaded"));
}

TEST(a_stop_ends_the_program_that_serves_and_the_one_that_loads) {
  UNUSED;
  start("one");
  reload("waits");
  assert_int_equal(rl_generations_count(&g), 2);
  rl_buf_clear(&events);
  rl_generations_stop(&g);
  rl_generations_reload(&g); /* too late: it changes nothing */
  run(1000);
  assert_true(is_stopped);
  rl_buf_add_char(&events, 0);
  assert_non_null(strstr(events.data, "ended one; "));
}

TEST(the_program_before_ends_in_its_own_time_while_the_new_one_serves) {
  UNUSED;
  start("slow end");
  rl_buf_clear(&events);
  reload("two");
  run(500);
  HAPPENED("started two; loaded; ");
  assert_int_equal(rl_generations_count(&g), 2);
  run(1000);
  HAPPENED("ended slow end; ");
  assert_int_equal(rl_generations_count(&g), 1);
}

static void to_program(rl_dispatch *dispatch, rl_req *req, const rl_match *match) {
  (void)dispatch, (void)match;
  handler->handle(handler, req);
}

TEST(a_program_that_ends_by_itself_answers_what_it_has_begun) {
  UNUSED;
  start("ends by itself");
  rl_buf_clear(&events);
  server.dispatch.on_route = server.dispatch.on_miss = to_program;
  test_client *client = test_client_connect(&server);
  test_client_send(client, RL_SLICE("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
  run(1100);
  assert_null(handler);
  assert_null(rl_generations_vm(&g));
  assert_int_equal(rl_generations_count(&g), 1);
  assert_false(is_stopped);
  run(3000);
  assert_true(is_stopped);
  assert_true(rl_slice_starts(test_client_out(client), RL_SLICE("HTTP/1.1 200 OK\r\n")));
  test_client_free(client);
  rl_buf_add_char(&events, 0);
  assert_non_null(strstr(events.data, "gone; "));
  assert_non_null(strstr(events.data, "over 1; "));
}

TEST(many_reloads_leave_one_state) {
  UNUSED;
  start("0");
  for (int i = 1; i <= 20; i++) {
    char what[16];
    snprintf(what, sizeof what, "%d", i);
    reload(what);
  }
  run(1000);
  assert_int_equal(rl_generations_count(&g), 1);
  assert_int_equal(g.vm.generation, 21);
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  rl_log_setup(RL_LOG_TEXT, RL_LOG_INFO);
  rl_log_capture(drop, NULL);
  const struct CMUnitTest tests[] = {
      EACH(a_program_loads_serves_and_ends),
      EACH(a_reload_swaps_before_the_old_program_ends),
      EACH(a_reload_that_fails_changes_nothing),
      EACH(a_first_load_that_fails_is_the_end),
      EACH(one_that_stays_waits_for_a_program_that_loads),
      EACH(reloads_while_one_loads_come_to_one_more),
      EACH(a_stop_cancels_a_load_that_waits),
      EACH(a_stop_ends_the_program_that_serves_and_the_one_that_loads),
      EACH(the_program_before_ends_in_its_own_time_while_the_new_one_serves),
      EACH(a_program_that_ends_by_itself_answers_what_it_has_begun),
      EACH(many_reloads_leave_one_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
