/*
 * What of a response waits to become frames: bytes of the caller while a call is under way, then a queue of copied ones, then a part of a
 * file, then trailers.
 *
 *   [ borrowed ][ queue ][ file ] END [ trailers ]
 *
 * Knows nothing of windows and frames. The descriptor of the file is the caller's.
 */
#ifndef RL_HTTP_H2_OUTFLOW_H
#define RL_HTTP_H2_OUTFLOW_H

#include "base/buf.h"
#include "http/header.h"

typedef struct rl_h2_outflow {
  rl_slice borrowed;
  rl_buf queue;
  size_t queue_at; /* bytes of it that have left */
  int file;
  uint64_t file_at, file_left;
  rl_header *trailers; /* in one block with what they point at; NULL: none */
  size_t trailer_count;
  bool ended; /* nothing is added any more */
} rl_h2_outflow;

void rl_h2_outflow_init(rl_h2_outflow *flow);
void rl_h2_outflow_free(rl_h2_outflow *flow);
/* Drops what waits, but for trailers. */
void rl_h2_outflow_drop(rl_h2_outflow *flow);
/* Adds bytes, copied. 0 or RL_ENOMEM: then nothing was added. */
int rl_h2_outflow_add(rl_h2_outflow *flow, rl_slice bytes);
/* Adds a part of a file, after all bytes. */
void rl_h2_outflow_add_file(rl_h2_outflow *flow, int fd, uint64_t offset, uint64_t size);
/* Keeps a copy of trailers. 0 or RL_ENOMEM. */
int rl_h2_outflow_keep_trailers(rl_h2_outflow *flow, const rl_header *trailers, size_t count);

/* Returns how many bytes were copied and wait. */
static inline size_t rl_h2_outflow_queued(const rl_h2_outflow *flow) { return flow->queue.len - flow->queue_at; }
/* Returns true if nothing waits beyond the call under way. */
static inline bool rl_h2_outflow_is_empty(const rl_h2_outflow *flow) { return !flow->queue.len && !flow->file_left; }
/* Returns how much of the front may go together, at most `most`. *last: nothing follows it but trailers. */
size_t rl_h2_outflow_front(const rl_h2_outflow *flow, size_t most, bool *last);
/* Moves so much of the front to `out`, which has room for it. 0; RL_EEOF: the file is shorter than was said. */
int rl_h2_outflow_move(rl_h2_outflow *flow, size_t size, rl_buf *out);

#endif
