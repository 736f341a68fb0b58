/*
 * The guard of an HTTP/2 connection: looks at the frames that come, before nghttp2 does, and counts those that cost more than they
 * bring. Most attacks on HTTP/2 are lawful frames, too many of them:
 *
 *   resets          a request, then RST_STREAM (CVE-2023-44487), or something that makes us reset it (CVE-2025-8671)
 *   control frames  PING, SETTINGS (CVE-2019-9512, 9515), PRIORITY and PRIORITY_UPDATE (9513), empty DATA, HEADERS and CONTINUATION
 *                   (9518), WINDOW_UPDATE (9511, 9517), new sizes of the HPACK table, frames of types that nobody knows
 *   header blocks   CONTINUATION without end (CVE-2024-27316)
 *
 * Two buckets, of resets and of points for control frames, each as large as its limit (limits: resets, control_frames). A tenth
 * flows back each second, and useful work gives back some: a response that has left, data that the client has let us send.
 *
 *   PING, SETTINGS 10 points     empty, unknown, table size 5     PRIORITY, PRIORITY_UPDATE, WINDOW_UPDATE, GOAWAY 1
 *
 * So a client has 100 PINGs at once and 10 a second for ever. An empty bucket ends the connection with ENHANCE_YOUR_CALM; the
 * frame that emptied it is not looked at any more, nor what follows it.
 *
 * It also keeps what nghttp2 forgets once a stream is closed or does not look at any more: whether the client has ended a stream on which
 * it goes on (STREAM_CLOSED), or begins one with a number below the last (PROTOCOL_ERROR; RFC 9113 sections 5.1 and 5.1.1), and
 * PRIORITY frames that are wrong (section 6.3, RFC 7540 section 5.3.1).
 *
 * Pure: bytes and a clock in, a verdict out. It does not matter how the bytes are cut.
 */
#ifndef RL_HTTP_H2_GUARD_H
#define RL_HTTP_H2_GUARD_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/slice.h"

// clang-format off
#define RL_H2_FLOOD_MAP(X)                                                                                    \
  X(RESET, "resets") X(PING, "PING frames") X(SETTINGS, "SETTINGS frames") X(PRIORITY, "priority frames")     \
  X(WINDOW, "WINDOW_UPDATE frames") X(EMPTY, "empty frames") X(UNKNOWN, "frames of unknown types")            \
  X(TABLE, "changes of the HPACK table") X(CONTINUATION, "CONTINUATION frames")                               \
  X(GOAWAY, "GOAWAY frames") X(FIELDS, "header fields") X(STALL, "stalled streams")

typedef enum rl_h2_flood {
  RL_H2_FLOOD_NONE = 0,
#define X(name, text) RL_H2_FLOOD_##name,
  RL_H2_FLOOD_MAP(X)
#undef X
  RL_H2_FLOOD_COUNT
} rl_h2_flood;
// clang-format on

enum { RL_H2_OPEN = 128, RL_H2_USED = 64 };

/* Numbers of streams, in the order in which they were begun; the oldest make way for new ones. */
typedef struct rl_h2_numbers {
  uint32_t open[RL_H2_OPEN]; /* those that the client has not ended */
  uint32_t open_count;
  uint32_t forgotten;        /* the highest that made way: what comes on one up to it is not judged */
  uint32_t used[RL_H2_USED]; /* a ring */
  uint32_t used_next;
  uint32_t last;
} rl_h2_numbers;

typedef struct rl_h2_guard {
  rl_h2_numbers numbers;
  const rl_limits *limits;
  uint64_t resets, points; /* what is left, in thousandths */
  uint64_t filled_ms;      /* up to when it has flowed back */
  uint8_t head[9];         /* of a frame; the first `have` bytes have come */
  uint8_t have;
  uint8_t type, flags;       /* of the frame under way */
  uint32_t left, at;         /* bytes of its payload that come, and that have come */
  uint32_t look;             /* the byte of the payload that is looked at, or UINT32_MAX */
  bool in_block;             /* a header block is open: only CONTINUATION may follow */
  uint32_t fragments, block; /* frames and bytes of it */
  uint32_t size;             /* of the payload of the frame under way */
  uint32_t stream;           /* of the frame under way */
  uint8_t depends[4];        /* of a PRIORITY frame: the stream that it names */
  uint32_t error;            /* why the connection must end, as an error code of HTTP/2; 0: it need not */
} rl_h2_guard;

/* `limits` outlives it. The client's preface comes first. */
void rl_h2_guard_init(rl_h2_guard *guard, const rl_limits *limits, uint64_t now_ms);
/* Looks at what has come. Returns how many of the bytes nghttp2 may see; *flood or guard->error say why it is not all. */
size_t rl_h2_guard_scan(rl_h2_guard *guard, rl_slice bytes, uint64_t now_ms, rl_h2_flood *flood);
/* We had to reset a stream for what the client did. Returns true if that was once too often. */
bool rl_h2_guard_reset(rl_h2_guard *guard, uint64_t now_ms);
/* A response has left. */
void rl_h2_guard_answered(rl_h2_guard *guard);
/* A frame with so many bytes of a response has left. */
void rl_h2_guard_sent(rl_h2_guard *guard, size_t size);
/* Returns true once the client's preface has come. */
bool rl_h2_guard_has_begun(const rl_h2_guard *guard);
/* Returns true while the bytes of a header block are expected: nothing else can come meanwhile. */
bool rl_h2_guard_in_head(const rl_h2_guard *guard);
/* What there were too many of, in words. */
const char *rl_h2_flood_text(rl_h2_flood flood);

#endif
