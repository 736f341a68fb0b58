/*
 * Copies a database into a new file by VACUUM INTO, while others use it.
 *
 * The file is made before, with the mode of the database and only if there is none of that name: a copy replaces nothing and
 * is seen by nobody who may not see the database. It is on the disk when this returns. If it fails, nothing is left of it.
 */
#ifndef RL_DATA_SQLITE_COPY_H
#define RL_DATA_SQLITE_COPY_H

#include "data/sqlite/connection.h"

/* Writes what the connection sees to a file at `path`. No transaction may be open on the connection. 0, or a code with
 * `error`. */
int rl_copy_into(rl_connection *connection, rl_slice path, rl_sql_error *error);
/* The same by a connection of its own, so a transaction may be open on `connection`: its changes are not in the copy. For
 * a database in a file. */
int rl_copy_aside(rl_connection *connection, rl_slice path, rl_sql_error *error);

#endif
