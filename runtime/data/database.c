/* Rules for the operations of every engine; see database.h. */
#include "data/database.h"

#include "base/error.h"

static void prepare(rl_database *d, rl_op *op) {
  op->queued_ns = uv_hrtime();
  op->patience_ns = d->patience_ns;
  rl_op_hold(op, d->loop);
}

/* Answers an operation with an error of ours, instead of submitting it. */
static void refuse(rl_database *d, rl_op *op, const char *why) {
  rl_op_hold(op, d->loop);
  rl_sql_refused(&op->error, RL_EINVALID, "%s", why);
  rl_op_finish(op);
}

static bool refuses_writes(rl_database *d, rl_op *op) {
  if (d->read_only) refuse(d, op, "the database is open read-only");
  return d->read_only;
}

void rl_database_submit(rl_database *d, rl_op *op, bool read) {
  if (!read && refuses_writes(d, op)) return;
  prepare(d, op);
  d->ops->submit(d, op, read);
}

void rl_database_begin(rl_database *d, rl_op *op) {
  if (refuses_writes(d, op)) return;
  prepare(d, op);
  d->ops->begin(d, op);
}

void rl_database_end(rl_database *d, rl_op *op) {
  prepare(d, op);
  d->ops->end(d, op);
}

void rl_database_abandon(rl_database *d, rl_op *op) {
  op->loop = NULL;
  d->ops->end(d, op);
}

rl_holder rl_database_holder(rl_database *d) { return d->ops->holder ? d->ops->holder(d) : (rl_holder){0}; }
