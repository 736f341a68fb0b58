/*
 * How much work one run of a statement may do on the loop's thread. Work is CPU time of the thread: a process that was
 * preempted, or waited for the disk, has done none meanwhile.
 *
 *   steps   ........ 400 ........ 400 ........ 400 ....     SQLite asks after so many (rl_budget_is_spent)
 *   wall    |------------ half -------------|               CPU time is never more than wall time: nothing to look at
 *   CPU                                     |--- half --->  its clock, a system call, is read from here on
 *
 * So a run is ended after the whole budget at most, and none is ended that has used less than half of it.
 *
 * A single step can be long: count(*) of a large table is one, so is a function of a large blob. The end of each run therefore
 * compares a coarse clock, which costs next to nothing, with that of its start. If that one has moved, the next run is `exact`:
 * it reads the CPU clock at its start too, and its end tells what it has cost. So is the first run of a statement.
 */
#ifndef RL_DATA_SQLITE_BUDGET_H
#define RL_DATA_SQLITE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rl_budget {
  uint64_t limit_ns;  /* CPU time */
  uint64_t coarse_ns; /* the coarse clock at the start */
  uint64_t look_ns;   /* the wall clock when the CPU clock is read next; 0: no step was counted yet */
  uint64_t end_ns;    /* the CPU clock when it is spent; 0: that clock was not read yet */
  bool exact;
} rl_budget;

typedef enum rl_cost {
  RL_COST_WITHIN,
  RL_COST_UNKNOWN, /* it may have been too much: the next run should be exact */
  RL_COST_OVER
} rl_cost;

/* A run starts, on this thread. Embedded in whoever runs. */
void rl_budget_start(rl_budget *budget, uint64_t limit_ns, bool exact);
/* Returns true if the run has to end. Called now and then while it goes on. */
bool rl_budget_is_spent(rl_budget *budget);
/* What the run has cost that ends now. */
rl_cost rl_budget_end(const rl_budget *budget);

#endif
