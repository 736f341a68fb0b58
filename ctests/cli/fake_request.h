/*
 * A request that came from nowhere, for what looks at heads only. Its texts are borrowed.
 */
#ifndef CTESTS_CLI_FAKE_REQUEST_H
#define CTESTS_CLI_FAKE_REQUEST_H

#include "http/request.h"

enum { FAKE_HEADERS = 8 };

typedef struct fake_request {
  rl_req req;
  rl_header headers[FAKE_HEADERS];
} fake_request;

/* One from a browser on this machine: its Host header is its host. */
static inline void fake_request_init(fake_request *f, const char *path, const char *host) {
  *f = (fake_request){.req = {.path = rl_slice_str(path), .host = rl_slice_str(host), .remote = RL_SLICE("127.0.0.1")}};
  f->req.headers = f->headers;
  f->headers[f->req.header_count++] =
      (rl_header){.name = RL_SLICE("Host"), .value = rl_slice_str(host), .id = RL_HEADER_HOST};
}

static inline void fake_request_add(fake_request *f, const char *name, const char *value) {
  rl_slice as_slice = rl_slice_str(name);
  f->headers[f->req.header_count++] =
      (rl_header){.name = as_slice, .value = rl_slice_str(value), .id = (uint8_t)rl_header_id_of(as_slice)};
}

#endif
