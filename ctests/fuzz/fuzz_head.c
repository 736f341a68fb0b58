/* The head guard: its verdict does not depend on the cuts, and what it lets through keeps the rules as a plain second
 * reading finds them. */
#include "http/h1/head.h"

#include "fuzz/fuzz.h"

static const rl_limits limits = {.request_line = 60, .field = 40, .fields_size = 120, .fields = 6};

/* Byte by byte: the length of the head, or -1; *fault where there is one. */
static long scan_bytewise(rl_slice s, bool trailer, rl_fault *fault) {
  rl_head_scan scan;
  rl_head_scan_init(&scan, trailer ? RL_HEAD_OF_TRAILERS : RL_HEAD_OF_REQUEST);
  long end = 0;
  for (size_t len = 1; len <= s.len && end == 0; len++) {
    char *copy = malloc(len); /* it may move each time */
    memcpy(copy, s.data, len);
    end = rl_head_scan_run(&scan, copy, len, &limits);
    free(copy);
  }
  *fault = scan.fault;
  return end;
}

static void check_lines(rl_slice head, bool trailer) {
  size_t fields = 0;
  rl_slice rest = head, line;
  while (fuzz_line(&rest, &line)) {
    HOLDS(line.len && line.data[line.len - 1] == '\r' && rl_slice_find(line, '\r', 0) == line.len - 1);
    if (line.len == 1) break;
    bool request_line = !trailer && line.data == head.data;
    HOLDS(line.len - 1 <= (request_line ? limits.request_line : limits.field));
    if (request_line) continue;
    fields++;
    HOLDS(line.data[0] != ' ' && line.data[0] != '\t' && line.data[0] != ':');
  }
  HOLDS(rest.len == 0 && fields <= limits.fields);
}

static void try_section(rl_slice s, bool trailer) {
  rl_head_scan scan;
  rl_fault fault;
  rl_head_scan_init(&scan, trailer ? RL_HEAD_OF_TRAILERS : RL_HEAD_OF_REQUEST);
  long end = rl_head_scan_run(&scan, s.data, s.len, &limits);
  HOLDS(end == scan_bytewise(s, trailer, &fault) && fault == scan.fault);
  HOLDS(end <= (long)s.len && (end < 0) == (scan.fault != RL_FAULT_NONE));
  if (end > 0) check_lines(rl_slice_of(s.data + scan.skip, (size_t)end - scan.skip), trailer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size) return 0;
  try_section(fuzz_slice(data, size), false);
  try_section(fuzz_slice(data, size), true);
  rl_request_line_check((const char *)data, size);
  return 0;
}
