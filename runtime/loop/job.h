/*
 * A job: work for libuv's thread pool, with its end on the loop's thread. For work of milliseconds that needs no thread of its
 * own (a password hash, a large file). Embedded in the waiter.
 */
#ifndef RL_LOOP_JOB_H
#define RL_LOOP_JOB_H

#include "loop/loop.h"

typedef struct rl_job rl_job;

struct rl_job {
  uv_work_t work;
  rl_loop *loop;
  void (*run)(rl_job *job);            /* on a thread of the pool; must touch nothing of the loop */
  void (*done)(rl_job *job, bool ran); /* on the loop; `ran` is false if it was cancelled before it began */
};

/* Starts it; the caller has set run and done. done is called exactly once, later. */
void rl_job_start(rl_loop *loop, rl_job *job);
/* Takes it out of the pool's queue if it has not begun; otherwise it runs to its end. done is called either way. Not after
 * done. */
void rl_job_cancel(rl_job *job);

#endif
