/*
 * A hierarchical timing wheel (Varghese and Lauck 1987): every timer of a loop, in O(1).
 *
 *   level 0   64 slots of 1 ms        [0][1][2] … [63]
 *   level 1   64 slots of 64 ms       a timer is on the lowest level whose span reaches its expiry
 *   …                                 and moves down a level when its slot comes round
 *   level 6   64 slots of 2.2 years
 *
 * One bit for each slot says if it holds anything, so the next expiry is found without a walk.
 * Pure: it has no clock; the caller passes the time, in milliseconds. Timers that expire in the same millisecond
 * fire in the order in which they were started, earlier milliseconds first, however late the call comes.
 */
#ifndef RL_LOOP_WHEEL_H
#define RL_LOOP_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum { RL_WHEEL_BITS = 6, RL_WHEEL_SLOTS = 1 << RL_WHEEL_BITS, RL_WHEEL_LEVELS = 7 };

typedef struct rl_wheel {
  uint64_t now; /* everything up to here has fired */
  uint64_t occupied[RL_WHEEL_LEVELS];
  rl_list slots[RL_WHEEL_LEVELS][RL_WHEEL_SLOTS];
} rl_wheel;

/* Embedded in the waiter; zeroed or rl_wheel_timer_init'ed means stopped. Must be stopped before it is freed. */
typedef struct rl_wheel_timer {
  rl_list node;
  uint64_t expires;
  uint8_t level, slot;
  bool active;
} rl_wheel_timer;

void rl_wheel_init(rl_wheel *wheel, uint64_t now);
/* Starts or moves a timer; an expiry in the past fires at the next millisecond that the wheel sees. */
void rl_wheel_start(rl_wheel *wheel, rl_wheel_timer *timer, uint64_t expires);
void rl_wheel_stop(rl_wheel *wheel, rl_wheel_timer *timer);
/* Returns a lower bound of the next expiry; UINT64_MAX if no timer is active. */
uint64_t rl_wheel_next(const rl_wheel *wheel);
/* Returns the next timer that has expired at `now`, stopped; NULL if there is none. Call until NULL. */
rl_wheel_timer *rl_wheel_expire(rl_wheel *wheel, uint64_t now);

#endif
