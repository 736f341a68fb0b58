/* See fake_database.h. */
#include "support/fake_database.h"

#include <stdio.h>

#include "base/error.h"

static fake_database *of(rl_database *database) { return (fake_database *)database; }

static void note(fake_database *fake, const char *what, uint64_t number) {
  size_t len = strlen(fake->log);
  snprintf(fake->log + len, sizeof fake->log - len, number ? "%s%s %llu" : "%s%s", len ? ", " : "", what,
           (unsigned long long)number);
}

static rl_sql_route place(rl_database *database, rl_slice sql, bool one, size_t size, rl_cursor *cursor,
                          rl_sql_error *error) {
  (void)database, (void)sql, (void)one, (void)size, (void)cursor, (void)error;
  return RL_ROUTE_WRITE;
}

static void submit(rl_database *database, rl_op *op, bool read) {
  note(of(database), read ? "read" : "run", op->transaction);
  rl_mail_push(&of(database)->queue, &op->mail);
}

static void begin(rl_database *database, rl_op *op) {
  op->transaction = ++of(database)->next_number;
  note(of(database), "begin", op->transaction);
  rl_mail_push(&of(database)->queue, &op->mail);
}

static void end(rl_database *database, rl_op *op) {
  note(of(database), op->kind == RL_OP_COMMIT ? "commit" : "rollback", op->transaction);
  rl_mail_push(&of(database)->queue, &op->mail);
}

static int stats(rl_database *database, rl_database_stat out[RL_DATABASE_STATS]) {
  out[0] = (rl_database_stat){"connections", (uint64_t)of(database)->connections};
  return 1;
}

static const char *label(rl_database *database) {
  (void)database;
  return "fake";
}

static void close_handle(rl_database *database) { of(database)->closed = true; }

static const rl_database_ops ops = {.name = "fake",
                                    .place = place,
                                    .submit = submit,
                                    .begin = begin,
                                    .end = end,
                                    .stats = stats,
                                    .label = label,
                                    .close = close_handle};

rl_database *fake_database_open(fake_database *fake, rl_loop *loop, int connections) {
  *fake = (fake_database){.database = {.ops = &ops, .loop = loop, .patience_ns = 7}, .connections = connections};
  return &fake->database;
}

/* A transaction waits for a free connection. */
static bool can_run(const fake_database *fake, const rl_op *op) {
  return op->kind != RL_OP_BEGIN || fake->connections > 0 || rl_op_is_dropped(op);
}

rl_op *fake_database_take(fake_database *fake) {
  rl_mail_queue waits = {NULL, NULL};
  rl_op *found = NULL;
  for (rl_op *op; (op = (rl_op *)rl_mail_shift(&fake->queue));) {
    if (found || !can_run(fake, op)) rl_mail_push(&waits, &op->mail);
    else if (rl_op_begin(op)) found = op;
    else rl_op_finish(op); /* dropped */
  }
  fake->queue = waits;
  return found;
}

int fake_database_answer(fake_database *fake, int code) {
  rl_op *op = fake_database_take(fake);
  if (!op) return -1;
  int kind = op->kind;
  if (kind == RL_OP_BEGIN && !code) fake->connections--;
  if (kind == RL_OP_COMMIT || kind == RL_OP_ROLLBACK) fake->connections++;
  if (code) rl_sql_refused(&op->error, code, "the server said no");
  rl_op_finish(op);
  fake_database_deliver(fake);
  return kind;
}

void fake_database_deliver(fake_database *fake) {
  while (!rl_inbox_is_empty(&fake->database.loop->inbox)) uv_run(&fake->database.loop->uv, UV_RUN_NOWAIT);
}
