/*
 * Signals that a command hears on its loop. loop/stop.h has those that end it.
 */
#ifndef RL_CLI_SIGNALS_H
#define RL_CLI_SIGNALS_H

#include "loop/loop.h"

/* Calls `on` on the loop's thread for each signal `number`, with `owner` in handle->data. The handle does not keep the loop
 * alive. The caller closes it with uv_close. */
void rl_signals_watch(rl_loop *loop, uv_signal_t *handle, int number, uv_signal_cb on, void *owner);

#endif
