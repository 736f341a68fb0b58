/* SQLite's own VFS, but for the time; see clock.h. */
#include "data/sqlite/clock.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>

#include "loop/loop.h"

static sqlite3_vfs with_clock;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define DAY_MS 86400000
#define UNIX_EPOCH_MS (INT64_C(24405875) * 8640000) /* 1970, from noon of 24 November 4714 BC on: the Julian day */

static int current_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out) {
  (void)vfs;
  *out = UNIX_EPOCH_MS + rl_loop_wall();
  return SQLITE_OK;
}

static int current_time(sqlite3_vfs *vfs, double *out) {
  sqlite3_int64 ms;
  current_time_ms(vfs, &ms);
  *out = (double)ms / DAY_MS;
  return SQLITE_OK;
}

static void make(void) {
  sqlite3_vfs *own = sqlite3_vfs_find(NULL);
  if (!own || own->iVersion < 2) return;
  with_clock = *own;
  with_clock.zName = "rille";
  with_clock.pNext = NULL;
  with_clock.xCurrentTime = current_time;
  with_clock.xCurrentTimeInt64 = current_time_ms;
  if (sqlite3_vfs_register(&with_clock, 0) != SQLITE_OK) with_clock.zName = NULL;
}

const char *rl_sql_vfs(void) {
  pthread_once(&once, make);
  return with_clock.zName;
}
