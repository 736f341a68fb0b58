/*
 * The access log: one line an exchange, on a descriptor of its own (stdout), written off the hot path.
 *
 *   worker 1: rl_access_add -> lines (a buffer) --full, or a second old--+
 *   worker 2: rl_access_add -> lines                                      +-> the service's thread: write(2)
 *
 * Text is the combined format that every log tool reads, followed by what is ours; JSON is one object a line:
 *
 *   192.0.2.7 - - [22/Nov/2026:14:17:32 +0000] "GET /posts/7 HTTP/1.1" 200 512 "-" "curl/7.88" id=5f0c… ms=3 route=post
 *   192.0.2.7 - - [22/Nov/2026:14:17:32 +0000] "-" 400 24 "-" "-" reason="Bad Request: …"
 *
 * What a peer sent is escaped (\xHH), so that it cannot forge a line. A log that cannot be written (a full disk, a reader
 * that hangs) never delays a request: beyond RL_ACCESS_WAITING buffers lines are dropped, and the error log says how many.
 */
#ifndef RL_SERVER_ACCESS_LOG_H
#define RL_SERVER_ACCESS_LOG_H

#include "base/log.h"
#include "http/conn.h"
#include "loop/service.h"

enum { RL_ACCESS_BUFFER = 64 << 10, RL_ACCESS_WAITING = 64, RL_ACCESS_DELAY_MS = 1000, RL_ACCESS_TERMINAL_MS = 50 };

/* One for the process. */
typedef struct rl_access_log {
  rl_service service;
  int fd; /* borrowed */
  rl_log_format format;
  uint32_t delay_ms;
  unsigned waiting; /* buffers on their way; atomic */
  uint64_t lost;    /* lines dropped since the error log last said so; atomic */
  int write_error;  /* errno of the last write, 0 while it works; the service's own */
} rl_access_log;

/* One for each worker. */
typedef struct rl_access_writer {
  rl_access_log *log;
  rl_loop *loop;
  rl_buf lines;
  unsigned count; /* of lines in `lines` */
  rl_timer flush;
  int64_t second; /* what `when` says */
  char when[27];  /* 22/Nov/2026:14:17:32 +0000 */
} rl_access_writer;

/* Starts the thread. `format` is text or JSON. 0 or RL_ENOMEM. */
int rl_access_log_start(rl_access_log *log, int fd, rl_log_format format);
/* After the last writer was closed: what was sent is written, then the thread ends. */
void rl_access_log_stop(rl_access_log *log);

void rl_access_open(rl_access_writer *writer, rl_access_log *log, rl_loop *loop);
/* Sends what waits. On the loop's thread, or after that has ended. */
void rl_access_close(rl_access_writer *writer);

/* One line; everything is borrowed until return. `req` is NULL where the exchange ended before it was a request. */
void rl_access_add(rl_access_writer *writer, rl_slice peer, rl_req *req, const rl_exchange_report *how);

#endif
