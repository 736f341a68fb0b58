/* Serialising HTTP/1; see write.h. */
#include "http/h1/write.h"

#include "base/date.h"
#include "base/error.h"
#include "http/status.h"

static char *put(char *at, const char *bytes, size_t len) {
  memcpy(at, bytes, len);
  return at + len;
}

#define PUT_LITERAL(at, text) put(at, "" text, sizeof(text) - 1)

static char *put_u64(char *at, uint64_t number) {
  char digits[20], *from = digits + sizeof digits;
  do *--from = (char)('0' + number % 10);
  while (number /= 10);
  return put(at, from, (size_t)(digits + sizeof digits - from));
}

static char *put_status_line(char *at, int status) {
  if (status == 200) return PUT_LITERAL(at, "HTTP/1.1 200 OK\r\n");
  const char *text = rl_status_text(status);
  at = PUT_LITERAL(at, "HTTP/1.1 ");
  at = put_u64(at, (uint64_t)status);
  *at++ = ' ';
  at = put(at, text, strlen(text));
  return PUT_LITERAL(at, "\r\n");
}

static char *put_field(char *at, rl_slice name, rl_slice value) {
  at = put(at, name.data, name.len);
  at = PUT_LITERAL(at, ": ");
  if (value.len) at = put(at, value.data, value.len);
  return PUT_LITERAL(at, "\r\n");
}

/* An upper bound of the head's size: one reservation, then plain copies. */
static size_t head_room(const rl_resp *resp) {
  size_t room = 256 + resp->content_type.len;
  for (size_t i = 0; i < resp->header_count; i++) room += resp->headers[i].name.len + resp->headers[i].value.len + 4;
  return room;
}

int rl_h1_write_head(rl_buf *out, const rl_resp *resp, const rl_h1_framing *framing, const char *date, bool close,
                     bool keep_alive) {
  int code = rl_buf_reserve(out, head_room(resp));
  if (code) return code;
  char *at = put_status_line(out->data + out->len, resp->status);
  if (resp->content_type.len) at = put_field(at, RL_SLICE("Content-Type"), resp->content_type);
  bool dated = false;
  for (size_t i = 0; i < resp->header_count; i++) {
    if (resp->headers[i].id == RL_HEADER_DATE) dated = true;
    at = put_field(at, resp->headers[i].name, resp->headers[i].value);
  }
  if (!dated) at = put_field(at, RL_SLICE("Date"), rl_slice_of(date, RL_DATE_LEN));
  if (framing->has_length) {
    at = PUT_LITERAL(at, "Content-Length: ");
    at = put_u64(at, framing->length);
    at = PUT_LITERAL(at, "\r\n");
  }
  if (framing->chunked) at = PUT_LITERAL(at, "Transfer-Encoding: chunked\r\n");
  if (close) at = PUT_LITERAL(at, "Connection: close\r\n");
  else if (keep_alive) at = PUT_LITERAL(at, "Connection: keep-alive\r\n");
  at = PUT_LITERAL(at, "\r\n");
  out->len = (size_t)(at - out->data);
  return RL_OK;
}

int rl_h1_write_informational(rl_buf *out, int status, const rl_header *headers, size_t count) {
  size_t mark = out->len;
  rl_resp resp = {.status = status, .headers = headers, .header_count = count};
  if (rl_buf_reserve(out, head_room(&resp))) {
    out->error = 0;
    return RL_ENOMEM;
  }
  char *at = put_status_line(out->data + mark, status);
  for (size_t i = 0; i < count; i++) at = put_field(at, headers[i].name, headers[i].value);
  at = PUT_LITERAL(at, "\r\n");
  out->len = (size_t)(at - out->data);
  return RL_OK;
}

int rl_h1_write_chunk(rl_buf *out, rl_slice piece) {
  if (!piece.len) return RL_OK;
  int code = rl_buf_reserve(out, piece.len + 20);
  if (code) return code;
  static const char hex[] = "0123456789abcdef";
  char digits[16], *from = digits + sizeof digits;
  for (size_t size = piece.len; size; size >>= 4) *--from = hex[size & 15];
  char *at = put(out->data + out->len, from, (size_t)(digits + sizeof digits - from));
  at = PUT_LITERAL(at, "\r\n");
  at = put(at, piece.data, piece.len);
  at = PUT_LITERAL(at, "\r\n");
  out->len = (size_t)(at - out->data);
  return RL_OK;
}

int rl_h1_write_last_chunk(rl_buf *out, const rl_header *trailers, size_t count) {
  rl_buf_add_str(out, "0\r\n");
  for (size_t i = 0; i < count; i++) {
    rl_buf_add_slice(out, trailers[i].name);
    rl_buf_add_str(out, ": ");
    rl_buf_add_slice(out, trailers[i].value);
    rl_buf_add_str(out, "\r\n");
  }
  rl_buf_add_str(out, "\r\n");
  return out->error;
}
