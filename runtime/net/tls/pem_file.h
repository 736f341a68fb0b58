/*
 * A file of certificates or keys, and what it looked like when it was read, so that a change is noticed.
 */
#ifndef RL_NET_TLS_PEM_FILE_H
#define RL_NET_TLS_PEM_FILE_H

#include "base/buf.h"

enum { RL_PEM_FILE_MOST = 1 << 20 };

typedef struct rl_pem_file {
  char *path;
  uint64_t stamp; /* rl_pem_file_stamp when it was read; 0: it never was */
  unsigned mode;
} rl_pem_file;

/* Returns a number for the device, inode, size and time of change of a file or folder, which is another one if it is; 0 if it is
 * missing. */
uint64_t rl_pem_file_stamp(const char *path);

/* Copies the path. Returns 0 or RL_ENOMEM. */
int rl_pem_file_init(rl_pem_file *file, const char *path);
void rl_pem_file_free(rl_pem_file *file);
/* Appends what is in it. Returns 0, RL_ENOTFOUND, RL_EIO, RL_EINVALID or RL_ENOMEM, with one line in `why`. */
int rl_pem_file_read(rl_pem_file *file, rl_buf *out, rl_buf *why);
/* Takes the present state for the one that was read: of a folder. */
void rl_pem_file_note(rl_pem_file *file);
/* Returns true if it is another one than when it was read last; one that is missing now is not. */
bool rl_pem_file_has_changed(const rl_pem_file *file);

#endif
