/*
 * Every limit, in one place. Sizes are bytes, times milliseconds. Each is a default that a server or an app may change
 * (rl_limits). Whatever peers can make us hold or wait for is bounded by one of these.
 *
 * RFC 9110 and RFC 9112 name minima for some, such as a request line of 8,000 bytes (RFC 9112 section 3).
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
#define RL_LIMIT_KEEP_ALIVE_MS 75000u           /* close; longer than the reverse proxies' 60 s */
#define RL_LIMIT_WRITE_STALL_MS 30000u          /* reset; no byte taken by the peer for so long */
#define RL_LIMIT_LINGER_MS 30000u               /* close; how long late bytes are dropped after an early answer */
#define RL_LIMIT_LINGER_SIZE ((size_t)64 << 20) /* close; and how many of them */
#define RL_LIMIT_LINGER_BRIEF_MS 2000u          /* the same if nothing more is expected, or the server stops */
#define RL_LIMIT_DRAIN 65536u                   /* an unread body of at most this does not end the connection */
#define RL_LIMIT_HALF_CLOSE_MS 2000u            /* how long a handler may still run after a FIN */
#define RL_LIMIT_STOP_IDLE_MS 250u /* how long an idle connection may send one more request when the server stops */
#define RL_LIMIT_CUT_MS 1000u      /* how long the last answers of a stopping server have to leave, after its timeout */
#define RL_LIMIT_PIPELINED 32u     /* complete requests that wait while one runs */
#define RL_LIMIT_PIPELINE_RESUME 16u
#define RL_LIMIT_STREAMS 100u             /* refused; requests of one HTTP/2 connection at a time */
#define RL_LIMIT_H2_STREAM_WINDOW 262144u /* bytes of a body on their way, once its handler reads it … */
#define RL_LIMIT_H2_WINDOW 1048576u       /* … and of all bodies of a connection; 64 KiB of one that nobody reads */
#define RL_LIMIT_REQUESTS 100000u         /* requests of one connection */
#define RL_LIMIT_CONNECTIONS 16384u       /* of one worker */
#define RL_LIMIT_TLS_HANDSHAKES 512u      /* of one worker at once: each holds 30 to 60 KB; others wait */
#define RL_LIMIT_TLS_HANDSHAKE_RATE 4000u /* of one worker, that begin in a second */
#define RL_LIMIT_TLS_HANDSHAKE_MS 10000u  /* close; from the connection to the end of the handshake */
#define RL_LIMIT_TLS_HELLO 16384u         /* close; of a client, before any of it is looked at */
#define RL_LIMIT_TLS_MESSAGES 32u         /* close; handshake messages in a second, after the handshake */
#define RL_LIMIT_TLS_SESSIONS 256u        /* servers whose sessions one client keeps */
#define RL_LIMIT_RESETS 200u              /* of streams at once; a tenth of them comes back each second */
#define RL_LIMIT_CONTROL_FRAMES 1000u     /* points for frames that carry nothing (http/h2/guard.h); so do they */
#define RL_LIMIT_H2_NOTICE_MS 1000u       /* how long a client has for its last requests after the first GOAWAY */
#define RL_LIMIT_H2_QUEUED ((size_t)1 << 20) /* bytes of a connection's responses that wait, while others begin */
#define RL_LIMIT_FILE_VERSIONED ((uint64_t)8 << 20) /* files up to this are read for the version in their URL */
#define RL_LIMIT_DESCRIPTORS_SPARE 16u              /* kept free of connections, for files and databases */
#define RL_LIMIT_WRITE_HIGH ((size_t)256 << 10)     /* bytes queued on a connection before a writer waits */
#define RL_LIMIT_READ_BUFFER 65536u                 /* one for each loop */
#define RL_LIMIT_SPOOL 65536u                       /* a body or file larger than this goes to a temporary file */
#define RL_LIMIT_SPOOLS ((size_t)1 << 20)    /* all files of a request together: beyond, small ones go there too */
#define RL_LIMIT_FORM_FIELDS 1000u           /* 413 */
#define RL_LIMIT_FORM_PARTS 1000u            /* 413 */
#define RL_LIMIT_FORM_TEXT ((size_t)1 << 20) /* 413; all text of a multipart form together */
#define RL_LIMIT_PART_HEADERS 8192u          /* 400 */
#define RL_LIMIT_PART_FIELDS 16u             /* 400 */
#define RL_LIMIT_QUERY_FIELDS 1000u          /* 400 */
#define RL_LIMIT_COOKIES 100u                /* parsed of one request; the rest is ignored */
#define RL_LIMIT_JSON_DEPTH 128u             /* 400 */
#define RL_LIMIT_PATH_PARAMS 16u             /* of one route */
#define RL_LIMIT_BATCH 256u                  /* writes that share one commit */
#define RL_LIMIT_SQL_QUEUE 10000u            /* 503; writes that wait for a database, … */
#define RL_LIMIT_SQL_QUEUE_SIZE ((size_t)64 << 20) /* 503; … and bytes of their statements; one may be larger, alone */
/* bytes of a database's log, after which readers are waited for so that it begins anew */
#define RL_LIMIT_SQL_LOG ((size_t)16 << 20)
#define RL_LIMIT_SQL_INLINE_US 1000u  /* a read of more CPU time moves to a reader thread */
#define RL_LIMIT_SQL_PARAMETERS 32766 /* of one statement, as SQLite has it unless it was built otherwise */
#define RL_LIMIT_SQL_STREAMS 64u      /* 503; db:rows under way on one reader thread: each has a connection */
#define RL_LIMIT_STATEMENTS 128u      /* prepared statements kept for one connection */
/* so does a read with more bytes of parameters */
#define RL_LIMIT_SQL_INLINE_SIZE ((size_t)1 << 20)
/* 500; bytes that one template may print, or hold back while it is streamed */
#define RL_LIMIT_TEMPLATE_PAGE ((size_t)64 << 20)
#define RL_LIMIT_IMAGE_PIXELS 40000000u         /* 413; of a picture before it is decoded: 4 bytes each */
#define RL_LIMIT_IMAGE_SCANS 100u               /* 413; of a JPEG, each of which goes over all its pixels … */
#define RL_LIMIT_IMAGE_WORK ((uint64_t)1 << 30) /* 413; … and pixels times scans */
#define RL_LIMIT_IMAGE_SEGMENTS 2000u           /* 413; of a JPEG */
#define RL_LIMIT_IMAGE_SIDE 4096u               /* of a picture that is made, either way */
#define RL_LIMIT_IMAGE_QUEUE 64u                /* 503; pictures that wait for a core */
#define RL_LIMIT_OFFLOADS 4u         /* offloaded functions that run at once: so many, or one for each core */
#define RL_LIMIT_OFFLOAD_QUEUE 256u  /* 503; those that wait for a thread */
#define RL_LIMIT_EXIT_JOBS_MS 2000u  /* how long the process waits at its end for jobs that nobody waits for … */
#define RL_LIMIT_EXIT_CREWS_MS 250u  /* … and for offloads and pictures */
#define RL_LIMIT_PASSWORD_QUEUE 256u /* 503; password hashes that wait for a core */
#define RL_LIMIT_COMPRESS_QUEUE 256u /* large bodies that wait for a core; others go out as they are */
#define RL_LIMIT_BUCKETS ((size_t)1 << 16)  /* keys of all rate limits; then the least recently used are forgotten */
#define RL_LIMIT_COOKIE 4096u               /* name and value; what every browser keeps */
#define RL_LIMIT_COOKIE_ATTRIBUTE 1024u     /* of a Set-Cookie that comes in (RFC 6265bis section 5.6) */
#define RL_LIMIT_SESSION 65536u             /* bytes of one session in memory or a database */
#define RL_LIMIT_SESSIONS ((size_t)1 << 17) /* in memory, of the process: then the least recently used go */
#define RL_LIMIT_SESSIONS_SIZE ((size_t)64 << 20)
#define RL_LIMIT_CLEANUP_MS 5000u        /* how long __close may wait in a cancelled task */
#define RL_LIMIT_RESTART_YOUNG_MS 500u   /* a worker process that dies sooner after it was ready has died young */
#define RL_LIMIT_RESTART_FIRST_MS 50u    /* the pause after the second one in a row; doubled for each after that … */
#define RL_LIMIT_RESTART_MOST_MS 5000u   /* … up to this */
#define RL_LIMIT_STOP_EXTRA_MS 10000u    /* added to twice the shutdown timeout: then a supervisor kills the worker */
#define RL_LIMIT_STOP_COMPUTING_MS 1000u /* how long a program that serves nothing may compute after a signal to stop */
#define RL_LIMIT_DEV_CPU_MS 5000u        /* 503; how long a task may compute without waiting under rille dev */

