/*
 * The first bytes that a client sends, looked at before any memory is spent on it (RFC 8446 section 5.1). Pure.
 */
#ifndef RL_NET_TLS_HELLO_H
#define RL_NET_TLS_HELLO_H

#include "base/slice.h"

typedef enum rl_tls_hello {
  RL_TLS_HELLO_WHOLE, /* the first record is there */
  RL_TLS_HELLO_PART,  /* so far it may become one */
  RL_TLS_HELLO_PLAIN, /* it is text: HTTP, most likely */
  RL_TLS_HELLO_BAD    /* neither, or a hello beyond RL_LIMIT_TLS_HELLO */
} rl_tls_hello;

/* Looks at one byte at least. A hello may go on in a second record, but its length is said in the first. */
rl_tls_hello rl_tls_hello_look(rl_slice bytes);

#endif
