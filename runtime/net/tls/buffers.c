/* The buffers of the connections that were used last; see buffers.h. */
#include "net/tls/buffers.h"

#include "crypto/openssl.h"

void rl_tls_buffers_init(rl_tls_buffers *buffers) {
  rl_list_init(&buffers->recent);
  buffers->count = 0;
}

void rl_tls_buffers_drop(rl_tls_buffers *buffers, rl_tls_buffered *one) {
  if (!one->node.next || rl_list_empty(&one->node)) return;
  rl_list_remove(&one->node);
  buffers->count--;
}

/* What half a record lies in stays until its connection is used again. */
static void free_oldest(rl_tls_buffers *buffers) {
  rl_tls_buffered *oldest = RL_CONTAINER(rl_list_shift(&buffers->recent), rl_tls_buffered, node);
  buffers->count--;
  rl_openssl.SSL_free_buffers(oldest->ssl);
}

void rl_tls_buffers_touch(rl_tls_buffers *buffers, rl_tls_buffered *one) {
  if (buffers->recent.prev == &one->node) return;
  rl_tls_buffers_drop(buffers, one);
  rl_list_push(&buffers->recent, &one->node);
  if (++buffers->count > RL_TLS_BUFFERS) free_oldest(buffers);
}