/* The HTTP client. */
#define RL_LIMIT_URL 65536u                        /* 400; what is fetched, as a program writes it */
#define RL_LIMIT_RESPONSE_HEAD ((size_t)128 << 10) /* the client's: all header lines of one response */
#define RL_LIMIT_RESPONSE_FIELDS 512u              /* the client's: how many */
#define RL_LIMIT_INTERIMS 64u                      /* the client's: 1xx before a response */
#define RL_LIMIT_CLIENT_UNREAD 65536u              /* how much of a body is read ahead of the program */
#define RL_LIMIT_CLIENT_IDLE 256u       /* connections that one client keeps open while it does not use them */
#define RL_LIMIT_CLIENT_IDLE_MS 15000u  /* and how long; below the 75 s and 60 s that servers allow */
#define RL_LIMIT_CLIENT_DNS_S 10u       /* how long a resolved name is remembered */
#define RL_LIMIT_CLIENT_NAMES 256u      /* and how many are */
#define RL_LIMIT_CLIENT_LOOKUPS 32u     /* names that are looked up at once, each on a thread; the others wait */
#define RL_LIMIT_CLIENT_TRUSTS 16u      /* sets of TLS options that one client remembers */
#define RL_LIMIT_CLIENT_TRUST_MS 60000u /* how often their files are looked at */
#define RL_LIMIT_CLIENT_STAGGER_MS \
  250u /* until the next address of a host is tried beside the last (RFC 8305 section 5) */
