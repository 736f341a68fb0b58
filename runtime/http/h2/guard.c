/* Counting frames; see guard.h. */
#include "http/h2/guard.h"

#include <nghttp2/nghttp2.h>

enum { PREFACE = 24, THOUSAND = 1000, REFILL_S = 10, USEFUL_DATA = 1024, ANSWER_POINTS = 20, DATA_POINTS = 2 };
enum { FRAGMENTS_MOST = 8, NOT_A_FRAME = 0xff, PRIORITY_SIZE = 5 };

static const char *const texts[RL_H2_FLOOD_COUNT] = {"nothing",
#define X(name, text) text,
                                                     RL_H2_FLOOD_MAP(X)
#undef X
};

const char *rl_h2_flood_text(rl_h2_flood flood) { return texts[flood]; }

/* ---- buckets ------------------------------------------------------------------------------------------------------------------- */

static void fill(uint64_t *bucket, uint64_t amount, uint64_t limit) {
  uint64_t most = limit * THOUSAND, room = most - *bucket;
  *bucket = amount < room ? *bucket + amount : most;
}

static void refill(rl_h2_guard *g, uint64_t now_ms) {
  uint64_t passed = now_ms - g->filled_ms;
  if (!passed) return;
  g->filled_ms = now_ms;
  if (passed > REFILL_S * THOUSAND) passed = REFILL_S * THOUSAND; /* full again */
  fill(&g->resets, passed * g->limits->resets / REFILL_S, g->limits->resets);
  fill(&g->points, passed * g->limits->control_frames / REFILL_S, g->limits->control_frames);
}

static bool spend(rl_h2_guard *g, uint64_t *bucket, uint64_t amount, uint64_t now_ms) {
  refill(g, now_ms);
  if (*bucket < amount * THOUSAND) return false;
  *bucket -= amount * THOUSAND;
  return true;
}

void rl_h2_guard_init(rl_h2_guard *g, const rl_limits *limits, uint64_t now_ms) {
  *g = (rl_h2_guard){.limits = limits,
                     .resets = (uint64_t)limits->resets * THOUSAND,
                     .points = (uint64_t)limits->control_frames * THOUSAND,
                     .filled_ms = now_ms,
                     .type = NOT_A_FRAME,
                     .left = PREFACE,
                     .look = UINT32_MAX};
}

bool rl_h2_guard_reset(rl_h2_guard *g, uint64_t now_ms) { return !spend(g, &g->resets, 1, now_ms); }

void rl_h2_guard_answered(rl_h2_guard *g) {
  fill(&g->resets, THOUSAND, g->limits->resets);
  fill(&g->points, ANSWER_POINTS * THOUSAND, g->limits->control_frames);
}

void rl_h2_guard_sent(rl_h2_guard *g, size_t size) {
  if (size >= USEFUL_DATA) fill(&g->points, DATA_POINTS * THOUSAND, g->limits->control_frames);
}

bool rl_h2_guard_has_begun(const rl_h2_guard *g) { return g->type != NOT_A_FRAME; }

bool rl_h2_guard_in_head(const rl_h2_guard *g) {
  return g->in_block || (g->left && (g->type == NGHTTP2_HEADERS || g->type == NGHTTP2_CONTINUATION));
}

/* ---- frames -------------------------------------------------------------------------------------------------------------------- */

static rl_h2_flood charge(rl_h2_guard *g, rl_h2_flood kind, uint64_t now_ms) {
  static const uint8_t points[RL_H2_FLOOD_COUNT] = {
      [RL_H2_FLOOD_PING] = 10,    [RL_H2_FLOOD_SETTINGS] = 10, [RL_H2_FLOOD_EMPTY] = 5,  [RL_H2_FLOOD_UNKNOWN] = 5,
      [RL_H2_FLOOD_PRIORITY] = 1, [RL_H2_FLOOD_WINDOW] = 1,    [RL_H2_FLOOD_GOAWAY] = 1, [RL_H2_FLOOD_TABLE] = 5};
  bool paid = kind == RL_H2_FLOOD_RESET ? !rl_h2_guard_reset(g, now_ms) : spend(g, &g->points, points[kind], now_ms);
  return paid ? RL_H2_FLOOD_NONE : kind;
}

/* A number that stands in a frame; the top bit is reserved. */
static uint32_t number_at(const uint8_t *at) {
  return ((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]) & 0x7fffffff;
}

