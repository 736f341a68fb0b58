/*
 * Memory that is short, and whether what comes later is right. Each feature of features.lua runs while the n-th allocation of
 * the loop's thread fails, for every n: alone (Lua collects and asks again), twice in a row (Lua raises "not enough memory",
 * and memory is there again), and with all behind it. What is answered then is the right answer or an error. Afterwards the
 * same request is answered as before, no task, job or connection is left, and the address sanitizer finds nothing lost.
 *
 *   test_features [FEATURE [all]]     all: every allocation, where otherwise ever more are passed over
 */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/app/program.h"
#include "support/test.h"
#include "vm/inspect.h"

enum { NTH_MOST = 200000, ANSWER = 4096, FEATURES_MOST = 64 };

static test_program program;
static bool all;

/* ---- the server -------------------------------------------------------------------------------------------------------- */

static int stop(void **state) {
  (void)state;
  return test_program_stop(&program);
}

/* ---- asking ------------------------------------------------------------------------------------------------------------- */

/* Answers of this app end their connection's turn, so the last bytes are the body's. */
static test_client *ask(const char *target) {
  char head[256];
  test_client *client = test_client_connect(&program.server);
  if (!client) return NULL;
  int n = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", target);
  test_client_send(client, rl_slice_of(head, (size_t)n));
  test_server_pause(&program.server, 3000);
  return client;
}

/* The status, or 0 where there is none, and the body. */
static int read_answer(const test_client *client, char body[ANSWER]) {
  rl_slice out = test_client_out(client);
  const char *end = NULL;
  body[0] = 0;
  for (size_t i = 0; i + 4 <= out.len && !end; i++)
    if (memcmp(out.data + i, "\r\n\r\n", 4) == 0) end = out.data + i + 4;
  if (!end || memcmp(out.data, "HTTP/1.1 ", 9) != 0) return 0;
  snprintf(body, ANSWER, "%.*s", (int)(out.data + out.len - end), end);
  return atoi(out.data + 9);
}

static int ask_for(const char *target, char body[ANSWER]) {
  test_client *client = ask(target);
  assert_non_null(client);
  int status = read_answer(client, body);
  test_client_free(client);
  return status;
}

/* ---- failing ------------------------------------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  long run;
} ways[] = {{"once", 1}, {"twice", 2}, {"for ever", LONG_MAX}};

static void fail_tasks(const char *context, unsigned wanted) {
  rl_buf tree;
  rl_buf_init(&tree, RL_BUF_NO_LIMIT);
  rl_inspect_tasks(program.entry.vm, &tree);
  fail_msg("%s: %u tasks, before %u:\n%.*s", context, program.entry.vm->task_count, wanted,
           RL_FMT(rl_buf_slice(&tree)));
}

static void check_rest(const char *context, unsigned tasks) {
  test_server_pause(&program.server, 10000);
  if (program.entry.vm->task_count != tasks) { /* what could not be closed for want of memory is garbage */
    lua_gc(program.entry.vm->L, LUA_GCCOLLECT);
    test_server_pause(&program.server, 10000);
  }
  if (program.server.connections) fail_msg("%s: a connection is left", context);
  if (program.entry.vm->task_count != tasks) fail_tasks(context, tasks);
  if (program.server.loop.held) fail_msg("%s: a job is left", context);
}

/* Returns whether there were so many allocations. */
static bool fail_at(const char *target, const char *wanted, unsigned tasks, size_t way, long nth) {
  char body[ANSWER], context[128];
  snprintf(context, sizeof context, "%s %ld %s", target, nth, ways[way].name);
  rl_alloc_fail_run(nth, ways[way].run);
  test_client *client = ask(target);
  bool reached = rl_alloc_fail_run(0, 0) >= nth;
  if (client) {
    int status = read_answer(client, body);
    if (status == 200 && strcmp(body, wanted) != 0)
      fail_msg("%s: %.*s instead of '%s'", context, RL_FMT(test_client_out(client)), wanted);
    test_client_free(client);
  }
  check_rest(context, tasks);
  int status = ask_for(target, body);
  if (status != 200 || strcmp(body, wanted) != 0)
    fail_msg("%s: later: %d '%s' instead of '%s'", context, status, body, wanted);
  check_rest(context, tasks);
  return reached;
}

#ifdef __SANITIZE_ADDRESS__
enum { STRIDE = 3 }; /* each one takes far longer */
#else
enum { STRIDE = 1 };
#endif

/* Each of the first, then ever fewer; `way` decides which. */
static long after(long nth, size_t way) {
  if (all || nth < 60) return nth + 1;
  long step = nth < 600 ? 7 : nth < 4000 ? 61 : 499;
  return nth + step * STRIDE + (long)way;
}

TEST(features) {
  char target[64], wanted[ANSWER], body[ANSWER];
  snprintf(target, sizeof target, "/run/%s", (const char *)*state_);
  int status = ask_for(target, wanted);
  if (status != 200) fail_msg("%s: %d '%s'", target, status, wanted);
  ask_for(target, body);
  assert_string_equal(body, wanted);
  unsigned tasks = program.entry.vm->task_count;
  for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
    long nth = 1;
    while (nth < NTH_MOST && fail_at(target, wanted, tasks, way, nth)) nth = after(nth, way);
    assert_true(nth < NTH_MOST);
  }
  assert_int_equal(program.entry.vm->stale_wakes, 0);
}

int main(int argc, char **argv) {
  static char names[ANSWER];
  static struct CMUnitTest tests[FEATURES_MOST];
  int count = 0;
  all = argc > 2;
  if (chdir(RILLE_SOURCE_DIR) || test_program_start(&program, "ctests/app/features.lua", "") ||
      ask_for("/names", names) != 200)
    return 1;
  char *rest = names + strlen("names ");
  rest[strcspn(rest, ";")] = 0;
  for (char *name; (name = strtok_r(rest, " ", &rest)) && count < FEATURES_MOST;)
    if (argc < 2 || strcmp(argv[1], name) == 0)
      tests[count++] = (struct CMUnitTest){.name = name, .test_func = features, .initial_state = name};
  int failed = _cmocka_run_group_tests("features", tests, (size_t)count, NULL, stop);
  return failed || !count;
}
