/*
 * The certificates of rille serve: read before anything else starts, read again on SIGHUP and when a file changes, and told in the
 * log.
 *
 *   open (any mistake ends the start) -> watch -> reload … -> unwatch -> close
 *
 * A file that changes is looked at a moment later, when its neighbour has been written too. A pair that cannot be used keeps what it
 * had, and the log says why, once. The main thread owns it; workers use the store.
 */
#ifndef RL_CLI_CERTIFICATES_H
#define RL_CLI_CERTIFICATES_H

#include "cli/tls_options.h"
#include "loop/loop.h"
#include "net/tls/store.h"

enum { RL_CERTIFICATES_LOOK_MS = 2000 };

typedef struct rl_certificates {
  rl_tls_store *store; /* NULL: no TLS is wanted */
  rl_loop *loop;
  rl_timer clock;
  bool due;         /* a file has changed since the last look */
  unsigned version; /* of the store, as it was told last */
  rl_buf said;      /* the last failure */
} rl_certificates;

/* Reads all files. Those that ACME will write may be missing. Returns 0, or an error with a line in `why`. */
int rl_certificates_open(rl_certificates *certificates, const rl_tls_options *options, rl_buf *why);
/* Tells the log what there is, and looks at the files from now on. */
void rl_certificates_watch(rl_certificates *certificates, rl_loop *loop);
/* Reads all files again. */
void rl_certificates_reload(rl_certificates *certificates);
void rl_certificates_unwatch(rl_certificates *certificates);
void rl_certificates_close(rl_certificates *certificates);

#endif
