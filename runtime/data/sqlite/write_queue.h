/*
 * The writes of a store that wait for its writer: one line for each worker that has the file open, served in turn. A worker that
 * floods the queue makes the others wait for one group, not for its whole line.
 *
 *   worker 1 -> [a b c d e f …] --\
 *   worker 2 -> [g]             ---+-> take: a g h b i c d …     one of each line in turn, within a line in order
 *   worker 3 -> [h i]           --/
 *               `inner`: what belongs to a transaction that has begun is taken before all others; they wait until it ends
 *
 * Room: a worker may fill the whole queue as long as it is alone in wanting that. If the queue is full, a write is taken only
 * of a worker that has less than its share, which is the limit divided by the number of lines. So one that floods the queue is
 * refused and the others are not, and never more than twice the limit waits. The same holds for bytes, but for one that is larger
 * than the share: it is taken if nothing else of its worker waits. Operations inside a transaction are always taken, for all
 * others wait for its end.
 *
 * A line is known by its worker's loop: all handles of a file in one worker share it. Those who send are on their own threads,
 * who takes is on the writer's. What waits belongs to the queue.
 */
#ifndef RL_DATA_SQLITE_WRITE_QUEUE_H
#define RL_DATA_SQLITE_WRITE_QUEUE_H

#include "base/list.h"
#include "data/op.h"

typedef struct rl_write_line rl_write_line; /* a worker's */

/* How much waits: operations and the bytes of their statements. */
typedef struct rl_write_load {
  size_t count, size;
} rl_write_load;

typedef struct rl_write_queue {
  uv_mutex_t lock;
  rl_list lines; /* the one that was served longest ago first */
  size_t line_count;
  rl_write_load load, most; /* of all lines together */
  bool awake;               /* the writer was woken, and has not found the queue empty since */
} rl_write_queue;

/* Why a write was refused. */
typedef struct rl_write_refusal {
  rl_write_load all, own, share; /* what waits, what of it is the worker's own, and what it may always have */
  size_t workers;
} rl_write_refusal;

/* Takes as many operations and bytes as `most`. 0 or RL_ENOMEM. */
int rl_write_queue_init(rl_write_queue *queue, rl_write_load most);
/* All lines were left, and nothing waits. */
void rl_write_queue_free(rl_write_queue *queue);

/* Returns the line of a worker's loop, which it makes if there is none; NULL if out of memory. Once for each handle. */
rl_write_line *rl_write_queue_join(rl_write_queue *queue, const rl_loop *worker);
/* A handle is closed; the line stays until all in it was taken. */
void rl_write_queue_leave(rl_write_queue *queue, rl_write_line *line);

/* Puts an operation into a line and takes it over. Returns 0, or RL_EBUSY with `refusal`, and then the caller keeps it. `wakes`:
 * the writer may be asleep. */
int rl_write_queue_send(rl_write_queue *queue, rl_write_line *line, rl_op *op, bool *wakes, rl_write_refusal *refusal);

/* Takes the next operation; NULL if there is none. `transaction`: the one that is open, others than its own wait then; 0: none.
 * The writer sleeps after NULL: whoever sends next wakes it. */
rl_op *rl_write_queue_take(rl_write_queue *queue, uint64_t transaction);
/* The same where no transaction is open, among those that `may_join`; a line whose first one may not is next in turn. */
rl_op *rl_write_queue_take_if(rl_write_queue *queue, bool (*may_join)(const rl_op *op));
/* Takes out all that are not inside a transaction and of which `is_over` says so. In a chain. */
rl_mail_queue rl_write_queue_remove(rl_write_queue *queue, bool (*is_over)(const rl_op *op, const void *ud),
                                    const void *ud);
/* Counts those that somebody waits for, without those inside a transaction. */
int64_t rl_write_queue_count_waiting(rl_write_queue *queue);

#endif
