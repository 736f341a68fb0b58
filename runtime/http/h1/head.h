/*
 * The head guard: finds the end of a request head (or of a trailer section) and refuses what llhttp 8.1 lets through.
 *
 *   GET /posts/7 HTTP/1.1 CRLF
 *   Host: example.org CRLF            every LF behind a CR, every CR before an LF, no folded line, no empty name,
 *   Accept: text/html CRLF            one empty line at most in front, lengths and number of lines bounded
 *   CRLF                              <- here it ends: only then does llhttp see a byte
 *
 * Why: llhttp 8.1.0, strict, still takes obs-fold (CVE-2024-27982), bare LF in three places,
 * HTTP/0.9, RTSP and ICE, and empty names, and has no limits. With the whole head in one buffer, checked and then parsed,
 * names and values stay slices of it.
 *
 * Pure and resumable: call again with the same bytes and more behind them; work done is not done twice.
 */
#ifndef RL_HTTP_H1_HEAD_H
#define RL_HTTP_H1_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "http/fault.h"

typedef struct rl_head_scan {
  size_t skip;     /* bytes of an empty line in front */
  size_t line;     /* where the line under way starts */
  size_t searched; /* up to here no line end was found */
  size_t fields_start;
  size_t fields;
  bool trailer; /* a trailer section: no request line */
  bool started; /* the request line was seen */
  bool unusual; /* legal, but llhttp would refuse it: see rl_head_make_usual */
  rl_fault fault;
} rl_head_scan;

void rl_head_scan_init(rl_head_scan *scan, bool trailer);

/* `data` holds all bytes since the start of the head. Returns the length of the complete head with its last CRLF (the
 * first `scan->skip` bytes of it are the empty line), 0 where more is needed, or -1 with scan->fault set. */
long rl_head_scan_run(rl_head_scan *scan, const char *data, size_t len, const rl_limits *limits);

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
