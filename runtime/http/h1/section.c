/* Gathering heads and trailers; see section.h. */
#include "http/h1/section.h"

void rl_section_init(rl_section *s, size_t most) {
  rl_buf_init(&s->gathered, most);
  s->before = 0;
  rl_head_scan_init(&s->scan, RL_HEAD_OF_REQUEST);
}

void rl_section_free(rl_section *s) { rl_buf_free(&s->gathered); }

void rl_section_reset(rl_section *s, rl_head_kind kind) {
  if (s->gathered.data) rl_buf_free(&s->gathered);
  rl_head_scan_init(&s->scan, kind);
}

static inline int open_section(rl_section *s, rl_slice in, rl_slice *all) {
  s->before = s->gathered.len;
  *all = in;
  if (!s->before) return 0;
  if (rl_buf_add_slice(&s->gathered, in)) return s->gathered.error;
  *all = rl_buf_slice(&s->gathered);
  return 0;
}

int rl_section_open(rl_section *s, rl_slice in, rl_slice *all) { return open_section(s, in, all); }

int rl_section_wait(rl_section *s, rl_slice *in) {
  if (!s->before && rl_buf_add_slice(&s->gathered, *in)) return s->gathered.error;
  rl_slice_skip(in, in->len);
  return 0;
}

static inline void close_section(const rl_section *s, rl_slice *in, size_t end) { rl_slice_skip(in, end - s->before); }

void rl_section_close(rl_section *s, rl_slice *in, size_t end) { close_section(s, in, end); }

static int fail(rl_fault *fault, rl_fault code) {
  *fault = code;
  return -1;
}

int rl_section_next(rl_section *s, rl_slice *in, const rl_limits *limits, rl_slice *out, rl_fault *fault) {
  rl_slice all;
  if (open_section(s, *in, &all)) return fail(fault, RL_FAULT_MEMORY);
  long end = rl_head_scan_run(&s->scan, all.data, all.len, limits);
  if (end < 0) return fail(fault, s->scan.fault);
  if (end == 0) return rl_section_wait(s, in) ? fail(fault, RL_FAULT_MEMORY) : 0;
  close_section(s, in, (size_t)end);
  *out = rl_slice_of(all.data + s->scan.skip, (size_t)end - s->scan.skip);
  return 1;
}
