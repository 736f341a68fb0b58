/*
 * What can be wrong with a request before any handler sees it, with the answer: one table, so that tests, log and client
 * speak of the same thing. The text is all that the client is told; nothing of its input is echoed.
 *
 *   X(NAME, status, text)
 */
#ifndef RL_HTTP_FAULT_H
#define RL_HTTP_FAULT_H

#define RL_FAULT_MAP(X)                                                                    \
  X(LINE_END, 400, "a line of the head must end with CR LF and hold no other CR or LF")    \
  X(BLANK_LINES, 400, "more than one empty line before the request")                       \
  X(FOLDED, 400, "a header line must not start with a space or tab")                       \
  X(NO_NAME, 400, "a header line must start with a name")                                  \
  X(REQUEST_LINE, 400, "the request line must be: method, space, target, space, HTTP/1.1") \
  X(METHOD, 400, "the method is not a token")                                              \
  X(METHOD_UNKNOWN, 501, "unknown method")                                                 \
  X(VERSION, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here")                            \
  X(TARGET, 400, "the request target is not valid")                                        \
  X(TARGET_LONG, 414, "the request line is too long")                                      \
  X(FIELD_LONG, 431, "a header line is too long")                                          \
  X(FIELDS_LARGE, 431, "the header section is too large")                                  \
  X(FIELDS_MANY, 431, "too many header lines")                                             \
  X(HEADER, 400, "a header line is not valid")                                             \
  X(HOST_MISSING, 400, "HTTP/1.1 needs one Host header")                                   \
  X(HOST, 400, "the Host header is not valid")                                             \
  X(LENGTH, 400, "Content-Length is not valid")                                            \
  X(LENGTH_AND_CODING, 400, "Content-Length and Transfer-Encoding exclude each other")     \
  X(CODING, 400, "Transfer-Encoding is not valid")                                         \
  X(CODING_UNKNOWN, 501, "the only transfer coding here is chunked")                       \
  X(CHUNK, 400, "the chunked body is malformed")                                           \
  X(CHUNK_OVERHEAD, 400, "the chunked body is mostly framing")                             \
  X(TRAILER, 400, "the trailer section is not valid")                                      \
  X(TRAILER_LARGE, 431, "the trailer section is too large")                                \
  X(BODY_LARGE, 413, "the body is larger than allowed")                                    \
  X(EXPECT, 417, "the only expectation met here is 100-continue")                          \
  X(CONNECT, 501, "CONNECT is not supported")                                              \
  X(HTTP2, 400, "HTTP/2 is not spoken on this port")                                       \
  X(HTTP1, 505, "only HTTP/2 is spoken on this port")                                      \
  X(HEAD_SLOW, 408, "the request head took too long")                                      \
  X(BODY_SLOW, 408, "the body arrives too slowly")                                         \
  X(MEMORY, 503, "the server is out of memory")

typedef enum rl_fault {
  RL_FAULT_NONE = 0,
#define X(name, status, text) RL_FAULT_##name,
  RL_FAULT_MAP(X)
#undef X
} rl_fault;

/* "LINE_END"; "NONE" for none. */
const char *rl_fault_name(rl_fault fault);
int rl_fault_status(rl_fault fault);
const char *rl_fault_text(rl_fault fault);

#endif
