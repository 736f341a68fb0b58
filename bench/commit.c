/*
 * What a durable insert costs without a server and without sharing: one INSERT, one commit, one sync of the disk, again and
 * again. Prints inserts and seconds of CPU, as JSON.
 *
 *   commit DATABASE SECONDS
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  sqlite3 *db = NULL;
  sqlite3_stmt *insert = NULL;
  if (argc != 3) return fputs("usage: commit DATABASE SECONDS\n", stderr), 2;
  if (sqlite3_open(argv[1], &db) || sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", 0, 0, 0) ||
      sqlite3_prepare_v2(db, "INSERT INTO notes (text) VALUES ('A note of ordinary length that somebody wants.')", -1,
                         &insert, 0)) {
    return fprintf(stderr, "commit: %s\n", sqlite3_errmsg(db)), 1;
  }
  double start = seconds(CLOCK_MONOTONIC), until = start + atof(argv[2]), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  long count = 0;
  while (seconds(CLOCK_MONOTONIC) < until) {
    if (sqlite3_step(insert) != SQLITE_DONE) return fprintf(stderr, "commit: %s\n", sqlite3_errmsg(db)), 1;
    sqlite3_reset(insert);
    count++;
  }
  printf("{\"inserts\": %ld, \"seconds\": %.4f, \"cpu\": %.6f}\n", count, seconds(CLOCK_MONOTONIC) - start,
         seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return 0;
}
