/*
 * PEM (RFC 7468): DER between lines that say what it is. Text may stand between the blocks; it is skipped. Pure.
 */
#ifndef RL_CRYPTO_PEM_H
#define RL_CRYPTO_PEM_H

#include "base/buf.h"

#define RL_PEM_CERTIFICATE "CERTIFICATE"
#define RL_PEM_KEY "PRIVATE KEY"

/* Appends one block, in lines of 64. Returns 0 or the buffer's error. */
int rl_pem_encode(rl_buf *out, const char *label, rl_slice der);
/* Appends the bytes of the next block with this label, and moves `text` past it; blocks with other labels are skipped. Returns 0,
 * RL_ENOTFOUND at the end, RL_ESYNTAX (`text` is moved past the block), or the buffer's error. */
int rl_pem_next(rl_slice *text, const char *label, rl_buf *out);

#endif
