/* A connection of ours and the exchange on it; see link.h. */
#include "client/link.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

static rl_link *link_of(rl_stream *stream) { return (rl_link *)stream; }
static const rl_stream_ops *ops_of(const rl_link *link) { return link->tcp.stream.ops; }

static void break_off(rl_link *link, int code, const char *why) {
  link->busy = false;
  link->events->on_broken(link, code, why);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

enum { MOST_PARTS = 4 };

static const char crlf_text[2] = {'\r', '\n'};

static void add_part(struct iovec *parts, int *count, const char *data, size_t len) {
  if (len) parts[(*count)++] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = len};
}

static int gather(const rl_link *link, struct iovec parts[MOST_PARTS]) {
  int count = 0;
  add_part(parts, &count, link->head.data, link->head.len);
  add_part(parts, &count, link->size.data, link->size.len);
  add_part(parts, &count, link->content.data, link->content.len);
  add_part(parts, &count, crlf_text + sizeof crlf_text - link->crlf, link->crlf);
  return count;
}

static size_t cut(rl_slice *part, size_t count) {
  size_t n = count < part->len ? count : part->len;
  *part = rl_slice_of(part->data + n, part->len - n);
  return count - n;
}

static void note_written(rl_link *link, size_t count) {
  link->burst += count;
  count = cut(&link->head, count);
  count = cut(&link->size, count);
  count = cut(&link->content, count);
  link->crlf = (uint8_t)(link->crlf - count);
}

/* Whoever takes no more may have answered already: the read side says how it ends. */
static void stop_writing(rl_link *link) {
  link->deaf = true;
  link->head = link->size = link->content = RL_SLICE_NONE;
  link->crlf = 0;
}

/* A fast peer must not keep the loop busy with one request: behind so many bytes the others come first. */
static bool is_fair(const rl_link *link) { return link->burst < RL_LIMIT_WRITE_HIGH; }

static bool write_later(rl_link *link) {
  ops_of(link)->want_writable(&link->tcp.stream);
  return false;
}

/* Writes what the socket takes. True where all is with the kernel. */
static bool write_out(rl_link *link) {
  struct iovec parts[MOST_PARTS];
  for (int count; (count = gather(link, parts));) {
    ssize_t n = is_fair(link) ? ops_of(link)->write(&link->tcp.stream, parts, count) : RL_EAGAIN;
    if (n == RL_EAGAIN) return write_later(link);
    if (n < 0) stop_writing(link);
    else note_written(link, (size_t)n);
  }
  if (link->deaf) return false;
  link->sent = !link->streamed || (link->ended && !link->offering);
  return true;
}

/* There is room because the peer has taken bytes. */
static void on_writable(rl_stream *stream) {
  rl_link *link = link_of(stream);
  link->burst = 0;
  if (!link->busy) return;
  bool taken = write_out(link) && link->offering;
  if (taken) link->offering = false;
  link->events->on_moved(link);
  if (taken && link->busy) link->events->on_taken(link);
}

void rl_link_start(rl_link *link, const rl_sending *sending) {
  rl_reader_start(&link->reader, sending->answer, sending->to_head, sending->upgrades);
  link->head = sending->head;
  link->size = RL_SLICE_NONE;
  link->crlf = 0;
  link->content = sending->content;
  link->streamed = sending->streamed;
  link->chunked = sending->streamed && sending->length < 0;
  link->left = sending->length > 0 ? (uint64_t)sending->length : 0;
  link->last = sending->last;
  link->busy = true;
  link->burst = 0;
  link->offering = link->ended = link->sent = link->deaf = link->answered = false;
  write_out(link);
}

/* ---- a streamed body --------------------------------------------------------------------------------------------- */

static void frame_chunk(rl_link *link, size_t size) {
  int len = snprintf(link->line, sizeof link->line, "%zx\r\n", size);
  link->size = rl_slice_of(link->line, (size_t)len);
  link->crlf = sizeof crlf_text;
}

