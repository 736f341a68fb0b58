/* The life of a transaction; see transaction.h. */
#include "data/transaction.h"

#include "base/alloc.h"
#include "base/error.h"

enum { IDLE_SLICES = 5 };

int rl_transaction_init(rl_transaction *t, rl_database *database) {
  *t = (rl_transaction){.database = database, .state = RL_TRANSACTION_ENDED};
  rl_list_init(&t->node);
  t->rollback = rl_op_new(RL_OP_ROLLBACK, 0);
  return t->rollback ? RL_OK : RL_ENOMEM;
}

static void stop_idling(rl_transaction *t) {
  if (rl_timer_active(&t->idle)) rl_timer_stop(t->database->loop, &t->idle);
}

static void on_timer(rl_timer *timer);

static void next_slice(rl_transaction *t) {
  uint64_t slice_ms = t->database->idle_ms / IDLE_SLICES + 1;
  if (slice_ms > t->idle_left_ms) slice_ms = t->idle_left_ms;
  t->idle_left_ms -= slice_ms;
  rl_timer_start_now(t->database->loop, &t->idle, slice_ms, on_timer);
}

static void on_timer(rl_timer *timer) {
  rl_transaction *t = RL_CONTAINER(timer, rl_transaction, idle);
  if (t->idle_left_ms) next_slice(t);
  else t->on_idle(t);
}

static void idle_from_now(rl_transaction *t) {
  if (t->state != RL_TRANSACTION_OPEN || t->under_way || !t->on_idle || !t->database->idle_ms) return;
  t->idle_left_ms = t->database->idle_ms;
  next_slice(t);
}

void rl_transaction_free(rl_transaction *t) {
  stop_idling(t);
  if (t->rollback) rl_op_del(t->rollback);
  rl_free(t->saves);
  t->rollback = NULL;
  t->saves = NULL;
  t->save_count = t->save_room = 0;
}

void rl_transaction_begin(rl_transaction *t, rl_op *op, uint64_t task, rl_list *list) {
  t->task = task;
  t->state = RL_TRANSACTION_BEGINNING;
  t->beginning = op;
  rl_list_push(list, &t->node);
  rl_database_begin(t->database, op);
  t->number = op->transaction;
}

void rl_transaction_begun(rl_transaction *t, int code) {
  t->beginning = NULL;
  if (code) rl_transaction_end(t, NULL);
  if (t->state == RL_TRANSACTION_BEGINNING) t->state = RL_TRANSACTION_OPEN;
  idle_from_now(t);
}

static int push_save(rl_transaction *t, uint64_t task) {
  if (t->save_count == t->save_room) {
    int room = t->save_room ? t->save_room * 2 : 4;
    uint64_t *saves = rl_realloc(t->saves, (size_t)room * sizeof *saves);
    if (!saves) return RL_ENOMEM;
    t->saves = saves;
    t->save_room = room;
  }
  t->saves[t->save_count++] = task;
  return RL_OK;
}

int rl_transaction_submit(rl_transaction *t, rl_op *op, uint64_t task) {
  int code = op->kind == RL_OP_SAVEPOINT ? push_save(t, task) : RL_OK;
  bool ends = op->kind == RL_OP_COMMIT || op->kind == RL_OP_ROLLBACK;
  if (code) return code;
  op->transaction = t->number;
  t->under_way++;
  stop_idling(t);
  if (ends) t->state = RL_TRANSACTION_ENDING;
  if (ends) rl_database_end(t->database, op);
  else rl_database_submit(t->database, op, false);
  return RL_OK;
}

void rl_transaction_answered(rl_transaction *t) {
  t->under_way--;
  idle_from_now(t);
}

void rl_transaction_detach(rl_transaction *t, const rl_op *op) {
  if (t->beginning == op) t->beginning = NULL;
}

void rl_transaction_dropped(rl_transaction *t, int kind, int depth) {
  switch (kind) {
    case RL_OP_BEGIN: rl_transaction_end(t, NULL); break;
    case RL_OP_COMMIT:
    case RL_OP_ROLLBACK:
      if (t->state == RL_TRANSACTION_ENDING) t->state = RL_TRANSACTION_OPEN;
      break;
    case RL_OP_SAVEPOINT: rl_transaction_leave(t, depth); break;
    default: break;
  }
}

void rl_transaction_end(rl_transaction *t, const char *why) {
  if (t->state == RL_TRANSACTION_ENDED) return;
  t->state = RL_TRANSACTION_ENDED;
  t->beginning = NULL;
  t->why = why;
  stop_idling(t);
  rl_list_remove(&t->node);
}

bool rl_transaction_abandon(rl_transaction *t, const char *why) {
  if (t->state == RL_TRANSACTION_ENDED) return false;
  bool dropped = t->beginning && rl_op_try_drop(t->beginning);
  rl_transaction_end(t, why);
  if (dropped || !t->number) return dropped;
  rl_op *op = t->rollback;
  t->rollback = NULL;
  op->transaction = t->number;
  rl_database_abandon(t->database, op);
  return false;
}

void rl_transaction_leave(rl_transaction *t, int depth) {
  if (t->save_count >= depth) t->save_count = depth - 1;
}

uint64_t rl_transaction_inner_task(const rl_transaction *t) { return t->save_count ? t->saves[t->save_count - 1] : 0; }
