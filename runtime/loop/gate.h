/*
 * A gate before the thread pool: at most `most` jobs of one kind run at once in the whole process, and at most `queue` wait.
 * For work that costs a core and much memory each (a password hash, compressing a large body): a flood is answered with "busy"
 * instead of taking the whole machine, and files and names always find a free thread.
 *
 *   enter --free--> RUNNING --done--> the place goes to the first who waits, on whatever loop
 *      \--else--> WAITING --called by mail--> RUNNING
 *
 * A gate is shared by all loops of the process and lives as long as it.
 */
#ifndef RL_LOOP_GATE_H
#define RL_LOOP_GATE_H

#include "loop/job.h"

typedef struct rl_gate rl_gate;
typedef struct rl_gated rl_gated;

struct rl_gate {
  uv_mutex_t lock;
  unsigned most, queue;
  unsigned running, waiting_count;
  rl_list waiting;
};

enum {
  RL_GATED_WAITING, /* in the gate's list; left under its lock only */
  RL_GATED_CALLED,  /* it has a place; mail is under way */
  RL_GATED_LEFT,    /* cancelled while it waited; mail is under way */
  RL_GATED_STARTED
};

/* Embedded in the waiter; the caller sets run and done. */
struct rl_gated {
  rl_job job;
  rl_gate *gate;
  rl_list node;
  rl_mail mail;
  uint8_t state;                           /* RL_GATED_* */
  bool cancelled;                          /* on its own loop's thread */
  void (*run)(rl_gated *gated);            /* on a thread of the pool; must touch nothing of the loop */
  void (*done)(rl_gated *gated, bool ran); /* on its loop, exactly once, later */
};

/* Returns 0 or RL_ENOMEM. */
int rl_gate_init(rl_gate *gate, unsigned most, unsigned queue);
/* Enters. Returns 0, or RL_EBUSY if too many wait already: then done is not called. From the loop's thread. */
int rl_gate_enter(rl_gate *gate, rl_loop *loop, rl_gated *gated);
/* Leaves the queue if it has not begun; otherwise it runs to its end. done is called either way. */
void rl_gate_cancel(rl_gated *gated);

#endif
