/*
 * Wire tests of HTTP/2 in Markdown, like those of HTTP/1 (wire.h): a heading is the name of a test, prose says why, one block holds
 * the frames that a client sends, and another what must come back.
 *
 *     ## A DATA frame on stream 0
 *     RFC 9113 section 6.1.
 *
 *     ```frames
 *     preface
 *     DATA 0 end_stream "test"
 *     ```
 *     ```answer
 *     goaway PROTOCOL_ERROR
 *     closed
 *     ```
 *
 * Several blocks of frames before one answer are as many tests with the same answer.
 *
 * Frames, one a line; FLAGS are any of end_stream, end_headers, ack:
 *     preface                             the client's preface and an empty SETTINGS
 *     SETTINGS FLAGS name=value …         names as in RFC 9113 section 6.5.2, in lower case, or a number
 *     HEADERS N FLAGS [pad K] [priority DEPENDS WEIGHT] [cut A B …]
 *     CONTINUATION N FLAGS                each followed by lines that begin with two spaces: its block of fields
 *       get /path | post /path            :method, :scheme http, :path, and :authority a
 *       name: value                       a literal that is not indexed, without Huffman's code
 *       hex 82 84                         bytes of the block as they are
 *                                         `cut` spreads the block over CONTINUATION frames, at these offsets
 *     DATA N FLAGS [pad K] "text"         text as in wire.h, with its escapes and repeats
 *     RST_STREAM N CODE       WINDOW_UPDATE N BY       PRIORITY N DEPENDS WEIGHT       GOAWAY LAST CODE "text"
 *     PING FLAGS "8 bytes"    PRIORITY_UPDATE N "u=1"  PUSH_PROMISE N PROMISED
 *     FRAME TYPE FLAGS N hex 00 11        any frame, numbers in decimal or 0x…; `length K` says another length than it has
 *     bytes "text" | bytes hex 00 11      bytes outside of any frame
 *     K x LINE                            the line and its block K times; N+2 in it grows by 2 each time
 * And as in wire.h: [pause MS] [eof] [reset] [stall] [take N] [stop] [limit NAME N].
 *
 * The answer, in any order:
 *     settings NAME=VALUE                 the first frame says so
 *     settings ack                        each SETTINGS of the client was acknowledged
 *     ping "8 bytes"                      such a PING with ACK
 *     response N STATUS                   its head, and the lines after it that begin with two spaces:
 *       name: value | no name | > text | trailer name: value | incomplete | hint name: value
 *     data N K                            the first DATA frame of that stream has K bytes
 *     reset N CODE[|CODE]                 RST_STREAM
 *     nothing N                           no frame on that stream
 *     goaway CODE[|CODE] [last N]         the last frame
 *     open | closed | reset               how the connection ends
 *     events: …                           what the handlers have noted (site.h)
 * What is not named must not come: another reset, goaway, response.
 */
#ifndef CTESTS_SUPPORT_WIRE2_H
#define CTESTS_SUPPORT_WIRE2_H

#include "support/wire.h"

enum { WIRE2_STEPS = 64, WIRE2_WANTS = 256, WIRE2_FIELDS = 12 };

typedef enum wire2_want_kind {
  WIRE2_SETTINGS,
  WIRE2_SETTINGS_ACK,
  WIRE2_PING,
  WIRE2_RESPONSE,
  WIRE2_DATA,
  WIRE2_RESET,
  WIRE2_NOTHING,
  WIRE2_GOAWAY
} wire2_want_kind;

typedef enum wire2_field_kind { WIRE2_HAS, WIRE2_LACKS, WIRE2_TRAILER, WIRE2_HINT } wire2_field_kind;

typedef struct wire2_want {
  wire2_want_kind kind;
  uint32_t stream; /* and of a GOAWAY the last one, UINT32_MAX: any */
  uint32_t number; /* a status, a size, a setting's value */
  uint32_t codes;  /* bits, by error code */
  uint16_t setting;
  struct {
    wire2_field_kind kind;
    char *name, *value;
  } fields[WIRE2_FIELDS];
  size_t field_count;
  bool has_body, incomplete;
  rl_buf text; /* a body, eight bytes of a PING */
} wire2_want;

typedef struct wire2_case {
  char *name;
  wire_step steps[WIRE2_STEPS]; /* those of wire.h, but for SEES and UNSEEN */
  size_t step_count;
  wire2_want *wants; /* shared */
  size_t want_count;
  wire_ending ending;
  char *events;
  struct wire2_case *next;
} wire2_case;

/* Reads all cases of all files of a folder. Ends the process with a message if one is malformed. Free them with wire2_free. */
wire2_case *wire2_read_folder(const char *folder);
void wire2_free(wire2_case *first);

#endif
