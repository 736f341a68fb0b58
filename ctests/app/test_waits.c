/*
 * A wait is ended only by what it waits for. Every kind of wait of waits.lua is interrupted at each of its yields: by a
 * cancellation, a deadline, a sibling's failure, and a client that goes. Then what it waited for happens after all, late, while
 * the same task waits for something else, or while the next task does that is given its thread. That wait must last as long
 * as it should. The address sanitizer sees the rest.
 */
#include <stdlib.h>

#include "app/serving.h"
#include "base/error.h"
#include "support/app/program.h"
#include "support/test.h"

enum { BY_CANCEL, BY_TIMEOUT, BY_GROUP, BY_GONE, WAYS };
static const char *const ways[] = {"cancel", "timeout", "group", "gone"};
enum { NTH_MOST = 400, TURNS_MOST = 2000000, BODY = 200000 };

static test_program program;

static struct {
  const char *label; /* of the request to interrupt */
  int way;
  unsigned nth, seen;
  rl_task *task; /* it has begun its n-th wait */
  uint64_t wait;
  bool cancelled;
} probe;

/* ---- the server -------------------------------------------------------------------------------------------------------- */

/* The sleep that is not to be touched. */
static bool is_shielded(const rl_task *task) {
  for (const rl_scope *scope = task->scope; scope; scope = scope->outer)
    if (scope->kind == RL_SCOPE_SHIELD) return true;
  return false;
}

static bool is_ours(const rl_task *task) {
  return probe.label && !task->line && task->site && strcmp(task->site, probe.label) == 0 && !is_shielded(task);
}

static void on_wait(rl_task *task, bool begins) {
  if (!begins || !is_ours(task)) return;
  if (++probe.seen != probe.nth) return;
  probe.task = task;
  probe.wait = task->wait;
  if (probe.way != BY_CANCEL) return;
  rl_task_cancel(task, RL_ECANCELLED, "by the test");
  probe.cancelled = true;
}

static int start(void **state) {
  (void)state;
  if (test_program_start(&program, "ctests/app/waits.lua", "")) return -1;
  program.entry.vm->on_wait = on_wait;
  return 0;
}

static int stop(void **state) {
  (void)state;
  return test_program_stop(&program);
}

/* ---- requests ------------------------------------------------------------------------------------------------------------ */

static void feed(test_client *client, const char *target, size_t body, size_t sent) {
  char head[256];
  int n = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", target, body);
  mem_stream_feed(&client->stream, rl_slice_of(head, (size_t)n));
  char *bytes = calloc(1, sent + 1);
  assert_non_null(bytes);
  if (sent) mem_stream_feed(&client->stream, rl_slice_of(bytes, sent));
  free(bytes);
}

/* What the app answers: the text between `before` and ';'. */
static void ask(const char *target, const char *before, char *answer, size_t room) {
  test_client *client = test_client_connect(&program.server);
  feed(client, target, 0, 0);
  test_server_settle(&program.server);
  rl_slice out = test_client_out(client);
  answer[0] = 0;
  for (size_t i = 0; before && i + strlen(before) <= out.len; i++) {
    if (memcmp(out.data + i, before, strlen(before)) != 0) continue;
    const char *text = out.data + i + strlen(before), *end = memchr(text, ';', out.len - i - strlen(before));
    assert_non_null(end);
    snprintf(answer, room, "%.*s", (int)(end - text), text);
    break;
  }
  test_client_free(client);
}

static void assert_verdict(const char *context, const char *one, const char *other, const char *slept) {
  char verdict[64], first[64], second[64];
  snprintf(first, sizeof first, "%s%s", one, slept);
  snprintf(second, sizeof second, "%s%s", other, slept);
  ask("/verdict", "verdict ", verdict, sizeof verdict);
  if (strcmp(verdict, first) != 0 && strcmp(verdict, second) != 0)
    fail_msg("%s: the verdict is '%s'", context, verdict);
}

/* ---- one interruption ------------------------------------------------------------------------------------------------------ */

/* Goes on, turn by turn, until the n-th wait has begun. Returns false where there are not so many. */
static bool reach_wait(void) {
  rl_loop *loop = &program.server.loop;
  loop->quiet = 0;
  for (int turns = 0; turns < TURNS_MOST; turns++) {
    test_turn(loop);
    if (probe.task) return true;
    if (!rl_loop_is_quiet(loop)) continue;
    uint64_t next = rl_loop_next_timer(loop);
    if (next >= rl_loop_now(loop) + 900)
      return false; /* only clocks of connections are left, or the sleep behind the kind */
    rl_loop_advance_to(loop, next);
    loop->quiet = 0;
  }
  fail_msg("the loop does not come to rest");
  return false;
}

static bool still_waits(void) { return probe.task->status == RL_TASK_WAITING && probe.task->wait == probe.wait; }

