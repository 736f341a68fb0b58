/* Access lines and their thread; see access_log.h. */
#include "server/access_log.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/date.h"
#include "base/error.h"
#include "base/json.h"

/* ---- the service's thread ------------------------------------------------------------------------------------------------ */

/* A buffer of lines under way. */
typedef struct shipment {
  rl_mail mail;
  unsigned count;
  size_t len;
  char *bytes;
} shipment;

static bool wait_writable(int fd) {
  struct pollfd wait = {.fd = fd, .events = POLLOUT};
  return poll(&wait, 1, RL_ACCESS_DELAY_MS) > 0;
}

/* 0, or the errno of what could not be written. */
static int write_all(int fd, const char *bytes, size_t len) {
  while (len) {
    ssize_t n = write(fd, bytes, len);
    if (n > 0) {
      bytes += n;
      len -= (size_t)n;
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n == 0 || errno != EAGAIN || !wait_writable(fd)) {
      return n == 0 ? ENOSPC : errno;
    }
  }
  return 0;
}

static void lose(rl_access_log *log, unsigned count) { __atomic_fetch_add(&log->lost, count, __ATOMIC_RELAXED); }

/* Said once when it begins to fail, and once when it works again. */
static void note(rl_access_log *log, int error) {
  if (error && error != log->write_error) rl_logf(RL_LOG_WARN, "the access log cannot be written: %s", strerror(error));
  log->write_error = error;
  uint64_t lost = error ? 0 : __atomic_exchange_n(&log->lost, 0, __ATOMIC_RELAXED);
  if (lost) rl_logf(RL_LOG_WARN, "the access log has lost %llu lines", (unsigned long long)lost);
}

static void on_batch(rl_service *service, rl_mail_queue *batch) {
  rl_access_log *log = RL_CONTAINER(service, rl_access_log, service);
  for (rl_mail *mail; (mail = rl_mail_shift(batch));) {
    shipment *s = RL_CONTAINER(mail, shipment, mail);
    int error = write_all(log->fd, s->bytes, s->len);
    if (error) lose(log, s->count);
    note(log, error);
    __atomic_fetch_sub(&log->waiting, 1, __ATOMIC_RELAXED);
    rl_free(s->bytes);
    rl_free(s);
  }
}

int rl_access_log_start(rl_access_log *log, int fd, rl_log_format format) {
  *log = (rl_access_log){.fd = fd, .format = format, .service = {.name = "access log", .on_batch = on_batch}};
  log->delay_ms = isatty(fd) ? RL_ACCESS_TERMINAL_MS : RL_ACCESS_DELAY_MS;
  return rl_service_start(&log->service);
}

void rl_access_log_stop(rl_access_log *log) {
  rl_service_stop(&log->service);
  if (log->lost) rl_logf(RL_LOG_WARN, "the access log has lost %llu lines", (unsigned long long)log->lost);
}

/* ---- a worker's lines ------------------------------------------------------------------------------------------------------ */

static void drop_lines(rl_access_writer *w) {
  lose(w->log, w->count);
  rl_buf_clear(&w->lines);
  w->count = 0;
}

static void send_lines(rl_access_writer *w) {
  rl_timer_stop(w->loop, &w->flush);
  if (!w->count) return;
  shipment *s = NULL;
  if (__atomic_load_n(&w->log->waiting, __ATOMIC_RELAXED) < RL_ACCESS_WAITING) s = rl_alloc(sizeof *s);
  if (!s) {
    drop_lines(w);
    return;
  }
  s->count = w->count;
  s->bytes = rl_buf_take(&w->lines, &s->len);
  w->count = 0;
  __atomic_fetch_add(&w->log->waiting, 1, __ATOMIC_RELAXED);
  rl_service_send(&w->log->service, &s->mail);
}

static void on_flush(rl_timer *timer) { send_lines(RL_CONTAINER(timer, rl_access_writer, flush)); }

void rl_access_open(rl_access_writer *w, rl_access_log *log, rl_loop *loop) {
  *w = (rl_access_writer){.log = log, .loop = loop, .second = -1};
  rl_buf_init(&w->lines, 2 * RL_ACCESS_BUFFER);
}

void rl_access_close(rl_access_writer *w) {
  send_lines(w);
  rl_buf_free(&w->lines);
}

static const char *now_text(rl_access_writer *w) {
  int64_t second = rl_loop_time(w->loop) / 1000;
  if (second != w->second) rl_date_format_clf(second, w->when);
  w->second = second;
  return w->when;
}

static uint64_t duration_of(const rl_access_writer *w, const rl_exchange_report *how) {
  return rl_loop_clock(w->loop) - how->since_ms;
}

/* Inline, so that the length of a literal is known where it is copied: most of a line are literals. */
static inline void add_str(rl_buf *out, const char *text) {
  size_t len = strlen(text);
  if (rl_buf_reserve(out, len)) return;
  memcpy(out->data + out->len, text, len);
  out->len += len;
}