static uint32_t find_open(const rl_h2_numbers *n, uint32_t stream) {
  uint32_t i = n->open_count;
  while (i && n->open[i - 1] != stream) i--;
  return i; /* one more than where it is; 0: nowhere */
}

static bool was_used(const rl_h2_numbers *n, uint32_t stream) {
  for (uint32_t i = 0; i < RL_H2_USED; i++)
    if (n->used[i] == stream) return true;
  return false;
}

static void end_stream(rl_h2_numbers *n, uint32_t stream) {
  uint32_t i = find_open(n, stream);
  if (!i) return;
  memmove(&n->open[i - 1], &n->open[i], (n->open_count - i) * sizeof *n->open);
  n->open_count--;
}

static void begin_stream(rl_h2_numbers *n, uint32_t stream, bool ends) {
  n->last = stream;
  n->used[n->used_next++ % RL_H2_USED] = stream;
  if (ends) return;
  if (n->open_count == RL_H2_OPEN) n->forgotten = n->open[0], end_stream(n, n->open[0]);
  n->open[n->open_count++] = stream;
}

/* Even and idle numbers are nghttp2's to refuse. */
static void note_stream(rl_h2_guard *g) {
  rl_h2_numbers *n = &g->numbers;
  bool ends = g->flags & NGHTTP2_FLAG_END_STREAM;
  if (!(g->stream & 1)) return;
  if (g->stream > n->last) {
    if (g->type == NGHTTP2_HEADERS) begin_stream(n, g->stream, ends);
  } else if (find_open(n, g->stream)) {
    if (ends) end_stream(n, g->stream);
  } else if (g->stream > n->forgotten) {
    g->error = was_used(n, g->stream) ? NGHTTP2_STREAM_CLOSED : NGHTTP2_PROTOCOL_ERROR;
  }
}

/* A block of header fields goes on, or begins. It may be as large as what is decoded from it may be. */
static rl_h2_flood note_block(rl_h2_guard *g, bool begins) {
  g->fragments = begins ? 0 : g->fragments + 1;
  g->block = (begins ? 0 : g->block) + g->size;
  g->in_block = !(g->flags & NGHTTP2_FLAG_END_HEADERS);
  return g->fragments > FRAGMENTS_MOST || g->block / 2 > g->limits->fields_size ? RL_H2_FLOOD_CONTINUATION
                                                                                : RL_H2_FLOOD_NONE;
}

/* Where padding and an old priority leave the first byte of the block. */
static uint32_t first_of_block(const rl_h2_guard *g) {
  return (g->flags & NGHTTP2_FLAG_PADDED ? 1u : 0u) + (g->flags & NGHTTP2_FLAG_PRIORITY ? 5u : 0u);
}

static rl_h2_flood begin_headers(rl_h2_guard *g, uint64_t now_ms) {
  note_stream(g);
  rl_h2_flood flood = note_block(g, true);
  g->look = first_of_block(g);
  return flood || g->size > g->look ? flood : charge(g, RL_H2_FLOOD_EMPTY, now_ms);
}

static rl_h2_flood begin_continuation(rl_h2_guard *g, uint64_t now_ms) {
  rl_h2_flood flood = note_block(g, false);
  return flood || g->size ? flood : charge(g, RL_H2_FLOOD_EMPTY, now_ms);
}

/* The end of a body may well be empty. */
static rl_h2_flood begin_data(rl_h2_guard *g, uint64_t now_ms) {
  note_stream(g);
  if (g->flags & NGHTTP2_FLAG_END_STREAM) return RL_H2_FLOOD_NONE;
  if (g->flags & NGHTTP2_FLAG_PADDED) g->look = 0;
  return g->size ? RL_H2_FLOOD_NONE : charge(g, RL_H2_FLOOD_EMPTY, now_ms);
}

static rl_h2_flood begin_reset(rl_h2_guard *g, uint64_t now_ms) {
  end_stream(&g->numbers, g->stream);
  return charge(g, RL_H2_FLOOD_RESET, now_ms);
}

static rl_h2_flood begin_priority(rl_h2_guard *g, uint64_t now_ms) {
  if (!g->stream) g->error = NGHTTP2_PROTOCOL_ERROR;
  return charge(g, RL_H2_FLOOD_PRIORITY, now_ms);
}