/* Returns whether it came before the event did. */
static bool interrupt(test_client **client) {
  if (probe.way == BY_CANCEL) return probe.cancelled;
  if (!still_waits()) return false;
  if (probe.way == BY_GONE) {
    test_client_free(*client);
    *client = NULL;
  } else {
    rl_loop_advance_to(&program.server.loop, rl_loop_now(&program.server.loop) + 1000);
  }
  return true;
}

/* What the wait was for happens now: somebody sends, the client reads, the rest of the body comes. */
static void let_it_happen(test_client *client) {
  char ignored[8];
  ask("/late", NULL, ignored, sizeof ignored);
  if (client) {
    client->stream.room = SIZE_MAX;
    char *rest = calloc(1, BODY / 2);
    assert_non_null(rest);
    if (client->link) mem_stream_feed(&client->stream, rl_slice_of(rest, BODY / 2));
    free(rest);
    if (client->link) test_client_take(client, SIZE_MAX / 2);
  }
  test_server_settle(&program.server);
}

/* A write that has begun is finished, and its caller is told so. */
static bool is_write(const char *target) {
  static const char *const writes[] = {"/exec", "/batch", "/transaction", "/backup"};
  for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
    if (strstr(target, writes[i])) return true;
  return false;
}

/* Returns false once there is no n-th wait. */
static bool run(const char *target, const char *label, int way, unsigned nth, bool next_task) {
  char context[128];
  snprintf(context, sizeof context, "%s %s %u%s", target, ways[way], nth, next_task ? ", next task" : "");
  memset(&probe, 0, sizeof probe);
  probe.way = way;
  probe.nth = nth;
  probe.label = label;
  test_client *client = test_client_connect(&program.server), *next = NULL;
  client->stream.room = 1000;
  feed(client, target, BODY, BODY / 2);
  bool is_kind = strncmp(target, "/wait", 5) == 0;
  bool reached = reach_wait();
  bool interrupted = reached && interrupt(&client);
  probe.label = NULL;
  if (interrupted && next_task) {
    next = test_client_connect(&program.server);
    feed(next, "/next", 0, 0);
  }
  let_it_happen(client);
  if (interrupted && (next_task || is_kind)) {
    bool may_be_whole = is_kind && (next_task || is_write(target));
    const char *became = is_kind ? "interrupted" : "started", *or_else = may_be_whole ? "whole" : became;
    assert_verdict(context, became, or_else, ""); /* the sleep is not over */
    test_server_pause(&program.server, 4990);
    assert_verdict(context, became, or_else, "");
    test_server_pause(&program.server, 20);
    assert_verdict(context, became, or_else, " 5");
  }
  test_server_pause(&program.server, 100000);
  if (client) test_client_free(client);
  if (next) test_client_free(next);
  test_server_pause(&program.server, 100000);
  assert_int_equal(program.server.connections, 0);
  assert_int_equal(program.entry.vm->stale_wakes, 0);
  return reached;
}

static void interrupt_everywhere(const char *target, const char *label, int way, bool next_task) {
  unsigned nth = 1;
  while (nth < NTH_MOST && run(target, label, way, nth, next_task)) nth++;
  assert_true(nth < NTH_MOST);
}

TEST(kinds) {
  const char *kind = *state_;
  char target[128];
  for (int way = 0; way < WAYS; way++) {
    for (int next_task = 0; next_task < 2; next_task++) {
      snprintf(target, sizeof target, "/wait/%s?how=%s%s", kind, ways[way], next_task ? "&next=task" : "");
      interrupt_everywhere(target, "POST /wait/{kind}", way, next_task);
    }
  }
}

/* Answers that leave piece by piece after the handler has returned: the task's base waits. */
TEST(answers) {
  const char *target = *state_;
  char label[64];
  snprintf(label, sizeof label, "POST %s", target);
  interrupt_everywhere(target, label, BY_CANCEL, false);
  interrupt_everywhere(target, label, BY_CANCEL, true);
  interrupt_everywhere(target, label, BY_GONE, true);
}

/* ---- the list of them -------------------------------------------------------------------------------------------------------- */

enum { KINDS_MOST = 64 };

int main(int argc, char **argv) {
  static char names[2048];
  static struct CMUnitTest tests[KINDS_MOST];
  int count = 0;
  const char *only = argc > 1 ? argv[1] : NULL;
  if (start(NULL)) return 1;
  ask("/kinds", "kinds ", names, sizeof names);
  for (char *rest = names, *name; (name = strtok_r(rest, " ", &rest)) && count < KINDS_MOST - 2;)
    if (!only || strcmp(only, name) == 0)
      tests[count++] = (struct CMUnitTest){.name = name, .test_func = kinds, .initial_state = name};
  static const char *const others[] = {"/string", "/file"};
  for (int i = 0; i < 2; i++)
    if (!only || strcmp(only, others[i]) == 0)
      tests[count++] =
          (struct CMUnitTest){.name = others[i], .test_func = answers, .initial_state = (void *)(uintptr_t)others[i]};
  int failed = _cmocka_run_group_tests("waits", tests, (size_t)count, NULL, stop);
  return failed || !count;
}