/* Quotes, backslashes, controls and what is not ASCII as \xHH, as nginx does. */
static void add_escaped(rl_buf *out, rl_slice s) {
  static const char hex[] = "0123456789ABCDEF";
  size_t from = 0;
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') continue;
    char escape[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
    rl_buf_add(out, s.data + from, i - from);
    rl_buf_add(out, escape, sizeof escape);
    from = i + 1;
  }
  rl_buf_add(out, s.data + from, s.len - from);
}

static rl_slice field_of(const rl_req *req, rl_header_id id) {
  const rl_header *header = req ? rl_req_header(req, id) : NULL;
  return header && header->value.len ? header->value : RL_SLICE("-");
}

static void add_quoted(rl_buf *out, rl_slice s) {
  add_str(out, " \"");
  add_escaped(out, s);
  rl_buf_add_char(out, '"');
}

static void add_text(rl_access_writer *w, rl_slice peer, rl_req *req, const rl_exchange_report *how) {
  rl_buf *out = &w->lines;
  rl_buf_add_slice(out, peer.len ? peer : RL_SLICE("-"));
  add_str(out, " - - [");
  add_str(out, now_text(w));
  add_str(out, "] \"");
  if (req) {
    add_escaped(out, req->method_name);
    rl_buf_add_char(out, ' ');
    add_escaped(out, req->target);
    add_str(out, " HTTP/");
    add_str(out, rl_version_text((rl_version)req->version));
  } else {
    rl_buf_add_char(out, '-');
  }
  add_str(out, "\" ");
  rl_buf_add_u64(out, (uint64_t)how->status);
  rl_buf_add_char(out, ' ');
  rl_buf_add_u64(out, how->bytes);
  add_quoted(out, field_of(req, RL_HEADER_REFERER));
  add_quoted(out, field_of(req, RL_HEADER_USER_AGENT));
  if (req) {
    add_str(out, " id=");
    rl_log_add_value(out, rl_req_id(req));
    add_str(out, " ms=");
    rl_buf_add_u64(out, duration_of(w, how));
  }
  if (req && req->route) {
    add_str(out, " route=");
    rl_log_add_value(out, rl_slice_str(req->route));
  }
  if (how->fault) {
    add_str(out, " reason=\"");
    add_str(out, rl_fault_text(how->fault));
    rl_buf_add_char(out, '"');
  }
  rl_buf_add_char(out, '\n');
}

static void add_member(rl_buf *out, const char *key, rl_slice value) {
  add_str(out, ",\"");
  add_str(out, key);
  add_str(out, "\":");
  rl_json_write_bytes(out, value);
}

static void add_number(rl_buf *out, const char *key, uint64_t value) {
  add_str(out, ",\"");
  add_str(out, key);
  add_str(out, "\":");
  rl_buf_add_u64(out, value);
}

static void add_header(rl_buf *out, const char *key, const rl_req *req, rl_header_id id) {
  const rl_header *header = rl_req_header(req, id);
  if (header) add_member(out, key, header->value);
}

static void add_json(rl_access_writer *w, rl_slice peer, rl_req *req, const rl_exchange_report *how) {
  rl_buf *out = &w->lines;
  char when[25];
  rl_date_format_iso(rl_loop_time(w->loop), when);
  add_str(out, "{\"time\":\"");
  add_str(out, when);
  rl_buf_add_char(out, '"');
  add_member(out, "remote", peer);
  if (req) {
    add_member(out, "method", req->method_name);
    add_member(out, "target", req->target);
    if (req->version >= RL_HTTP_2) add_number(out, "major_version", req->version / 10);
    add_number(out, "minor_version", req->version % 10);
  }
  add_number(out, "status", (uint64_t)how->status);
  add_number(out, "bytes", how->bytes);
  if (req) {
    add_number(out, "ms", duration_of(w, how));
    add_member(out, "id", rl_req_id(req));
    if (req->route) add_member(out, "route", rl_slice_str(req->route));
    add_header(out, "host", req, RL_HEADER_HOST);
    add_header(out, "referer", req, RL_HEADER_REFERER);
    add_header(out, "user_agent", req, RL_HEADER_USER_AGENT);
  }
  if (how->fault) add_member(out, "reason", rl_slice_str(rl_fault_text(how->fault)));
  add_str(out, "}\n");
}

void rl_access_add(rl_access_writer *w, rl_slice peer, rl_req *req, const rl_exchange_report *how) {
  size_t before = w->lines.len;
  if (w->log->format == RL_LOG_JSON) add_json(w, peer, req, how);
  else add_text(w, peer, req, how);
  if (w->lines.error) { /* no memory: a line is all there or not at all */
    w->lines.len = before;
    w->lines.error = 0;
    lose(w->log, 1);
    return;
  }
  w->count++;
  if (w->lines.len >= RL_ACCESS_BUFFER) send_lines(w);
  else if (w->count == 1) rl_timer_start(w->loop, &w->flush, w->log->delay_ms, on_flush);
}
