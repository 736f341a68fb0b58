/* Heads for nghttp2; see write.h. */
#include "http/h2/write.h"

#include "base/alloc.h"
#include "base/date.h"
#include "base/error.h"

enum { ON_STACK = 40, STATUS_DIGITS = 3, LENGTH_DIGITS = 20 };

int rl_h2_code_of(int code) {
  if (code >= 0) return RL_OK;
  return code == NGHTTP2_ERR_NOMEM ? RL_ENOMEM : RL_ERESET;
}

/* nghttp2 folds names to lower case where it copies them. */
static bool is_lower(rl_slice name) {
  for (size_t i = 0; i < name.len; i++)
    if (name.data[i] >= 'A' && name.data[i] <= 'Z') return false;
  return true;
}

static nghttp2_nv pair(rl_slice name, rl_slice value, uint8_t flags) {
  if (!value.data) value = RL_SLICE("");
  return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.data,
                      .value = (uint8_t *)(uintptr_t)value.data,
                      .namelen = name.len,
                      .valuelen = value.len,
                      .flags = flags};
}

/* Blanks around a value mean nothing in HTTP/1, and make a message of HTTP/2 malformed (RFC 9113 section 8.2.1). */
static size_t add_fields(nghttp2_nv *nv, const rl_header *headers, size_t count, uint8_t flags) {
  for (size_t i = 0; i < count; i++) {
    uint8_t name_flag = is_lower(headers[i].name) ? flags : flags & (uint8_t)~NGHTTP2_NV_FLAG_NO_COPY_NAME;
    nv[i] = pair(headers[i].name, rl_slice_trim(headers[i].value), name_flag);
  }
  return count;
}

/* Room for so many, on the caller's stack if they fit. */
static nghttp2_nv *room_for(size_t count, nghttp2_nv *stack) {
  return count <= ON_STACK ? stack : rl_alloc(count * sizeof *stack);
}

static void give_back(nghttp2_nv *nv, nghttp2_nv *stack) {
  if (nv != stack) rl_free(nv);
}

static rl_slice status_text(int status, char *room) {
  room[0] = (char)('0' + status / 100);
  room[1] = (char)('0' + status / 10 % 10);
  room[2] = (char)('0' + status % 10);
  return rl_slice_of(room, STATUS_DIGITS);
}

static rl_slice number_text(uint64_t number, char *room) {
  char *end = room + LENGTH_DIGITS, *at = end;
  do *--at = (char)('0' + number % 10);
  while (number /= 10);
  return rl_slice_of(at, (size_t)(end - at));
}

int rl_h2_write_head(nghttp2_session *session, int32_t stream, const rl_resp *resp, const rl_framing *framing,
                     const char *date, const nghttp2_data_provider *body, rl_h2_digits *digits, bool lasts) {
  nghttp2_nv stack[ON_STACK], *nv = room_for(resp->header_count + 4, stack);
  if (!nv) return RL_ENOMEM;
  const uint8_t named = NGHTTP2_NV_FLAG_NO_COPY_NAME; /* a literal of ours */
  const uint8_t flags = lasts ? NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE : NGHTTP2_NV_FLAG_NONE;
  size_t count = 0;
  nv[count++] = pair(RL_SLICE(":status"), status_text(resp->status, digits->status), named | flags);
  if (resp->content_type.len)
    nv[count++] = pair(RL_SLICE("content-type"), rl_slice_trim(resp->content_type), named | flags);
  count += add_fields(nv + count, resp->headers, resp->header_count, flags);
  if (!rl_header_find(resp->headers, resp->header_count, RL_HEADER_DATE))
    nv[count++] = pair(RL_SLICE("date"), rl_slice_of(date, RL_DATE_LEN), named | flags);
  if (framing->has_length)
    nv[count++] = pair(RL_SLICE("content-length"), number_text(framing->length, digits->length), named | flags);
  int code = nghttp2_submit_response(session, stream, nv, count, body);
  give_back(nv, stack);
  return rl_h2_code_of(code);
}

int rl_h2_write_trailers(nghttp2_session *session, int32_t stream, const rl_header *trailers, size_t count) {
  nghttp2_nv stack[ON_STACK] = {{0}}, *nv = room_for(count, stack);
  if (!nv) return RL_ENOMEM;
  add_fields(nv, trailers, count, NGHTTP2_NV_FLAG_NONE);
  int code = nghttp2_submit_trailer(session, stream, nv, count);
  give_back(nv, stack);
  return rl_h2_code_of(code);
}

int rl_h2_write_informational(nghttp2_session *session, int32_t stream, int status, const rl_header *headers,
                              size_t count) {
  char text[STATUS_DIGITS];
  nghttp2_nv stack[ON_STACK], *nv = room_for(count + 1, stack);
  if (!nv) return RL_ENOMEM;
  nv[0] = pair(RL_SLICE(":status"), status_text(status, text), NGHTTP2_NV_FLAG_NO_COPY_NAME);
  add_fields(nv + 1, headers, count, NGHTTP2_NV_FLAG_NONE);
  int code = nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, stream, NULL, nv, count + 1, NULL);
  give_back(nv, stack);
  return rl_h2_code_of(code);
}
