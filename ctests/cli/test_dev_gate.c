/* Who answers a request of rille dev: the dashboard, the program, or nobody. */
#include "cli/dev_gate.h"

#include "fake_request.h"
#include "http/response.h"
#include "support/test.h"

static rl_options o;
static rl_dev_gate gate;
static fake_request f;
static const char *answered; /* who did */
static int status, released;

static void by_dashboard(rl_handler *handler, rl_req *req) {
  (void)handler, (void)req;
  answered = "dashboard";
}

static void by_program(rl_handler *handler, rl_req *req) {
  (void)handler, (void)req;
  answered = "program";
}

static int respond(rl_req *req, const rl_resp *resp) {
  (void)req;
  answered = "gate";
  status = resp->status;
  return 0;
}

static void release(rl_req *req) {
  (void)req;
  released++;
}

static rl_handler dashboard = {.handle = by_dashboard}, program = {.handle = by_program};
static const rl_req_ops ops = {.respond = respond, .release = release};

static int setup(void **state) {
  (void)state;
  o = (rl_options){.hosts = {"127.0.0.1"}, .host_count = 1};
  rl_dev_gate_init(&gate, &o);
  gate.dashboard = &dashboard;
  gate.program = &program;
  answered = "nobody";
  status = released = 0;
  return 0;
}

/* Asks as a program would, or as a browser. Returns who answered. */
static const char *ask(const char *path, const char *host, const char *accept) {
  fake_request_init(&f, path, host);
  f.req.ops = &ops;
  if (accept) fake_request_add(&f, "Accept", accept);
  gate.handler.handle(&gate.handler, &f.req);
  return answered;
}

static const char html[] = "application/xml, text/html;q=0.9";

TEST(the_program_answers_its_paths_and_the_dashboard_its_own) {
  UNUSED;
  assert_string_equal(ask("/", "localhost", html), "program");
  assert_true(f.req.shows_dev);
  assert_string_equal(ask("/_rille", "localhost", NULL), "dashboard");
  assert_string_equal(ask("/_rille/state", "localhost", NULL), "dashboard");
  assert_string_equal(ask("/_rilles", "localhost", NULL), "program");
  assert_string_equal(ask("/a/_rille", "localhost", NULL), "program");
}

TEST(strangers_do_not_learn_that_there_is_a_dashboard) {
  UNUSED;
  assert_string_equal(ask("/_rille", "evil.example", html), "gate");
  assert_int_equal(status, 404);
  assert_int_equal(released, 1);
  assert_string_equal(ask("/", "evil.example", html), "program");
  assert_false(f.req.shows_dev); /* so that its error pages show no source */
}

TEST(a_load_that_failed_is_explained_to_browsers_and_the_code_before_serves_others) {
  UNUSED;
  gate.broken = true;
  assert_string_equal(ask("/", "localhost", html), "dashboard");
  assert_string_equal(ask("/", "localhost", NULL), "program");
  assert_string_equal(ask("/", "localhost", "application/json"), "program");
  assert_string_equal(ask("/", "localhost", "text/htm"), "program");
  assert_string_equal(ask("/", "evil.example", html), "program");
}

TEST(without_a_program_who_may_know_is_told_why) {
  UNUSED;
  gate.program = NULL;
  gate.broken = true;
  assert_string_equal(ask("/", "localhost", html), "dashboard");
  assert_string_equal(ask("/", "localhost", NULL), "dashboard");
  assert_string_equal(ask("/", "evil.example", html), "gate");
  assert_int_equal(status, 500);
  assert_int_equal(released, 1);
}

TEST(the_next_save_that_loads_serves_browsers_again) {
  UNUSED;
  gate.broken = true;
  assert_string_equal(ask("/", "localhost", html), "dashboard");
  gate.broken = false;
  assert_string_equal(ask("/", "localhost", html), "program");
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup(name, setup)
  const struct CMUnitTest tests[] = {
      EACH(the_program_answers_its_paths_and_the_dashboard_its_own),
      EACH(strangers_do_not_learn_that_there_is_a_dashboard),
      EACH(a_load_that_failed_is_explained_to_browsers_and_the_code_before_serves_others),
      EACH(without_a_program_who_may_know_is_told_why),
      EACH(the_next_save_that_loads_serves_browsers_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
