/*
 * Where the files of a program are: opened, looked at, listed and read through one noun, so that it can be a directory now and
 * something else, such as an archive, later (another rl_root_ops).
 *
 *   rl_root_beneath(&root, "/srv/blog/public")     below this directory and nowhere else, whatever a path says: it may be a
 *                                                  stranger's. "..", an absolute path and a link that leads out are refused
 *                                                  (base/beneath.h)
 *   rl_root_files                                  any path, as a program writes it
 *
 * All return 0 or a code of base/error.h; errno says more, for messages. Paths are NUL-terminated. Blocking.
 */
#ifndef RL_BASE_ROOT_H
#define RL_BASE_ROOT_H

#include <sys/stat.h>

#include "base/buf.h"

typedef struct rl_root rl_root;

typedef struct rl_root_ops {
  /* Opens a file for reading; `*fd` is the caller's to close, and need not be one of a directory's file. A directory may be
   * opened too; the caller looks at what it got. `waits`: a pipe is open once somebody writes, else at once. */
  int (*open)(const rl_root *root, const char *path, bool waits, int *fd);
  /* Looks at what a path names; `follow`: at what a symbolic link leads to, else at the link. Without `follow` it takes one system
   * call, and follows links to folders on the way wherever they lead: it says whether what `open` has opened is still there, not
   * whether it may be opened. */
  int (*stat)(const rl_root *root, const char *path, bool follow, struct stat *out);
  /* Appends the entries of a directory, sorted by their bytes, without "." and ".."; read by rl_root_next. */
  int (*list)(const rl_root *root, const char *path, rl_buf *entries);
  void (*close)(rl_root *root);
} rl_root_ops;

struct rl_root {
  const rl_root_ops *ops;
  int fd; /* of a directory that confines paths */
};

extern const rl_root rl_root_files;

/* The kind of an entry itself: a link is a link. */
typedef enum rl_root_kind {
  RL_ROOT_FILE = 'f',
  RL_ROOT_DIRECTORY = 'd',
  RL_ROOT_LINK = 'l',
  RL_ROOT_OTHER = '?'
} rl_root_kind;

typedef struct rl_root_entry {
  rl_root_kind kind;
  const char *name; /* borrowed from the list */
} rl_root_entry;

/* Embedded; closed by rl_root_close. */
int rl_root_beneath(rl_root *root, const char *directory);
/* May be called twice, and after a failed open. */
void rl_root_close(rl_root *root);

/* Opens a file for reading, and waits for nobody. */
int rl_root_open(const rl_root *root, const char *path, int *fd);
int rl_root_stat(const rl_root *root, const char *path, bool follow, struct stat *out);
int rl_root_list(const rl_root *root, const char *path, rl_buf *entries);
/* Takes the next entry of a list; `*at` is 0 at first. False at its end. */
bool rl_root_next(const rl_buf *entries, size_t *at, rl_root_entry *out);
/* Appends a whole file, up to the buffer's limit (RL_ETOOBIG); a pipe to its end. What cannot be read, such as a directory, is
 * an error. */
int rl_root_read(const rl_root *root, const char *path, rl_buf *out);

#endif
