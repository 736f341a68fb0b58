/*
 * A file of certificates or keys, and what it looked like when it was read, so that a change is noticed.
 */
#ifndef RL_NET_TLS_PEM_FILE_H
#define RL_NET_TLS_PEM_FILE_H

#include "base/buf.h"

enum { RL_PEM_FILE_MOST = 1 << 20 };

typedef struct rl_pem_file {
  char *path;
  uint64_t device, inode, size;
  int64_t changed_ns; /* 0: it was never read */
  unsigned mode;
} rl_pem_file;

/* Copies the path. Returns 0 or RL_ENOMEM. */
int rl_pem_file_init(rl_pem_file *file, const char *path);
void rl_pem_file_free(rl_pem_file *file);
/* Appends what is in it. Returns 0, RL_ENOTFOUND, RL_EIO, RL_EINVALID or RL_ENOMEM, with one line in `why`. */
int rl_pem_file_read(rl_pem_file *file, rl_buf *out, rl_buf *why);
/* Returns true if it is another one than when it was read last; one that is missing now is not. */
bool rl_pem_file_has_changed(const rl_pem_file *file);

#endif
