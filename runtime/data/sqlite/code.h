/*
 * SQLite's result codes by name (https://sqlite.org/rescode.html), and the SQLSTATE that is nearest to each: the same five
 * characters that PostgreSQL would send (appendix A of its manual), so that a program can ask for either.
 */
#ifndef RL_DATA_SQLITE_CODE_H
#define RL_DATA_SQLITE_CODE_H

/* Returns "SQLITE_CONSTRAINT_UNIQUE" and the like; of a code newer than these the name of its primary one; NULL for none.
 * Static. */
const char *rl_sqlite_code_name(int code);
/* Returns the SQLSTATE of a code and the message that came with it: SQLite has one code for a table that is missing and for
 * a syntax error. Static. */
const char *rl_sqlite_code_state(int code, const char *message);

#endif
