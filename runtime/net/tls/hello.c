/* The first record of a client; see hello.h. */
#include "net/tls/hello.h"

#include "base/ascii.h"
#include "base/limits.h"

enum { RECORD_HEADER = 5, MESSAGE_HEADER = 4, RECORD_MOST = 16384, HANDSHAKE = 22, CLIENT_HELLO = 1 };

rl_tls_hello rl_tls_hello_look(rl_slice bytes) {
  const uint8_t *at = (const uint8_t *)bytes.data;
  if (at[0] != HANDSHAKE) return rl_is(at[0], RL_CHAR_ALPHA) ? RL_TLS_HELLO_PLAIN : RL_TLS_HELLO_BAD;
  if (bytes.len < RECORD_HEADER + MESSAGE_HEADER) return RL_TLS_HELLO_PART;
  size_t record = (size_t)at[3] << 8 | at[4], message = (size_t)at[6] << 16 | (size_t)at[7] << 8 | at[8];
  if (at[1] != 3 || at[5] != CLIENT_HELLO || record < MESSAGE_HEADER || record > RECORD_MOST ||
      message > RL_LIMIT_TLS_HELLO)
    return RL_TLS_HELLO_BAD;
  return bytes.len < RECORD_HEADER + record ? RL_TLS_HELLO_PART : RL_TLS_HELLO_WHOLE;
}
