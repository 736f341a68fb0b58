/* Answering with a file; see file_send.h. */
#include "server/file_send.h"

#include <stdio.h>
#include <unistd.h>

#include "base/date.h"
#include "base/error.h"
#include "http/conditional.h"
#include "http/status.h"

enum { OWN_HEADERS = 5, PART_HEAD = 256 };

static void restore(rl_file_send *s) {
  s->req->events = s->events_before;
  s->req->user = s->user_before;
}

static void finish(rl_file_send *s, int code) {
  restore(s);
  rl_file_close(&s->file);
  s->on_done(s, code);
}

/* Aborted first: the connection must not read from a descriptor that is somebody else's by then. */
void rl_file_send_cancel(rl_file_send *s) {
  s->req->ops->abort(s->req);
  restore(s);
  rl_file_close(&s->file);
}

static void on_gone(rl_req *req, int code) { finish(req->user, code ? code : RL_ERESET); }

/* ---- the parts of a multipart/byteranges body ---------------------------------------------------------------------------- */

static size_t part_head(const rl_file_send *s, int i, char out[PART_HEAD]) {
  const rl_range *r = &s->ranges.items[i];
  int n = snprintf(out, PART_HEAD, "%s--%s\r\nContent-Type: %.*s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
                   i ? "\r\n" : "", s->boundary, (int)(s->content_type.len < 100 ? s->content_type.len : 100),
                   s->content_type.data, (unsigned long long)r->start, (unsigned long long)r->end - 1,
                   (unsigned long long)s->file.size);
  return n < 0 ? 0 : (size_t)n;
}

static size_t last_boundary(const rl_file_send *s, char out[PART_HEAD]) {
  int n = snprintf(out, PART_HEAD, "\r\n--%s--\r\n", s->boundary);
  return n < 0 ? 0 : (size_t)n;
}

static uint64_t body_length(const rl_file_send *s) {
  char room[PART_HEAD];
  uint64_t length = s->multipart ? last_boundary(s, room) : 0;
  for (int i = 0; i < s->ranges.count; i++) {
    length += s->ranges.items[i].end - s->ranges.items[i].start;
    if (s->multipart) length += part_head(s, i, room);
  }
  return length;
}

/* ---- sending ---------------------------------------------------------------------------------------------------------------- */

static void send_more(rl_file_send *s);
static void on_drain(rl_req *req) { send_more(req->user); }

static const rl_req_events events = {.on_drain = on_drain, .on_gone = on_gone};

/* One range: from memory, or from its descriptor. */
static int send_range(rl_file_send *s, const rl_range *r) {
  const rl_req_ops *ops = s->req->ops;
  if (s->file.fd < 0)
    return ops->write(s->req, rl_slice_of(s->file.bytes.data + r->start, (size_t)(r->end - r->start)));
  return ops->send_file(s->req, s->file.fd, r->start, r->end - r->start);
}

static int write_text(rl_file_send *s, const char *text, size_t len) {
  int code = s->req->ops->write(s->req, rl_slice_of(text, len));
  return code == RL_EAGAIN ? RL_OK : code; /* small: what follows waits */
}

static void send_more(rl_file_send *s) {
  char room[PART_HEAD];
  int code = RL_OK;
  while (!code && s->next < s->ranges.count) {
    int i = s->next++;
    if (s->multipart) code = write_text(s, room, part_head(s, i, room));
    if (!code) code = send_range(s, &s->ranges.items[i]);
  }
  if (code == RL_EAGAIN) return;
  if (!code && s->multipart) code = write_text(s, room, last_boundary(s, room));
  if (!code) code = s->req->ops->end(s->req, NULL, 0);
  else s->req->ops->abort(s->req);
  finish(s, code);
}

/* ---- the head ------------------------------------------------------------------------------------------------------------------ */

typedef struct head {
  rl_header *headers;
  size_t count;
  char modified[RL_DATE_LEN + 1], range[64], type[64];
} head;

static bool has_header(const rl_file_options *options, rl_header_id id) {
  return rl_header_find(options->headers, options->header_count, id) != NULL;
}

static void add(head *h, rl_header_id id, const char *name, rl_slice value) {
  h->headers[h->count++] = (rl_header){.name = rl_slice_str(name), .value = value, .id = (uint8_t)id};
}

