/* Operations: copying in, handing over; see op.h. */
#include "data/op.h"

#include "base/alloc.h"
#include "base/error.h"

rl_op *rl_op_new(int kind, int room) {
  rl_op *op = rl_calloc(1, sizeof *op);
  if (!op) return NULL;
  op->kind = kind;
  rl_chunk_pool_init(&op->pool, 0);
  rl_arena_init(&op->arena, &op->pool);
  rl_rows_init(&op->rows);
  op->room = room;
  op->statements = rl_arena_alloc(&op->arena, (size_t)(room > 0 ? room : 1) * sizeof *op->statements);
  if (op->statements) return op;
  rl_op_del(op);
  return NULL;
}

void rl_op_del(rl_op *op) {
  rl_rows_free(&op->rows);
  rl_arena_free(&op->arena);
  rl_free(op);
}

static bool copy_slice(rl_op *op, rl_slice from, rl_slice *to) {
  *to = rl_arena_copy(&op->arena, from);
  op->size += from.len;
  return to->data != NULL;
}

static int copy_params(rl_op *op, const rl_sql_params *from, rl_sql_params *to) {
  *to = (rl_sql_params){.count = from->count, .unnamed = from->unnamed, .is_list = from->is_list};
  op->size += (size_t)from->count * sizeof(rl_value);
  rl_value *values = rl_arena_alloc(&op->arena, ((size_t)from->count + 1) * sizeof *values);
  rl_slice *names = from->names ? rl_arena_alloc(&op->arena, ((size_t)from->count + 1) * sizeof *names) : NULL;
  if (!values || (from->names && !names)) return RL_ENOMEM;
  for (int i = 0; i < from->count; i++) {
    values[i] = from->values[i];
    if (rl_value_has_bytes(&values[i]) && !copy_slice(op, from->values[i].bytes, &values[i].bytes)) return RL_ENOMEM;
    if (names && !copy_slice(op, from->names[i], &names[i])) return RL_ENOMEM;
  }
  to->values = values;
  to->names = names;
  return RL_OK;
}

int rl_op_add(rl_op *op, rl_slice name, rl_slice sql, const rl_sql_params *params) {
  static const rl_sql_params none = {0};
  if (op->count == op->room) return RL_ENOMEM;
  rl_op_statement *s = &op->statements[op->count];
  if (!copy_slice(op, name, &s->name) || !copy_slice(op, sql, &s->sql)) return RL_ENOMEM;
  int code = copy_params(op, params ? params : &none, &s->params);
  if (!code) op->count++;
  return code;
}

void rl_op_hold(rl_op *op, rl_loop *loop) {
  op->loop = loop;
  loop->held++;
}

bool rl_op_begin(rl_op *op) {
  int expected = RL_OP_QUEUED;
  return atomic_compare_exchange_strong(&op->state, &expected, RL_OP_BEGUN);
}

bool rl_op_try_drop(rl_op *op) {
  int expected = RL_OP_QUEUED;
  rl_loop *loop = op->loop;
  atomic_store(&op->cancelled, true);
  if (!atomic_compare_exchange_strong(&op->state, &expected, RL_OP_DROPPED)) return false;
  loop->held--; /* the operation itself may be gone already */
  return true;
}

bool rl_op_drop(rl_op *op) {
  if (rl_op_try_drop(op)) return true;
  op->owner = NULL;
  return false;
}

static void deliver(rl_mail *mail) {
  rl_op *op = (rl_op *)mail;
  op->loop->held--;
  op->done(op);
}

void rl_op_finish(rl_op *op) {
  bool kept = rl_op_begin(op) || atomic_load(&op->state) == RL_OP_BEGUN;
  if (!kept || !op->loop) {
    rl_op_del(op);
    return;
  }
  op->mail.deliver = deliver;
  rl_inbox_send(&op->loop->inbox, &op->mail);
}

void rl_op_clear(rl_op *op) {
  rl_rows_free(&op->rows);
  op->changes = op->last_id = 0;
  op->error.code = 0;
  op->failed = RL_SLICE_NONE;
}
