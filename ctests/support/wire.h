/*
 * Wire tests in Markdown, like those of llhttp. A heading is the name of a test, prose says why, one fenced block holds the
 * request, and another the answer that must come back.
 *
 *     ## A length and a coding exclude each other
 *     RFC 9112 section 6.1; CVE-2023-47641.
 *
 *     ```request
 *     POST /echo HTTP/1.1
 *     Host: a
 *     …
 *     ```
 *     ```response
 *     400
 *     connection: close
 *     closed
 *     ```
 *
 * Several request blocks before one response block are as many tests with the same answer.
 *
 * A line `Wire only: REASON` says that a case concerns the wire itself (framing, time, the end of a connection), so that an
 * exchange in process need not answer the same. Before the first heading it applies to all cases of the file.
 *
 * Request: every line ends with CR LF on the wire, unless it ends with a backslash. \r \n \t \0 \\ \xHH are bytes;
 * [text x 20] is text, twenty times (they nest). A line of its own may say what else happens at this point:
 *     [pause MS]   virtual time passes             [eof]  [reset]        the client's FIN, RST
 *     [stall]      the client reads no more        [take N]              it reads N bytes more ([take all])
 *     [stop]       the server is told to stop      [sees TEXT]           by now this was sent back
 *                                                  [unseen TEXT]         by now this was not
 *     [writes N]   a write takes N bytes at most   [limit NAME N]        a limit of this connection
 *
 * Response: for each answer its status ([200 x 20]: twenty of them), then lines `name: value` (a field with that value),
 * `no name` (no such field), `no body`, `> text` (the body, escapes as above; several lines are joined), `cut off` (the body
 * is not complete). The last line says how it ends: `open`, `closed` (a FIN), `reset`, or `waiting` (open in the middle of a
 * message). A line `events: …` says what the handlers have noted (site.h).
 */
#ifndef CTESTS_SUPPORT_WIRE_H
#define CTESTS_SUPPORT_WIRE_H

#include "base/buf.h"
#include "base/limits.h"

typedef enum wire_what {
  WIRE_BYTES,
  WIRE_PAUSE,
  WIRE_EOF,
  WIRE_RESET,
  WIRE_STALL,
  WIRE_TAKE,
  WIRE_STOP,
  WIRE_SEES,
  WIRE_UNSEEN,
  WIRE_WRITES,
  WIRE_LIMIT
} wire_what;

typedef struct wire_step {
  wire_what what;
  rl_buf bytes; /* BYTES, SEES, UNSEEN, and the name of a LIMIT */
  uint64_t number;
} wire_step;

enum { WIRE_STEPS = 64, WIRE_ANSWERS = 128, WIRE_FIELDS = 8 };

typedef struct wire_answer {
  int status;
  struct {
    char *name, *value; /* value NULL: no such field */
  } fields[WIRE_FIELDS];
  size_t field_count;
  bool no_body, has_body, cut_off;
  rl_buf body;
} wire_answer;

typedef enum wire_ending { WIRE_OPEN, WIRE_CLOSED, WIRE_BROKEN, WIRE_WAITING } wire_ending;

typedef struct wire_case {
  char *name; /* "framing.md:12 A length and …" */
  wire_step steps[WIRE_STEPS];
  size_t step_count;
  wire_answer *answers; /* shared by the requests before one response block */
  size_t answer_count;
  wire_ending ending;
  bool wire_only;
  char *events; /* NULL: not compared */
  struct wire_case *next;
} wire_case;

/* Reads all cases of a file, in order. Ends the process with a message if the file is malformed. Free them with wire_free. */
wire_case *wire_read(const char *path, const char *name);
/* Reads all cases of all files of a folder. */
wire_case *wire_read_folder(const char *folder);
void wire_free(wire_case *first);
/* Calls `take` for each Markdown file of a folder, by name. */
void wire_each_page(const char *folder, void (*take)(void *ud, const char *path, const char *name), void *ud);
/* Reads a line such as "[pause 100]". Returns false if it is none. */
bool wire_read_directive(rl_slice line, wire_step *step);

/* Applies a WIRE_LIMIT. Ends the process if there is no such limit. */
void wire_set_limit(rl_limits *limits, const wire_step *step);

/* Appends a text with escapes and repeats as bytes. */
void wire_decode(rl_buf *out, rl_slice text);

#endif
