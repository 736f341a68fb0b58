/* Names and SQLSTATEs of result codes; see code.h. */
#include "data/sqlite/code.h"

#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

/* clang-format off */
#define CODES(X) \
  X(ERROR) X(INTERNAL) X(PERM) X(ABORT) X(BUSY) X(LOCKED) X(NOMEM) X(READONLY) X(INTERRUPT) X(IOERR) X(CORRUPT) \
  X(NOTFOUND) X(FULL) X(CANTOPEN) X(PROTOCOL) X(EMPTY) X(SCHEMA) X(TOOBIG) X(CONSTRAINT) X(MISMATCH) X(MISUSE) \
  X(NOLFS) X(AUTH) X(FORMAT) X(RANGE) X(NOTADB) X(ERROR_MISSING_COLLSEQ) X(ERROR_RETRY) X(ERROR_SNAPSHOT) \
  X(IOERR_READ) X(IOERR_SHORT_READ) X(IOERR_WRITE) X(IOERR_FSYNC) X(IOERR_DIR_FSYNC) X(IOERR_TRUNCATE) \
  X(IOERR_FSTAT) X(IOERR_UNLOCK) X(IOERR_RDLOCK) X(IOERR_DELETE) X(IOERR_BLOCKED) X(IOERR_NOMEM) \
  X(IOERR_ACCESS) X(IOERR_CHECKRESERVEDLOCK) X(IOERR_LOCK) X(IOERR_CLOSE) X(IOERR_DIR_CLOSE) X(IOERR_SHMOPEN) \
  X(IOERR_SHMSIZE) X(IOERR_SHMLOCK) X(IOERR_SHMMAP) X(IOERR_SEEK) X(IOERR_DELETE_NOENT) X(IOERR_MMAP) \
  X(IOERR_GETTEMPPATH) X(IOERR_CONVPATH) X(IOERR_VNODE) X(IOERR_AUTH) X(IOERR_BEGIN_ATOMIC) \
  X(IOERR_COMMIT_ATOMIC) X(IOERR_ROLLBACK_ATOMIC) X(IOERR_DATA) X(IOERR_CORRUPTFS) X(LOCKED_SHAREDCACHE) \
  X(LOCKED_VTAB) X(BUSY_RECOVERY) X(BUSY_SNAPSHOT) X(BUSY_TIMEOUT) X(CANTOPEN_NOTEMPDIR) X(CANTOPEN_ISDIR) \
  X(CANTOPEN_FULLPATH) X(CANTOPEN_CONVPATH) X(CANTOPEN_DIRTYWAL) X(CANTOPEN_SYMLINK) X(CORRUPT_VTAB) \
  X(CORRUPT_SEQUENCE) X(CORRUPT_INDEX) X(READONLY_RECOVERY) X(READONLY_CANTLOCK) X(READONLY_ROLLBACK) \
  X(READONLY_DBMOVED) X(READONLY_CANTINIT) X(READONLY_DIRECTORY) X(ABORT_ROLLBACK) X(CONSTRAINT_CHECK) \
  X(CONSTRAINT_COMMITHOOK) X(CONSTRAINT_FOREIGNKEY) X(CONSTRAINT_FUNCTION) X(CONSTRAINT_NOTNULL) \
  X(CONSTRAINT_PRIMARYKEY) X(CONSTRAINT_TRIGGER) X(CONSTRAINT_UNIQUE) X(CONSTRAINT_VTAB) X(CONSTRAINT_ROWID) \
  X(CONSTRAINT_PINNED) X(CONSTRAINT_DATATYPE) X(AUTH_USER)
/* clang-format on */

const char *rl_sqlite_code_name(int code) {
  switch (code) {
#define X(name) \
  case SQLITE_##name: return "SQLITE_" #name;
    CODES(X)
#undef X
    default: return code > 0xFF ? rl_sqlite_code_name(code & 0xFF) : NULL;
  }
}

/* ---- SQLSTATE -------------------------------------------------------------------------------------------------------- */

typedef struct saying {
  const char *text, *state;
} saying;

