/* Header fields, in and out. The input is a request's method, target and fields, a line each; the same fields are then
 * answered with: what may leave can be read back, field by field. */
#include "http/header.h"

#include "base/error.h"
#include "fuzz/fuzz.h"
#include "http/h1/write.h"
#include "support/answers.h"

enum { FIELDS = 32 };

static size_t cut_fields(rl_slice rest, rl_header *fields) {
  rl_slice line;
  size_t count = 0;
  while (count < FIELDS && fuzz_line(&rest, &line)) {
    size_t colon = rl_slice_find(line, ':', 0), skip = colon < line.len ? colon + 1 : colon;
    rl_header *h = &fields[count++];
    h->name = rl_slice_of(line.data, colon);
    h->value = rl_slice_trim(rl_slice_of(line.data + skip, line.len - skip));
    h->id = (uint8_t)rl_header_id_of(h->name);
    HOLDS(!h->id || rl_slice_eq_nocase(h->name, rl_header_name((rl_header_id)h->id)));
    rl_header_has_token(h->value, RL_SLICE("close"));
  }
  return count;
}

static void try_request(rl_slice method, rl_slice target, const rl_header *fields, size_t count) {
  rl_chunk_pool chunks;
  rl_chunk_pool_init(&chunks, 4);
  rl_req *req = rl_req_new(&chunks);
  req->method_name = method;
  req->method = rl_method_of(method);
  req->target = target;
  rl_h1_message message = {0};
  req->version = target.len & 1 ? RL_HTTP_1_1 : RL_HTTP_1_0;
  req->headers = fields;
  req->header_count = count;
  if (!rl_h1_check_framing(req, &message) && !rl_req_check(req)) {
    HOLDS(req->path.len && (req->path.data[0] == '/' || rl_slice_eq(req->path, RL_SLICE("*"))));
    HOLDS(req->path.len < 2 || req->path.data[1] != '/');
    HOLDS(!req->host.len || rl_authority_is_valid(req->host));
    HOLDS(!message.chunked || (req->version == RL_HTTP_1_1 && !req->has_length));
  }
  rl_req_free(req);
  rl_chunk_pool_free(&chunks);
}

static void read_back(rl_slice head, const rl_resp *resp) {
  seen_answer answer;
  rl_slice rest = head;
  HOLDS(seen_answer_next(&rest, false, &answer) == NULL && rest.len == 0 && answer.status == resp->status);
  for (size_t i = 0; i < resp->header_count; i++) {
    char name[256];
    snprintf(name, sizeof name, "%.*s", RL_FMT(resp->headers[i].name));
    if (resp->headers[i].name.len < sizeof name) HOLDS(seen_answer_field(&answer, name, NULL) >= 1);
  }
  rl_buf_free(&answer.body);
}

static void try_response(rl_slice type, const rl_header *fields, size_t count) {
  rl_resp resp = {.status = 200, .content_type = type, .headers = fields, .header_count = count};
  rl_h1_framing framing = {.has_length = true};
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  if (rl_resp_check(&resp) == 0) {
    HOLDS(rl_h1_write_head(&out, &resp, &framing, "Sun, 06 Nov 1994 08:49:37 GMT", true, false) == 0);
    read_back(rl_buf_slice(&out), &resp);
  }
  rl_buf_clear(&out);
  if (rl_trailers_check(fields, count) == 0) HOLDS(rl_h1_write_last_chunk(&out, fields, count) == 0);
  rl_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_slice rest = fuzz_slice(data, size), method, target;
  rl_header fields[FIELDS];
  if (!fuzz_line(&rest, &method) || !fuzz_line(&rest, &target)) return 0;
  size_t count = cut_fields(rest, fields);
  try_request(method, target, fields, count);
  try_response(target, fields, count);
  return 0;
}
