/*
 * SIGINT and SIGTERM: the first one asks, the second one ends the process.
 *
 *   first    handler: notes when --uv_async--> on_stop, on the loop's thread, in its turn
 *            a loop that never comes to its turn: whoever watches it looks at rl_stop_asked (vm/task/heartbeat.h)
 *   second   handler: _exit(128 + number) there and then, whatever runs: no loop, lock or allocation is in its way
 *
 * A program that talks to a person may take SIGINT for itself: Ctrl-C then interrupts what runs, and only a second one that
 * comes while the first has not been served yet ends the process.
 *
 *   RL_STOP_OFF --rl_stop_take_interrupts--> served --SIGINT--> pending --rl_stop_interrupt_served--> served
 *
 * One for the process, on one loop. The functions that ask may be called from any thread.
 */
#ifndef RL_LOOP_STOP_H
#define RL_LOOP_STOP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rl_loop rl_loop;

/* Watches both signals from now on; `on_stop` is called for the first of them, and for each SIGINT that is an interrupt.
 * The loop does not stay for it. 0 or RL_ENOMEM. */
int rl_stop_watch(rl_loop *loop, void (*on_stop)(void *owner, int number), void *owner);
/* All signals but the first one change nothing: somebody else will end the process. After rl_stop_watch. */
void rl_stop_once(void);
/* From then on both end the process as they do by default. The loop still runs once. */
void rl_stop_close(void);

/* When the first one came, in milliseconds of the monotonic clock, and which it was; 0: none has. */
uint64_t rl_stop_asked(void);
int rl_stop_number(void);
/* What is left of `ms` since then; all of it where none has come. */
uint64_t rl_stop_left(uint64_t ms);

/* SIGINT is an interrupt from now on (false: again a stop). `last_word` (may be NULL) runs in the signal handler before the
 * process ends: what it calls must be safe there. */
void rl_stop_take_interrupts(bool take, void (*last_word)(void));
/* When the interrupt came that was not served yet; 0: there is none. */
uint64_t rl_stop_interrupted(void);
void rl_stop_interrupt_served(void);

#endif
