/*
 * SIGINT and SIGTERM: the first one asks, the second one ends the process.
 *
 *   first    handler: notes when --uv_async--> on_stop, on the loop's thread, in its turn
 *            a loop that never comes to its turn: its watchdog reads rl_stop_asked (vm/task/heartbeat.h)
 *   second   handler: _exit(128 + number) at once, whatever runs: no loop, lock or allocation is in its way
 *
 * An interactive program may take SIGINT for itself: Ctrl-C then interrupts what runs, and only a second one before the first
 * was served ends the process.
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

/* Watches both signals from now on. `on_stop` is called for the first of them, and for each SIGINT that is an interrupt. It
 * does not keep the loop alive. Returns 0 or RL_ENOMEM. */
int rl_stop_watch(rl_loop *loop, void (*on_stop)(void *owner, int number), void *owner);
/* Ignores all signals after the first: somebody else will end the process. After rl_stop_watch. */
void rl_stop_once(void);
/* Gives both signals back to their default, which ends the process. The loop must still run once. */
void rl_stop_close(void);

/* Returns when the first one came, in milliseconds of the monotonic clock, or 0 if none has; and which it was. */
uint64_t rl_stop_asked(void);
int rl_stop_number(void);
/* Returns the rest of `ms` since then, or all of it if none has come. */
uint64_t rl_stop_left(uint64_t ms);

/* Makes SIGINT an interrupt from now on (false: a stop again). `last_word` (may be NULL) runs in the signal handler before
 * the process ends, so it may only call what is safe there. */
void rl_stop_take_interrupts(bool take, void (*last_word)(void));
/* Returns when the interrupt came that was not served yet; 0 if there is none. */
uint64_t rl_stop_interrupted(void);
void rl_stop_interrupt_served(void);

#endif
