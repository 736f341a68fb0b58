/*
 * A multipart body, whole and split: the events must be the same, and what is kept must stay within its limits. The first
 * byte chooses how it is split.
 */
#include <stdlib.h>

#include "base/error.h"
#include "http/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void log_part(rl_buf *log, rl_multipart *m) {
  rl_part part;
  rl_buf name;
  rl_buf_init(&name, RL_BUF_NO_LIMIT);
  int code = rl_multipart_describe(m, &part);
  rl_buf_addf(log, "P%d", code);
  if (!code) {
    rl_filename_make_safe(part.filename, &name);
    if (!name.len || name.len > 255 || name.data[0] == '.' || memchr(name.data, '/', name.len)) abort();
    rl_buf_add_slice(log, part.name);
    rl_buf_add_slice(log, rl_buf_slice(&name));
  }
  rl_buf_free(&name);
}

static void run(rl_buf *log, rl_slice body, size_t piece) {
  rl_multipart m;
  int event = rl_multipart_init(&m, RL_SLICE("multipart/form-data; boundary=b"), 8);
  for (size_t at = 0; event >= 0 && at < body.len; at += piece) {
    rl_slice in = rl_slice_of(body.data + at, body.len - at < piece ? body.len - at : piece);
    while (in.len && event >= 0) {
      event = rl_multipart_next(&m, &in);
      if (event == RL_MULTIPART_PART) log_part(log, &m);
      if (event == RL_MULTIPART_DATA) rl_buf_add_slice(log, m.data);
      if (event == RL_MULTIPART_PART_END) rl_buf_add_str(log, "\xff!");
      if (event == RL_MULTIPART_END) rl_buf_add_str(log, "\xff.");
    }
  }
  if (event >= 0) event = rl_multipart_finish(&m);
  rl_buf_addf(log, "%d", event);
  if (m.head.cap > RL_LIMIT_PART_HEADERS || m.field_count > RL_LIMIT_PART_FIELDS) abort();
  rl_multipart_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size) return 0;
  rl_slice body = rl_slice_of((const char *)data + 1, size - 1);
  rl_buf whole, split;
  rl_buf_init(&whole, RL_BUF_NO_LIMIT);
  rl_buf_init(&split, RL_BUF_NO_LIMIT);
  run(&whole, body, size);
  run(&split, body, 1 + data[0] % 32);
  if (!rl_slice_eq(rl_buf_slice(&whole), rl_buf_slice(&split))) abort();
  rl_buf_free(&whole);
  rl_buf_free(&split);
  return 0;
}
