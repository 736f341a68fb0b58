/* The log after a failed sync; see wal.h. */
#include "data/sqlite/wal.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "data/sqlite/error.h"
#include "data/sqlite/wal_index.h"

enum { HEADER = 32, FRAME = 24, CHECKPOINT_LOCK = 1 };

/* What the index says of the log, in the byte order of the machine; its first 48 bytes, which come twice. */
typedef struct index_header {
  uint32_t version, unused, change;
  uint8_t is_init, big_endian;
  uint16_t page_size; /* 1: 65536 */
  uint32_t frames, pages, frame_sum[2], salt[2], sum[2];
} index_header;

typedef struct wal {
  sqlite3_file *file, *log;
  index_header *index;  /* both copies, … */
  uint32_t *backfilled; /* … and what follows them: nBackfill */
  uint32_t sum[2];
  bool swapped; /* the checksums are over words of the other byte order */
} wal;

static int failed(rl_sql_error *error, int result, const char *what) {
  rl_sql_refused(error, RL_ESQL, "the log cannot be %s: %s", what, sqlite3_errstr(result));
  rl_sqlite_set_extended(error, result);
  return RL_ESQL;
}

static int damaged(rl_sql_error *error) {
  return rl_sql_refused(error, RL_ESQL,
                        "the log has lost what was not synced: only a restart can recover what is on the disk");
}

static uint32_t big_endian(const unsigned char *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void add_checksum(wal *w, const unsigned char *data, size_t size) {
  for (size_t i = 0; i + 8 <= size; i += 8) {
    uint32_t a, b;
    memcpy(&a, data + i, 4);
    memcpy(&b, data + i + 4, 4);
    if (w->swapped) a = __builtin_bswap32(a), b = __builtin_bswap32(b);
    w->sum[0] += a + w->sum[1];
    w->sum[1] += b + w->sum[0];
  }
}

static bool has_checksum(const wal *w, const unsigned char *at) {
  return big_endian(at) == w->sum[0] && big_endian(at + 4) == w->sum[1];
}

/* Reads a piece and writes the same bytes. */
static int rewrite(const wal *w, unsigned char *buffer, int size, sqlite3_int64 offset, rl_sql_error *error) {
  int result = w->log->pMethods->xRead(w->log, buffer, size, offset);
  if (result == SQLITE_IOERR_SHORT_READ) return damaged(error);
  if (result == SQLITE_OK) result = w->log->pMethods->xWrite(w->log, buffer, size, offset);
  return result == SQLITE_OK ? RL_OK : failed(error, result, "written again");
}

static int rewrite_header(wal *w, unsigned char *buffer, rl_sql_error *error) {
  const uint32_t one = 1;
  int code = rewrite(w, buffer, HEADER, 0, error);
  if (code) return code;
  w->swapped = (*(const unsigned char *)&one == 1) == ((big_endian(buffer) & 1) != 0);
  add_checksum(w, buffer, HEADER - 8);
  bool is_ours = memcmp(buffer + 16, w->index->salt, sizeof w->index->salt) == 0;
  return is_ours && has_checksum(w, buffer + HEADER - 8) ? RL_OK : damaged(error);
}

static int rewrite_frame(wal *w, unsigned char *buffer, int size, sqlite3_int64 offset, rl_sql_error *error) {
  int code = rewrite(w, buffer, size, offset, error);
  if (code) return code;
  add_checksum(w, buffer, 8);
  add_checksum(w, buffer + FRAME, (size_t)(size - FRAME));
  bool is_ours = memcmp(buffer + 8, w->index->salt, sizeof w->index->salt) == 0;
  return is_ours && has_checksum(w, buffer + 16) ? RL_OK : damaged(error);
}

static int rewrite_all(wal *w, unsigned char *buffer, int size, rl_sql_error *error) {
  sqlite3_int64 at = 0;
  int code = w->index->frames ? rewrite_header(w, buffer, error) : RL_OK;
  if (w->index->frames) at = HEADER;
  for (uint32_t i = 0; i < w->index->frames && !code; i++, at += size) code = rewrite_frame(w, buffer, size, at, error);
  return code;
}

/* Cuts off what comes after the last frame that was committed, at once: before anything else can fail. */
static int cut(const wal *w, int frame_size, rl_sql_error *error) {
  sqlite3_int64 size = 0, end = w->index->frames ? HEADER + (sqlite3_int64)w->index->frames * frame_size : 0;
  int result = w->log->pMethods->xFileSize(w->log, &size);
  if (result == SQLITE_OK && size > end) result = w->log->pMethods->xTruncate(w->log, end);
  return result == SQLITE_OK ? RL_OK : failed(error, result, "cut off");
}

static int restore(wal *w, rl_sql_error *error) {
  int page_size = w->index->page_size == 1 ? 65536 : w->index->page_size;
  __atomic_store_n(w->backfilled, 0, __ATOMIC_SEQ_CST);
  int code = cut(w, FRAME + page_size, error);
  if (code) return code;
  unsigned char *buffer = rl_alloc((size_t)(FRAME + page_size));
  if (!buffer) return rl_sql_refused(error, RL_ENOMEM, "out of memory");
  code = rewrite_all(w, buffer, FRAME + page_size, error);
  rl_free(buffer);
  if (code) return code;
  int result = w->log->pMethods->xSync(w->log, SQLITE_SYNC_NORMAL);
  return result == SQLITE_OK ? RL_OK : failed(error, result, "synced");
}

static int find(sqlite3 *db, wal *w, rl_sql_error *error) {
  const rl_wal_index_word *header = rl_wal_index_of(db);
  sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &w->file);
  sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &w->log);
  if (!header || !w->log || !w->log->pMethods) return failed(error, SQLITE_CANTOPEN, "found");
  w->index = (index_header *)(uintptr_t)header; /* nobody else changes it while we may write */
  w->backfilled = (uint32_t *)(w->index + 2);
  bool is_whole = w->index->is_init && memcmp(&w->index[0], &w->index[1], sizeof w->index[0]) == 0;
  return is_whole ? RL_OK : failed(error, SQLITE_CORRUPT, "found");
}

int rl_wal_restore(sqlite3 *db, rl_sql_error *error) {
  wal w = {0};
  int code = find(db, &w, error);
  if (code) return code;
  int result = w.file->pMethods->xShmLock(w.file, CHECKPOINT_LOCK, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);
  if (result != SQLITE_OK) return rl_sql_refused(error, RL_EBUSY, "another process copies pages from the log");
  code = restore(&w, error);
  w.file->pMethods->xShmLock(w.file, CHECKPOINT_LOCK, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
  return code;
}
