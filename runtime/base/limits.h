/*
 * Every limit of the house, in one place. Sizes are bytes, times milliseconds. Each is a default that a server or an app may
 * set otherwise (rl_limits); what peers can make us hold or wait for is bounded by one of these.
 *
 * Sources: the issue that introduced each, RFC 9110/9112 minima, reliability.md section G.
 */
#ifndef RL_BASE_LIMITS_H
#define RL_BASE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define RL_LIMIT_REQUEST_LINE 8192u                   /* 414; RFC 9112 section 3 asks for 8000 at least */
#define RL_LIMIT_FIELD 8192u                          /* 431; one header line */
#define RL_LIMIT_FIELDS_SIZE 65536u                   /* 431; all header lines together */
#define RL_LIMIT_FIELDS 128u                          /* 431; how many */
#define RL_LIMIT_TRAILERS_SIZE 8192u                  /* 431 */
#define RL_LIMIT_BODY ((uint64_t)1 << 20)             /* 413; per route too */
#define RL_LIMIT_CHUNK_LINE 256u                      /* 400; size, extensions and leading zeros of one chunk */
#define RL_LIMIT_CHUNK_OVERHEAD ((uint64_t)100 << 10) /* 400; framing bytes beyond ten times the payload */
#define RL_LIMIT_HEAD_MS 10000u                       /* 408; from the first byte of a head to its last */
#define RL_LIMIT_BODY_RATE 240u                       /* 408; bytes a second once the grace is over */
#define RL_LIMIT_BODY_GRACE_MS 20000u
#define RL_LIMIT_KEEP_ALIVE_MS 75000u  /* close; longer than the reverse proxies' 60 s */
#define RL_LIMIT_WRITE_STALL_MS 30000u /* reset; no byte taken by the peer for so long */
#define RL_LIMIT_LINGER_MS 2000u       /* how long a closing side drops what still arrives */
#define RL_LIMIT_LINGER_SIZE 65536u
#define RL_LIMIT_DRAIN 65536u        /* an unread body up to this is read and dropped to keep the connection */
#define RL_LIMIT_HALF_CLOSE_MS 2000u /* how long a handler may still run behind a FIN */
#define RL_LIMIT_PIPELINED 32u       /* complete requests that wait behind the one that runs */
#define RL_LIMIT_PIPELINE_RESUME 16u
#define RL_LIMIT_REQUESTS 100000u               /* requests of one connection */
#define RL_LIMIT_CONNECTIONS 16384u             /* of one worker */
#define RL_LIMIT_WRITE_HIGH ((size_t)256 << 10) /* bytes queued on a connection before a writer waits */
#define RL_LIMIT_READ_BUFFER 65536u             /* one for each loop */
#define RL_LIMIT_SPILL 65536u                   /* a body or file larger than this goes to a temporary file */
#define RL_LIMIT_FORM_FIELDS 1000u              /* 413 */
#define RL_LIMIT_FORM_PARTS 1000u               /* 413 */
#define RL_LIMIT_PART_HEADERS 8192u             /* 400 */
#define RL_LIMIT_PART_FIELDS 16u                /* 400 */
#define RL_LIMIT_QUERY_FIELDS 1000u             /* 400 */
#define RL_LIMIT_COOKIES 100u                   /* parsed of one request; the rest is not looked at */
#define RL_LIMIT_JSON_DEPTH 128u                /* 400 */
#define RL_LIMIT_PATH_PARAMS 16u                /* of one route */
#define RL_LIMIT_BATCH 256u                     /* writes that share one commit */
#define RL_LIMIT_SQL_INLINE_US 1000u            /* a read longer than this moves to a reader thread */
#define RL_LIMIT_STATEMENTS 128u                /* prepared statements kept for one connection */
#define RL_LIMIT_CLEANUP_MS 5000u               /* how long __close may wait in a cancelled task */
/* 500; bytes that one template may print, or hold back while it is streamed */
#define RL_LIMIT_TEMPLATE_PAGE ((size_t)64 << 20)

/* What a server holds of these, changeable one by one before it starts. */
typedef struct rl_limits {
  size_t request_line, field, fields_size, fields;
  uint64_t body;
  uint32_t head_ms, keep_alive_ms, write_stall_ms, body_grace_ms, body_rate;
  uint32_t requests, connections, pipelined;
} rl_limits;

/* clang-format off */
#define RL_LIMITS_DEFAULT_INIT                                                                              \
  {.request_line = RL_LIMIT_REQUEST_LINE, .field = RL_LIMIT_FIELD, .fields_size = RL_LIMIT_FIELDS_SIZE,     \
   .fields = RL_LIMIT_FIELDS, .body = RL_LIMIT_BODY, .head_ms = RL_LIMIT_HEAD_MS,                           \
   .keep_alive_ms = RL_LIMIT_KEEP_ALIVE_MS, .write_stall_ms = RL_LIMIT_WRITE_STALL_MS,                      \
   .body_grace_ms = RL_LIMIT_BODY_GRACE_MS, .body_rate = RL_LIMIT_BODY_RATE, .requests = RL_LIMIT_REQUESTS, \
   .connections = RL_LIMIT_CONNECTIONS, .pipelined = RL_LIMIT_PIPELINED}
#define RL_LIMITS_DEFAULT ((rl_limits)RL_LIMITS_DEFAULT_INIT)
/* clang-format on */

#endif