#define RL_LIMIT_DECODED_FREE ((uint64_t)8 << 20) /* what a compressed body may become before its ratio counts … */
#define RL_LIMIT_DECODED_RATIO 100u               /* … and how much larger than what arrived it may be then */
#define RL_LIMIT_DECODED_MEMBERS 1024u            /* gzip members in one body */

/* The limits that a server holds, changeable one by one before it starts.
 *
 *   X(type, field, name for programs, default, unit, least, most)     COUNT: bytes or a number; SECONDS: kept as ms */
#define RL_LIMITS_MAP(X)                                                                                   \
  X(size_t, request_line, "request_line", RL_LIMIT_REQUEST_LINE, COUNT, 64, 1 << 20)                       \
  X(size_t, field, "header_line", RL_LIMIT_FIELD, COUNT, 64, 1 << 20)                                      \
  X(size_t, fields_size, "headers_size", RL_LIMIT_FIELDS_SIZE, COUNT, 256, 1 << 24)                        \
  X(size_t, fields, "headers", RL_LIMIT_FIELDS, COUNT, 1, 10000)                                           \
  X(uint32_t, head_ms, "header_timeout", RL_LIMIT_HEAD_MS, SECONDS, 0.001, 86400)                          \
  X(uint32_t, keep_alive_ms, "keep_alive", RL_LIMIT_KEEP_ALIVE_MS, SECONDS, 0.001, 86400)                  \
  X(uint32_t, write_stall_ms, "write_timeout", RL_LIMIT_WRITE_STALL_MS, SECONDS, 0.001, 86400)             \
  X(uint32_t, body_grace_ms, "body_grace", RL_LIMIT_BODY_GRACE_MS, SECONDS, 0.001, 86400)                  \
  X(uint32_t, linger_ms, "linger_timeout", RL_LIMIT_LINGER_MS, SECONDS, 0, 86400)                          \
  X(size_t, linger_size, "linger_size", RL_LIMIT_LINGER_SIZE, COUNT, 0, (double)(1ull << 40))              \
  X(uint32_t, body_rate, "body_rate", RL_LIMIT_BODY_RATE, COUNT, 0, 1 << 30)                               \
  X(uint32_t, requests, "requests_per_connection", RL_LIMIT_REQUESTS, COUNT, 1, UINT32_MAX)                \
  X(uint32_t, connections, "connections", RL_LIMIT_CONNECTIONS, COUNT, 1, 1 << 20)                         \
  X(uint32_t, pipelined, "pipelined", RL_LIMIT_PIPELINED, COUNT, 1, 10000)                                 \
  X(uint32_t, streams, "streams", RL_LIMIT_STREAMS, COUNT, 1, 10000)                                       \
  X(uint32_t, tls_handshakes, "tls_handshakes", RL_LIMIT_TLS_HANDSHAKES, COUNT, 1, 1 << 20)                \
  X(uint32_t, tls_handshake_rate, "tls_handshake_rate", RL_LIMIT_TLS_HANDSHAKE_RATE, COUNT, 1, 1 << 20)    \
  X(uint32_t, tls_handshake_ms, "tls_handshake_timeout", RL_LIMIT_TLS_HANDSHAKE_MS, SECONDS, 0.001, 86400) \
  X(uint32_t, resets, "resets", RL_LIMIT_RESETS, COUNT, 1, 1 << 30)                                        \
  X(uint32_t, control_frames, "control_frames", RL_LIMIT_CONTROL_FRAMES, COUNT, 10, 1 << 30)

typedef struct rl_limits {
  uint64_t body; /* the initial value of a request; apps and routes change it (rl_req.body_limit) */
#define X(type, field, ...) type field;
  RL_LIMITS_MAP(X)
#undef X
} rl_limits;

/* Every default; also for initialisers of static objects. */
extern const rl_limits rl_limits_default;

/* Sets one by its name for programs, in the unit for programs (seconds, not milliseconds). Returns 0; RL_ENOTFOUND if there
 * is no such limit; RL_ERANGE if it is out of range (rl_limits_range). */
int rl_limits_set(rl_limits *limits, const char *name, double value);
/* Finds the smallest and the largest value of a limit. Returns 0 or RL_ENOTFOUND. */
int rl_limits_range(const char *name, double *least, double *most);
/* Returns the name of the limit with that number, from 0; NULL past the last. */
const char *rl_limits_name(unsigned number);

#endif