static rl_h2_flood begin_frame(rl_h2_guard *g, uint64_t now_ms) {
  const uint8_t *head = g->head;
  g->size = g->left = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
  g->type = head[3];
  g->flags = head[4];
  g->stream = number_at(head + 5);
  g->at = 0;
  g->look = UINT32_MAX;
  switch (g->type) {
    case NGHTTP2_DATA: return begin_data(g, now_ms);
    case NGHTTP2_HEADERS: return begin_headers(g, now_ms);
    case NGHTTP2_CONTINUATION: return begin_continuation(g, now_ms);
    case NGHTTP2_RST_STREAM: return begin_reset(g, now_ms);
    case NGHTTP2_SETTINGS: return charge(g, RL_H2_FLOOD_SETTINGS, now_ms);
    case NGHTTP2_PING: return charge(g, RL_H2_FLOOD_PING, now_ms);
    case NGHTTP2_PRIORITY: return begin_priority(g, now_ms);
    case NGHTTP2_PRIORITY_UPDATE: return charge(g, RL_H2_FLOOD_PRIORITY, now_ms);
    case NGHTTP2_WINDOW_UPDATE: return charge(g, RL_H2_FLOOD_WINDOW, now_ms);
    case NGHTTP2_GOAWAY: return charge(g, RL_H2_FLOOD_GOAWAY, now_ms);
    default: return charge(g, RL_H2_FLOOD_UNKNOWN, now_ms);
  }
}

/* The one byte of a payload that says what the frame is worth: how much of a DATA frame is padding, or the first of a header block,
 * 001xxxxx if it changes the table (RFC 7541 section 6.3). */
static rl_h2_flood look_at(rl_h2_guard *g, uint8_t byte, uint64_t now_ms) {
  if (g->type == NGHTTP2_DATA) return byte + 1u >= g->size ? charge(g, RL_H2_FLOOD_EMPTY, now_ms) : RL_H2_FLOOD_NONE;
  return (byte & 0xe0) == 0x20 ? charge(g, RL_H2_FLOOD_TABLE, now_ms) : RL_H2_FLOOD_NONE;
}

/* A stream that depends on itself (RFC 7540 section 5.3.1). */
static void look_at_priority(rl_h2_guard *g, rl_slice bytes) {
  for (size_t i = 0; i < bytes.len && g->at + i < sizeof g->depends; i++)
    g->depends[g->at + i] = (uint8_t)bytes.data[i];
  bool whole = g->at < sizeof g->depends && g->at + bytes.len >= sizeof g->depends;
  if (whole && g->size == PRIORITY_SIZE && number_at(g->depends) == g->stream) g->error = NGHTTP2_PROTOCOL_ERROR;
}

static rl_h2_flood scan_payload(rl_h2_guard *g, rl_slice *rest, uint64_t now_ms) {
  uint32_t size = rest->len < g->left ? (uint32_t)rest->len : g->left;
  rl_h2_flood flood = RL_H2_FLOOD_NONE;
  if (g->look >= g->at && g->look - g->at < size) flood = look_at(g, (uint8_t)rest->data[g->look - g->at], now_ms);
  if (g->type == NGHTTP2_PRIORITY) look_at_priority(g, rl_slice_of(rest->data, size));
  if (flood || g->error) return flood;
  g->left -= size;
  g->at += size;
  rl_slice_skip(rest, size);
  return flood;
}

static rl_h2_flood scan_head(rl_h2_guard *g, rl_slice *rest, uint64_t now_ms) {
  size_t need = sizeof g->head - g->have, size = rest->len < need ? rest->len : need;
  memcpy(g->head + g->have, rest->data, size);
  g->have = (uint8_t)(g->have + size);
  rl_h2_flood flood = RL_H2_FLOOD_NONE;
  if (size == need) {
    g->have = 0;
    flood = begin_frame(g, now_ms);
  }
  if (!flood && !g->error) rl_slice_skip(rest, size);
  return flood;
}

size_t rl_h2_guard_scan(rl_h2_guard *g, rl_slice bytes, uint64_t now_ms, rl_h2_flood *flood) {
  rl_slice rest = bytes;
  *flood = RL_H2_FLOOD_NONE;
  while (rest.len && !*flood && !g->error)
    *flood = g->left ? scan_payload(g, &rest, now_ms) : scan_head(g, &rest, now_ms);
  return bytes.len - rest.len;
}
