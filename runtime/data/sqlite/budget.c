/* Three clocks; see budget.h. */
#include "data/sqlite/budget.h"

#include <time.h>

static uint64_t read_clock(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t cpu_clock(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

void rl_budget_start(rl_budget *b, uint64_t limit_ns, bool exact) {
  b->limit_ns = limit_ns;
  b->coarse_ns = read_clock(CLOCK_MONOTONIC_COARSE);
  b->look_ns = 0;
  b->end_ns = exact ? cpu_clock() + limit_ns : 0;
  b->exact = exact;
}

bool rl_budget_is_spent(rl_budget *b) {
  uint64_t now = read_clock(CLOCK_MONOTONIC);
  if (!b->look_ns) b->look_ns = b->exact ? now : now + b->limit_ns / 2;
  if (now < b->look_ns) return false;
  uint64_t cpu = cpu_clock();
  if (!b->end_ns) b->end_ns = cpu + b->limit_ns / 2;
  if (cpu >= b->end_ns) return true;
  b->look_ns = now + (b->end_ns - cpu);
  return false;
}

rl_cost rl_budget_end(const rl_budget *b) {
  if (read_clock(CLOCK_MONOTONIC_COARSE) == b->coarse_ns) return RL_COST_WITHIN;
  if (b->end_ns && cpu_clock() >= b->end_ns) return RL_COST_OVER;
  return b->exact ? RL_COST_WITHIN : RL_COST_UNKNOWN;
}
