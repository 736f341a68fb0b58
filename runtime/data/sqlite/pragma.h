/*
 * PRAGMAs by what they are about. A database has several connections: one that writes, and those that read. So a setting
 * of "the connection" that a program makes would hold here and not there, or for everybody's writes, or, inside a
 * transaction, not at all. Each PRAGMA of SQLite 3.40 has a kind for being asked and one for being set.
 *
 *   kind         reads   writer, alone   in a transaction   example
 *   ASKS         yes     yes             yes                table_info(t), user_version
 *   STORED       -       yes             yes                user_version = 3: kept in the file
 *   CONNECTION   -       yes             refused            foreign_keys = OFF: of the connection that writes
 *   INSIDE       refused refused         yes                defer_foreign_keys = ON: until the transaction ends
 *   REFUSED      refused refused         refused            case_sensitive_like: would hold for some reads only
 *
 * "-": such a statement goes to the writer.
 */
#ifndef RL_DATA_SQLITE_PRAGMA_H
#define RL_DATA_SQLITE_PRAGMA_H

#include "base/slice.h"

typedef enum rl_pragma_kind {
  RL_PRAGMA_ASKS,
  RL_PRAGMA_STORED,
  RL_PRAGMA_CONNECTION,
  RL_PRAGMA_INSIDE,
  RL_PRAGMA_REFUSED
} rl_pragma_kind;

typedef struct rl_pragma {
  const char *name;
  rl_pragma_kind asked, set;
  const char *only; /* the one value that may be set, or NULL */
  const char *why;  /* it is refused, and what to write instead; or NULL */
} rl_pragma;

/* Finds one by its name, in any case; NULL if SQLite has none of that name, and would ignore it. */
const rl_pragma *rl_pragma_find(rl_slice name);
/* Returns its kind with this value (NULL: it is asked). */
rl_pragma_kind rl_pragma_kind_of(const rl_pragma *pragma, const char *value);

#endif
