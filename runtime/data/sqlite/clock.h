/*
 * The clock that SQL sees: CURRENT_TIMESTAMP, datetime('now'). It is the wall clock, and while a test's virtual clock stands
 * (rl_loop_clock_freeze) it is that, on every thread.
 *
 *   rl_sql_vfs()   the name of SQLite's own files with this clock, for sqlite3_open_v2
 */
#ifndef RL_DATA_SQLITE_CLOCK_H
#define RL_DATA_SQLITE_CLOCK_H

/* Returns its name, or NULL (SQLite's default) if SQLite has no VFS to start from. */
const char *rl_sql_vfs(void);

#endif
