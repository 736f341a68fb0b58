/*
 * A file as the answer to a request: preconditions, ranges, head, and the bytes, without a Lua task and without holding the
 * loop.
 *
 *   start -> 304, 412, 416, or 200/206: respond -> segment -> (on_drain) -> segment … -> end -> on_done
 *
 * Several ranges are a multipart/byteranges body: each segment begins with a head of its own.
 */
#ifndef RL_SERVER_FILE_SEND_H
#define RL_SERVER_FILE_SEND_H

#include "http/range.h"
#include "http/response.h"
#include "server/file.h"

typedef struct rl_file_send rl_file_send;

struct rl_file_send {
  rl_req *req;
  rl_file file; /* owned */
  rl_ranges ranges;
  int next; /* segment to send */
  bool multipart;
  char boundary[24];
  rl_slice content_type; /* of the file; in the request's arena or static */
  const rl_req_events *events_before;
  void *user_before;
  /* The exchange is over for the file: 0 or RL_ERESET. The request's events and user are as they were; who started this
   * releases the request. */
  void (*on_done)(rl_file_send *send, int code);
  void *owner;
};

/* The rest of the answer, beside what follows from the file. */
typedef struct rl_file_options {
  rl_slice content_type;
  const rl_header *headers; /* borrowed until return */
  size_t header_count;
  int status; /* 200 unless a handler chose another: then neither preconditions nor ranges apply */
} rl_file_options;

/* Takes the file. on_done comes later, or from inside if all was taken at once. */
void rl_file_send_start(rl_file_send *send, rl_req *req, rl_file *file, const rl_file_options *options);
/* Breaks it off: the exchange is aborted, the file closed, and the request's events are as they were. on_done is not called.
 * Not after on_done. */
void rl_file_send_cancel(rl_file_send *send);

#endif
