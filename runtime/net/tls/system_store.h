/*
 * The authorities of the system, as one X509_STORE for all clients of the process: a bundle of 150 certificates takes 20 ms to read and
 * a megabyte to keep. Where they are is OpenSSL's to say: SSL_CERT_FILE and SSL_CERT_DIR, or the files of the distribution.
 *
 * Read when a client first needs them, and again for the next client after the files have changed; the old store stays with those who
 * have it. Any thread may call.
 */
#ifndef RL_NET_TLS_SYSTEM_STORE_H
#define RL_NET_TLS_SYSTEM_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct x509_store_st;

/* Returns a reference, and in `stamp` the state of the files that it was read from; NULL if memory runs out. It may be empty: then
 * nobody is trusted. OpenSSL is loaded. */
struct x509_store_st *rl_tls_system_store(uint64_t *stamp);
/* Returns the present state of the files. */
uint64_t rl_tls_system_store_stamp(void);

#endif
