/*
 * An interactive transaction as its handle sees it, whatever engine it runs on: begun once, ended once.
 *
 *   BEGINNING --begin answered--> OPEN --commit, rollback--> ENDING --> ENDED
 *       |                          |                            |
 *       +--------------------------+--- abandoned: rolled back -+
 *
 * Operations of one transaction are worked off in order, so nobody waits for a rollback: abandoning sends it and forgets it.
 * Its operation is made beforehand, for giving up must not need memory.
 *
 * An open one whose operations have all been answered is idle, and others wait for it: after database->idle_ms it says so once.
 * That time counts in slices, each of which ends in a turn of the loop of its own. So a loop that is blocked for long, in which its
 * task could do nothing, counts as one slice however long that is.
 *
 * Savepoints are numbered from 1, outermost first; each belongs to the task that made it. One that ends takes those inside of
 * it along.
 */
#ifndef RL_DATA_TRANSACTION_H
#define RL_DATA_TRANSACTION_H

#include "base/list.h"
#include "data/database.h"
#include "loop/loop.h"

typedef enum rl_transaction_state {
  RL_TRANSACTION_BEGINNING, /* the handle is in nobody's hands yet */
  RL_TRANSACTION_OPEN,
  RL_TRANSACTION_ENDING, /* its commit or rollback is under way */
  RL_TRANSACTION_ENDED
} rl_transaction_state;

typedef struct rl_transaction rl_transaction;

struct rl_transaction {
  rl_list node; /* in a list of its owner's until it has ended */
  rl_database *database;
  rl_transaction_state state;
  uint64_t number;  /* 0 until it was sent */
  uint64_t task;    /* the id of the one that began it */
  rl_op *beginning; /* while its begin is under way, else NULL; the waiter's */
  rl_op *rollback;  /* NULL once it was sent */
  const char *why;  /* it has ended, for messages; static; may be NULL */
  uint64_t *saves;  /* ids of the tasks whose savepoints are open, outermost first */
  int save_count, save_room;
  unsigned under_way;    /* operations that were submitted and not answered, begin not counted */
  rl_timer idle;         /* a slice of its idle time … */
  uint64_t idle_left_ms; /* … and how much of that comes after it */
  /* Runs when it was idle for too long; abandons it. NULL: it may be idle as long as it likes. */
  void (*on_idle)(rl_transaction *transaction);
};

/* Makes one that has not begun (ENDED). 0 or RL_ENOMEM; in any case it may be freed. Embedded. */
int rl_transaction_init(rl_transaction *transaction, rl_database *database);
/* The transaction has ended. May be called twice. */
void rl_transaction_free(rl_transaction *transaction);

/* Sends RL_OP_BEGIN for task `task`; it is in `list` from now on. */
void rl_transaction_begin(rl_transaction *transaction, rl_op *op, uint64_t task, rl_list *list);
/* RL_OP_BEGIN came back; `code` as there. */
void rl_transaction_begun(rl_transaction *transaction, int code);
/* Sends another operation of its; a savepoint's for the task `task`. 0, or RL_ENOMEM and nothing was sent. */
int rl_transaction_submit(rl_transaction *transaction, rl_op *op, uint64_t task);
/* An operation that was submitted came back, was dropped, or was let go of. */
void rl_transaction_answered(rl_transaction *transaction);
/* Forgets its begin: whoever waited for that has let go of the operation. */
void rl_transaction_detach(rl_transaction *transaction, const rl_op *op);
/* Notes that an operation was dropped before it began, by its kind; `depth` of a savepoint. */
void rl_transaction_dropped(rl_transaction *transaction, int kind, int depth);

/* It has ended, and nothing is sent: its commit or rollback came back. */
void rl_transaction_end(rl_transaction *transaction, const char *why);
/* Ends it, and rolls back what has begun. Returns true if its begin was under way and has been dropped: that operation is
 * gone, and whoever waits for it must be woken. */
bool rl_transaction_abandon(rl_transaction *transaction, const char *why);

/* Leaves the savepoint `depth` with all inside of it, if they are open. */
void rl_transaction_leave(rl_transaction *transaction, int depth);
/* The task that made the innermost savepoint; 0 if none is open. */
uint64_t rl_transaction_inner_task(const rl_transaction *transaction);

#endif