int rl_link_offer(rl_link *link, rl_slice bytes) {
  if (!link->chunked && bytes.len > link->left) return RL_EINVALID;
  link->left -= link->chunked ? 0 : bytes.len;
  link->offering = true;
  if (link->deaf) return 0;
  if (link->chunked) frame_chunk(link, bytes.len);
  link->content = bytes;
  if (!write_out(link) || (!is_fair(link) && !write_later(link))) return 0;
  link->offering = false;
  return 1;
}

int rl_link_offer_end(rl_link *link) {
  if (!link->chunked && link->left) return RL_EINVALID;
  link->ended = true;
  if (link->deaf) return 0;
  if (link->chunked) link->size = RL_SLICE("0\r\n\r\n");
  write_out(link);
  return 0;
}

void rl_link_cut(rl_link *link) { stop_writing(link); }

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void finish(rl_link *link, bool stays) {
  link->busy = false;
  stays = stays && link->reader.keep_alive && link->sent && !link->deaf && !link->last;
  link->used = true;
  if (stays) rl_link_resume(link); /* its end is to be noticed */
  link->events->on_end(link, stays);
}

/* One event of the reader, to the owner. False where there is nothing more to do with these bytes. */
static bool tell(rl_link *link, rl_slice *in) {
  int code = RL_OK;
  switch (rl_reader_next(&link->reader, in)) {
    case RL_READ_MORE: return false;
    case RL_READ_HEAD: code = link->events->on_head(link); break;
    case RL_READ_BODY: code = link->events->on_body(link, link->reader.piece); break;
    case RL_READ_END: finish(link, in->len == 0); return false;
    case RL_READ_FAULT: break_off(link, link->reader.code, link->reader.why); return false;
  }
  if (!code) return link->busy;
  break_off(link, code, NULL);
  return false;
}

static void on_data(rl_stream *stream, rl_slice bytes) {
  rl_link *link = link_of(stream);
  if (!link->busy) {
    link->events->on_lost(link);
    return;
  }
  link->answered = true;
  link->events->on_moved(link);
  while (tell(link, &bytes)) continue;
}

static void on_eof(rl_stream *stream) {
  rl_link *link = link_of(stream);
  if (!link->busy) link->events->on_lost(link);
  else if (rl_reader_eof(&link->reader) == RL_READ_END) finish(link, false);
  else break_off(link, link->reader.code, link->reader.why);
}

static void on_error(rl_stream *stream, int code) {
  rl_link *link = link_of(stream);
  (void)code;
  if (!link->busy) link->events->on_lost(link);
  else break_off(link, RL_ERESET, "the connection was reset");
}

void rl_link_pause(rl_link *link) { ops_of(link)->read_stop(&link->tcp.stream); }
void rl_link_resume(rl_link *link) { ops_of(link)->read_start(&link->tcp.stream); }

bool rl_link_is_alive(const rl_link *link) { return !rl_socket_has_news(link->tcp.fd); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void on_closed(rl_stream *stream) {
  rl_link *link = link_of(stream);
  rl_reader_free(&link->reader);
  rl_free(link);
}

static const rl_stream_events stream_events = {
    .on_data = on_data, .on_eof = on_eof, .on_error = on_error, .on_writable = on_writable, .on_closed = on_closed};

rl_link *rl_link_new(rl_loop *loop, int fd, uint64_t origin, rl_slice key) {
  rl_link *link = rl_calloc(1, sizeof *link + key.len);
  if (!link) {
    close(fd);
    return NULL;
  }
  if (rl_tcp_init(&link->tcp, loop, fd)) {
    rl_free(link);
    return NULL;
  }
  link->tcp.stream.events = &stream_events;
  rl_list_init(&link->node);
  rl_reader_init(&link->reader);
  link->origin = origin;
  link->key_len = key.len;
  memcpy(link->key, key.data, key.len);
  ops_of(link)->read_start(&link->tcp.stream);
  return link;
}

void rl_link_close(rl_link *link) {
  link->busy = false;
  rl_list_remove(&link->node);
  ops_of(link)->close(&link->tcp.stream, false);
}
