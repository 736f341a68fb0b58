/*
 * Frames of HTTP/2 for tests, written and read without a library: tests say the bytes, also those that no library would send.
 *
 *     +-----------------------------------------------+
 *     |                 length (24)                   |
 *     +---------------+---------------+---------------+      RFC 9113 section 4.1
 *     |   type (8)    |   flags (8)   |
 *     +-+-------------+---------------+-------------------------------+
 *     |R|                 stream (31)                                 |
 *     +=+=============================================================+
 */
#ifndef CTESTS_SUPPORT_FRAMES_H
#define CTESTS_SUPPORT_FRAMES_H

#include "base/buf.h"

enum {
  FRAMES_DATA = 0,
  FRAMES_HEADERS = 1,
  FRAMES_PRIORITY = 2,
  FRAMES_RST_STREAM = 3,
  FRAMES_SETTINGS = 4,
  FRAMES_PUSH_PROMISE = 5,
  FRAMES_PING = 6,
  FRAMES_GOAWAY = 7,
  FRAMES_WINDOW_UPDATE = 8,
  FRAMES_CONTINUATION = 9,
  FRAMES_PRIORITY_UPDATE = 16
};

enum {
  FRAMES_END_STREAM = 1, /* of SETTINGS and PING: ACK */
  FRAMES_END_HEADERS = 4,
  FRAMES_PADDED = 8,
  FRAMES_PRIORITY_FLAG = 32
};

typedef struct frame {
  uint8_t type, flags;
  uint32_t stream;
  rl_slice body;
} frame;

void frames_u16(rl_buf *out, uint16_t number);
void frames_u32(rl_buf *out, uint32_t number);
void frames_add(rl_buf *out, uint8_t type, uint8_t flags, uint32_t stream, rl_slice body);
/* Appends a literal field that is not indexed, without Huffman's code (RFC 7541 section 6.2.2). */
void frames_field(rl_buf *out, rl_slice name, rl_slice value);
/* Appends the fields of a GET or another method without a body. */
void frames_request(rl_buf *out, const char *method, const char *path);

/* Cuts the next frame off. Returns false if it is not complete. */
bool frames_next(rl_slice *in, frame *out);
uint32_t frames_number(rl_slice body, size_t at);

/* Return the number of an error code ("CANCEL"), of a setting ("initial_window_size"), or -1. */
int frames_code(rl_slice name);
int frames_setting(rl_slice name);
const char *frames_code_name(uint32_t code);

#endif
