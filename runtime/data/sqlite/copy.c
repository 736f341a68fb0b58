/* Copies of databases; see copy.h. */
#define _GNU_SOURCE
#include "data/sqlite/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/error.h"
#include "base/os_error.h"

typedef struct target {
  char path[PATH_MAX];
  bool made; /* by us */
} target;

static int refuse(const target *t, int reason, rl_sql_error *error) {
  int out = rl_descriptors_check_errno(reason);
  int code = out ? out : rl_error_from_errno(reason) == RL_EFULL ? RL_EFULL : RL_ESQL;
  return rl_sql_refused(error, code, "the copy %.256s cannot be made: %s", t->path, strerror(reason));
}

/* The bits of the mode that a new file gets at most. */
static mode_t mode_of(sqlite3 *db) {
  struct stat info;
  const char *path = sqlite3_db_filename(db, "main");
  return path && *path && stat(path, &info) == 0 ? info.st_mode & 0666 : 0666;
}

/* An empty file that is there already is taken, as SQLite takes it. */
static int make_file(target *t, sqlite3 *db, rl_sql_error *error) {
  struct stat info;
  int fd = open(t->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode_of(db));
  t->made = fd >= 0;
  if (fd >= 0) return close(fd), RL_OK;
  if (errno != EEXIST) return refuse(t, errno, error);
  if (stat(t->path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0) return RL_OK;
  return rl_sql_refused(error, RL_ESQL, "%.256s exists already: a copy replaces nothing", t->path);
}

static int vacuum_into(rl_connection *c, const target *t, rl_sql_error *error) {
  sqlite3_stmt *stmt = NULL;
  bool trusted = c->authorizer.trusted;
  c->authorizer.trusted = true; /* VACUUM attaches a database of its own */
  int result = sqlite3_prepare_v2(c->db, "VACUUM INTO ?1", -1, &stmt, NULL);
  if (result == SQLITE_OK) result = sqlite3_bind_text(stmt, 1, t->path, -1, SQLITE_STATIC);
  if (result == SQLITE_OK) result = sqlite3_step(stmt);
  int code = result == SQLITE_DONE ? RL_OK : rl_sqlite_failed(error, c->db, result);
  sqlite3_finalize(stmt);
  c->authorizer.trusted = trusted;
  return code;
}

/* SQLite's message says what, not of which file. */
static void name_copy(const target *t, rl_sql_error *error) {
  char message[sizeof error->message];
  snprintf(message, sizeof message, "%s", error->message);
  snprintf(error->message, sizeof error->message, "the copy %.256s cannot be made: %.200s", t->path, message);
  error->constraint_at = error->constraint_len = 0;
  rl_sql_error_mend(error);
}

static int sync_path(const char *path, int flags) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
  int reason = fd < 0 || fsync(fd) ? errno : 0;
  if (fd >= 0) close(fd);
  return reason;
}

/* The file, and the folder that has its name. SQLite has closed it, so that no lock is lost. */
static int sync_copy(target *t, rl_sql_error *error) {
  int reason = sync_path(t->path, 0);
  char *slash = strrchr(t->path, '/');
  if (!reason && slash) {
    char *end = slash == t->path ? slash + 1 : slash, was = *end;
    *end = 0;
    reason = sync_path(t->path, O_DIRECTORY);
    *end = was;
  } else if (!reason) {
    reason = sync_path(".", O_DIRECTORY);
  }
  return reason ? refuse(t, reason, error) : RL_OK;
}

/* SQLite leaves what it has written. */
static void remove_copy(const target *t) {
  char journal[PATH_MAX + 16];
  if (!t->made) return;
  snprintf(journal, sizeof journal, "%s-journal", t->path);
  unlink(journal);
  unlink(t->path);
}

int rl_copy_into(rl_connection *connection, rl_slice path, rl_sql_error *error) {
  target t;
  if (path.len >= sizeof t.path) return rl_sql_refused(error, RL_ESQL, "the path of the copy is too long");
  snprintf(t.path, sizeof t.path, "%.*s", RL_FMT(path));
  int code = make_file(&t, connection->db, error);
  if (code) return code;
  code = vacuum_into(connection, &t, error);
  if (code) name_copy(&t, error);
  else code = sync_copy(&t, error);
  if (code) remove_copy(&t);
  return code;
}

int rl_copy_aside(rl_connection *connection, rl_slice path, rl_sql_error *error) {
  rl_connection reader;
  int code = rl_connection_open(&reader, sqlite3_db_filename(connection->db, "main"), SQLITE_OPEN_READONLY, error);
  if (code) return code;
  code = rl_copy_into(&reader, path, error);
  rl_connection_close(&reader);
  return code;
}