static bool build_head(rl_file_send *s, const rl_file_options *options, head *h) {
  h->headers = rl_arena_alloc(&s->req->arena, (options->header_count + OWN_HEADERS) * sizeof *h->headers);
  if (!h->headers) return false;
  h->count = options->header_count;
  if (h->count) memcpy(h->headers, options->headers, h->count * sizeof *h->headers);
  rl_date_format(s->file.modified, h->modified);
  if (!has_header(options, RL_HEADER_ETAG)) add(h, RL_HEADER_ETAG, "ETag", rl_slice_str(s->file.etag));
  if (!has_header(options, RL_HEADER_LAST_MODIFIED))
    add(h, RL_HEADER_LAST_MODIFIED, "Last-Modified", rl_slice_of(h->modified, RL_DATE_LEN));
  return true;
}

/* An answer without the file: 304, 412 or 416. */
static void answer_short(rl_file_send *s, head *h, int status) {
  char room[64];
  rl_resp resp = rl_resp_plain(status, NULL, room, sizeof room);
  if (status == 416) {
    snprintf(h->range, sizeof h->range, "bytes */%llu", (unsigned long long)s->file.size);
    add(h, RL_HEADER_OTHER, "Content-Range", rl_slice_str(h->range));
  }
  if (rl_status_is_bodiless(status)) resp.content_type = RL_SLICE_NONE;
  resp.headers = h->headers;
  resp.header_count = h->count;
  finish(s, s->req->ops->respond(s->req, &resp));
}

/* 0, or the status that answers without the file. Fills in the ranges. */
static int decide(rl_file_send *s, const rl_file_options *options, int *status) {
  const rl_req *req = s->req;
  rl_slice etag = rl_slice_str(s->file.etag);
  const rl_header *own = rl_header_find(options->headers, options->header_count, RL_HEADER_ETAG);
  if (own) etag = own->value;
  *status = options->status ? options->status : 200;
  s->ranges = (rl_ranges){.count = 1, .items = {{0, s->file.size}}};
  if (*status != 200) return 0;
  int short_answer = rl_conditional(req, etag, s->file.modified);
  if (short_answer) return short_answer;
  const rl_header *range = rl_header_single(req->headers, req->header_count, RL_HEADER_RANGE, NULL);
  if (!range || req->method != RL_METHOD_GET || !rl_range_applies(req, etag, s->file.modified)) return 0;
  rl_ranges wanted;
  int result = rl_range_parse(range->value, s->file.size, &wanted);
  if (result == 416) return 416;
  if (result == 200) return 0;
  s->ranges = wanted;
  *status = 206;
  return 0;
}

static void describe_ranges(rl_file_send *s, head *h, rl_resp *resp) {
  const rl_range *r = &s->ranges.items[0];
  s->multipart = s->ranges.count > 1;
  if (s->multipart) {
    snprintf(s->boundary, sizeof s->boundary, "rille%016llx",
             (unsigned long long)(s->req->started_ms * 2654435761u) ^ s->file.size);
    snprintf(h->type, sizeof h->type, "multipart/byteranges; boundary=%s", s->boundary);
    resp->content_type = rl_slice_str(h->type);
    return;
  }
  snprintf(h->range, sizeof h->range, "bytes %llu-%llu/%llu", (unsigned long long)r->start,
           (unsigned long long)r->end - 1, (unsigned long long)s->file.size);
  add(h, RL_HEADER_OTHER, "Content-Range", rl_slice_str(h->range));
}

void rl_file_send_start(rl_file_send *s, rl_req *req, rl_file *file, const rl_file_options *options) {
  head h = {0};
  int status;
  s->req = req;
  s->file = *file;
  s->next = 0;
  s->multipart = false;
  s->content_type = options->content_type;
  s->events_before = req->events;
  s->user_before = req->user;
  req->events = &events;
  req->user = s;
  *file = (rl_file){.fd = -1};
  if (!build_head(s, options, &h)) {
    finish(s, RL_ENOMEM);
    return;
  }
  int short_answer = decide(s, options, &status);
  if (short_answer) {
    answer_short(s, &h, short_answer);
    return;
  }
  rl_resp resp = {.status = status, .content_type = options->content_type, .streamed = true, .has_length = true};
  resp.wants_no_body = true;
  if (status == 206) describe_ranges(s, &h, &resp);
  add(&h, RL_HEADER_OTHER, "Accept-Ranges", RL_SLICE("bytes"));
  resp.headers = h.headers;
  resp.header_count = h.count;
  resp.length = body_length(s);
  int code = req->ops->respond(req, &resp);
  if (code) finish(s, code);
  else send_more(s);
}
