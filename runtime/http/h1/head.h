/*
 * The head scanner: finds the lines of a head, or of a trailer section, up to its empty line. Requests and responses share it.
 *
 *   GET /posts/7 HTTP/1.1 CRLF
 *   Host: example.org CRLF            of requests and trailers: every LF after a CR, every CR before an LF, no folded line,
 *   Accept: text/html CRLF            no empty name; one empty line at most in front; lengths and number of lines bounded
 *   CRLF                              <- here it ends: only then does llhttp see a byte
 *
 * Of requests it refuses what llhttp 8.1.0 lets through in strict mode: obs-fold (CVE-2024-27982), bare LF in three places,
 * HTTP/0.9, RTSP and ICE, and empty names; llhttp has no limits either. With the whole head in one buffer, checked and then
 * parsed, names and values stay slices of it.
 *
 * A response is read with less suspicion, because servers exist that write such lines: a bare LF ends a line (RFC 9112
 * section 2.2), and folded lines are passed on (section 5.2: a user agent joins them). Nothing may stand in front of it.
 *
 * Pure and resumable: call again with the same bytes and more after them; no byte is searched twice.
 */
#ifndef RL_HTTP_H1_HEAD_H
#define RL_HTTP_H1_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "base/slice.h"
#include "http/fault.h"

typedef enum rl_head_kind { RL_HEAD_OF_REQUEST, RL_HEAD_OF_RESPONSE, RL_HEAD_OF_TRAILERS } rl_head_kind;

typedef struct rl_head_scan {
  size_t skip;     /* bytes of an empty line in front */
  size_t line;     /* where the line under way starts */
  size_t searched; /* up to here no line end was found */
  size_t fields_start;
  size_t fields;
  uint8_t kind;
  bool started; /* the start line was seen, or there is none */
  bool unusual; /* legal, but llhttp would refuse it: see rl_head_make_usual */
  rl_fault fault;
} rl_head_scan;

void rl_head_scan_init(rl_head_scan *scan, rl_head_kind kind);

/* Finds all lines of a request's head, or of trailers, strictly. `data` holds all bytes since its start. Returns the length of
 * the complete head with its last CRLF (the first `scan->skip` bytes of it are the empty line), 0 if more bytes are needed, or
 * -1 with scan->fault set. */
long rl_head_scan_run(rl_head_scan *scan, const char *data, size_t len, const rl_limits *limits);

/* Finds the next line of a response's head. `data` as above. Returns 1: `line` is complete, without its end; an empty one
 * ends the head, which is scan->line bytes long; 0: more bytes are needed; -1: scan->fault is set. */
int rl_head_scan_line(rl_head_scan *scan, const char *data, size_t len, const rl_limits *limits, rl_slice *line);

/* Cuts a field line: the name is a token, the value has no control characters and no blanks around it (RFC 9110 section 5).
 * Returns false if it is not one. */
bool rl_field_cut(rl_slice line, rl_slice *name, rl_slice *value);

/* The request line without its CRLF: exactly `token SP target SP HTTP/1.x`. Version and protocol are compared on the bytes
 * themselves: llhttp shows RTSP/1.1 as 1.1. */
rl_fault rl_request_line_check(const char *line, size_t len);

/* Rewrites a complete head in place, where scan->unusual says so, to the form that llhttp takes; its length stays:
 *
 *   HTTP/1.2 … 1.9                        ->  HTTP/1.1, which is what we speak of it (RFC 9110 section 2.5)
 *   tabs around a Content-Length          ->  spaces (OWS, RFC 9110 section 5.6.3)
 *   "Transfer-Encoding: ,chunked,<TAB>"   ->  "Transfer-Encoding: chunked   ": empty elements are none (section 5.6.1.2)
 *
 * Anything else in these fields stays as it is, to be refused: what one reader takes for `chunked` and another does not
 * smuggles requests. */
void rl_head_make_usual(char *head, size_t len);

#endif
