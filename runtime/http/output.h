/*
 * What waits to be written to a stream: bytes, and parts of files between them, in the order in which they were added.
 *
 *      bytes: [ head of A ][ head of B, all of B, head of C ]
 *      files:             ^ file of A                       ^ file of C
 *
 * All bytes are in one buffer; a file part knows the position after which it leaves. What a stream takes is gone at once; the rest
 * stays, and backpressure is the caller's to watch.
 */
#ifndef RL_HTTP_OUTPUT_H
#define RL_HTTP_OUTPUT_H

#include "base/buf.h"
#include "net/stream.h"

/* A part of a file. The descriptor is borrowed until the part has left or was dropped. */
typedef struct rl_file_part {
  uint64_t position; /* bytes that leave before it, counted from the first byte ever added */
  int fd;
  int64_t at;
  uint64_t left;
} rl_file_part;

typedef struct rl_output {
  rl_buf bytes;
  uint64_t gone; /* bytes of `bytes` that have left */
  rl_file_part *files;
  size_t file_count, file_room, next_file; /* files[next_file] is the first that waits */
} rl_output;

void rl_output_init(rl_output *out);
void rl_output_free(rl_output *out);

/* Adds a part of a file, at least one byte. 0 or RL_ENOMEM. */
int rl_output_add_file(rl_output *out, int fd, uint64_t offset, uint64_t size);
/* Drops the first file part and all that was added after it; no descriptor is touched again. What comes before still leaves. */
void rl_output_drop_files(rl_output *out);
static inline bool rl_output_has_files(const rl_output *out) { return out->next_file < out->file_count; }
static inline bool rl_output_is_empty(const rl_output *out) { return !out->bytes.len && !rl_output_has_files(out); }

/* Writes as much as the stream takes. 0: nothing is left. RL_EAGAIN: the stream takes no more now. RL_EBUSY: it would, but others
 * have their turn first. Other codes: the stream is broken, or a file has become shorter than was said (RL_EEOF), which breaks the
 * length that was announced (RFC 9112 section 8). Sets *progress if anything left. */
int rl_output_write(rl_output *out, rl_stream *stream, bool *progress);

#endif
