/*
 * A shared object that is loaded when something first needs it: a library of the distribution that most programs do without,
 * and that would cost each of them its start and its memory (libcurl brings 30 more).
 *
 *   FUNCTIONS(X)  X(gdFree) …    a table of pointers, and their names in the same order
 *   rl_shared_object_load -->    dlopen, dlsym for each name; once for the process, whichever thread is first
 *
 * The headers are those of the build, so the table has the library's own types. The file is named with its version
 * ("libgd.so.3"): another one is another interface. What is loaded stays.
 */
#ifndef RL_BASE_SHARED_OBJECT_H
#define RL_BASE_SHARED_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rl_shared_object {
  const char *file;         /* "libgd.so.3" */
  const char *title;        /* for people: "libgd" */
  const char *package;      /* Debian's: "libgd3" */
  const char *const *names; /* of functions and variables */
  size_t count;
  void *table;           /* of `count` pointers, filled in the order of `names` */
  bool (*prepare)(void); /* the first call of the library, or NULL; false: it does not work */
  bool loaded;           /* the rest is rl_shared_object_load's */
  char why[256];
} rl_shared_object;

/* Loads it unless it is loaded. Returns 0; RL_ENOFILES; or RL_EIO, and `*why` says what was missing at the first try, and which
 * package has it. `*why` is static. Each call tries again, for it may be installed meanwhile. Any thread may call. */
int rl_shared_object_load(rl_shared_object *object, const char **why);

#endif
