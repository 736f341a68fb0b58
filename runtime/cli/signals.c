/* One signal on a loop; see signals.h. */
#include "cli/signals.h"

void rl_signals_watch(rl_loop *loop, uv_signal_t *handle, int number, uv_signal_cb on, void *owner) {
  uv_signal_init(&loop->uv, handle);
  handle->data = owner;
  uv_unref((uv_handle_t *)handle);
  uv_signal_start(handle, on, number);
}