/* How a message begins, … */
static const saying beginnings[] = {
    {"near \"", "42601"}, /* syntax_error */
    {"incomplete input", "42601"},
    {"unrecognized token", "42601"},
    {"sub-select returns ", "42601"},
    {"SELECTs to the left and right", "42601"},
    {"all VALUES must have the same number", "42601"},
    {"no such table", "42P01"}, /* undefined_table */
    {"no such view", "42P01"},
    {"no such column", "42703"}, /* undefined_column */
    {"cannot join using column", "42703"},
    {"no such function", "42883"}, /* undefined_function */
    {"no such table-valued function", "42883"},
    {"wrong number of arguments to function", "42883"},
    {"no such index", "42704"}, /* undefined_object */
    {"no such trigger", "42704"},
    {"no such collation sequence", "42704"},
    {"no such module", "42704"},
    {"no such savepoint", "3B001"},         /* invalid_savepoint_specification */
    {"ambiguous column name", "42702"},     /* ambiguous_column */
    {"duplicate column name", "42701"},     /* duplicate_column */
    {"duplicate WITH table name", "42712"}, /* duplicate_alias */
    {"there is already ", "42P07"},         /* duplicate_table */
    {"misuse of aggregate", "42803"},       /* grouping_error */
    {"aggregate functions are not allowed", "42803"},
    {"misuse of window function", "42P20"},         /* windowing_error */
    {"ON CONFLICT clause does not match", "42P10"}, /* invalid_column_reference */
    {"foreign key mismatch", "42830"},              /* invalid_foreign_key */
    {"cannot modify ", "42809"},                    /* wrong_object_type */
    {"Cannot add a NOT NULL column", "23502"},      /* not_null_violation */
    {"Cannot add a ", "42P16"},                     /* invalid_table_definition */
    {"integer overflow", "22003"},                  /* numeric_value_out_of_range */
    {"malformed JSON", "22032"},                    /* invalid_json_text */
    {"JSON ", "22030"},                             /* (class 22: SQL/JSON) */
    {"cannot start a transaction", "25001"},        /* active_sql_transaction */
    {"cannot commit", "25P01"},                     /* no_active_sql_transaction */
    {"cannot rollback", "25P01"},
    {"Expression tree is too large", "54001"}, /* statement_too_complex */
    {"parser stack overflow", "54001"},
    {"too many ", "54000"}, /* program_limit_exceeded */
};

/* … or what stands in its midst, after a name. */
static const saying middles[] = {
    {" has no column named ", "42703"},
    {" already exists", "42P07"},
    {" values for ", "42601"},
    {" values were supplied", "42601"},
    {" term does not match any column", "42P10"},
    {" term out of range", "42P10"},
    {" may not be ", "42501"}, /* insufficient_privilege: the system's own tables */
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const char *state_of_message(const char *message) {
  for (size_t i = 0; i < COUNT(beginnings); i++)
    if (strncmp(message, beginnings[i].text, strlen(beginnings[i].text)) == 0) return beginnings[i].state;
  for (size_t i = 0; i < COUNT(middles); i++)
    if (strstr(message, middles[i].text)) return middles[i].state;
  return "42000"; /* syntax_error_or_access_rule_violation */
}

static const char *state_of_constraint(int code) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return "23505";
    case SQLITE_CONSTRAINT_FOREIGNKEY: return "23503";
    case SQLITE_CONSTRAINT_NOTNULL: return "23502";
    case SQLITE_CONSTRAINT_CHECK: return "23514";
    case SQLITE_CONSTRAINT_TRIGGER: return "P0001";  /* raise_exception */
    case SQLITE_CONSTRAINT_DATATYPE: return "22P02"; /* invalid_text_representation */
    default: return "23000";
  }
}

const char *rl_sqlite_code_state(int code, const char *message) {
  switch (code & 0xFF) {
    case SQLITE_ERROR: return state_of_message(message);
    case SQLITE_CONSTRAINT: return state_of_constraint(code);
    case SQLITE_BUSY:
      return code == SQLITE_BUSY_SNAPSHOT ? "40001" : "55P03"; /* serialization_failure; lock_not_available */
    case SQLITE_LOCKED: return "55P03";
    case SQLITE_FULL: return "53100";
    case SQLITE_NOMEM: return "53200";
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: return "58030";
    case SQLITE_READONLY: return "25006";
    case SQLITE_MISMATCH: return "42804";
    case SQLITE_TOOBIG: return "54000";
    case SQLITE_INTERRUPT: return "57014"; /* query_canceled */
    case SQLITE_PERM:
    case SQLITE_AUTH: return "42501";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return "XX001"; /* data_corrupted */
    default: return "XX000";            /* internal_error */
  }
}
