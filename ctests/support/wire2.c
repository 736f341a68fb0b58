/* Reads wire tests of HTTP/2 from Markdown; see wire2.h for the language. */
#define _GNU_SOURCE
#include "support/wire2.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/list.h"
#include "support/frames.h"

typedef enum page_block { PROSE, FRAMES, ANSWER } page_block;

/* A line of frames, with the lines of its block of fields, repeated. */
typedef struct statement {
  rl_buf line, fields;
  unsigned long times;
} statement;

typedef struct reader {
  const char *file;
  int number;
  char heading[200];
  page_block block;
  statement pending; /* its line is empty if there is none */
  wire2_case *first, **end, *unanswered;
  wire2_want *wants;
  size_t want_count;
} reader;

static void die(const reader *r, const char *what, rl_slice text) {
  fprintf(stderr, "ctests/wire2/%s:%d: %s: %.*s\n", r->file, r->number, what, RL_FMT(text));
  exit(1);
}

static void *must(void *memory) {
  if (!memory) abort();
  return memory;
}

static char *copy(rl_slice s) { return must(strndup(s.data, s.len)); }

/* ---- words ----------------------------------------------------------------------------------------------------------------- */

static rl_slice rest_after(rl_slice s, size_t skip) {
  return skip < s.len ? rl_slice_trim(rl_slice_of(s.data + skip, s.len - skip)) : RL_SLICE("");
}

/* Cuts off the next word; a text in quotes is one. */
static rl_slice next_word(rl_slice *line) {
  size_t end;
  if (line->len && line->data[0] == '"') {
    end = rl_slice_find(*line, '"', 1);
    rl_slice text = rl_slice_of(line->data + 1, end ? end - 1 : 0);
    *line = rest_after(*line, end + 1);
    return text;
  }
  end = rl_slice_find(*line, ' ', 0);
  rl_slice word = rl_slice_of(line->data, end);
  *line = rest_after(*line, end);
  return word;
}

static bool take_word(rl_slice *line, const char *word) {
  rl_slice rest = *line;
  if (!rl_slice_eq(next_word(&rest), rl_slice_str(word))) return false;
  *line = rest;
  return true;
}

static uint32_t to_number(const reader *r, rl_slice word) {
  char text[32], *end;
  snprintf(text, sizeof text, "%.*s", RL_FMT(word));
  unsigned long long number = strtoull(text, &end, 0);
  if (!word.len || *end || number > UINT32_MAX) die(r, "a number was expected", word);
  return (uint32_t)number;
}

static uint32_t next_number(const reader *r, rl_slice *line) { return to_number(r, next_word(line)); }

/* A stream: "5", or "1+2" in the nth repeat of a line. */
static uint32_t next_stream(const reader *r, rl_slice *line, unsigned long nth) {
  rl_slice word = next_word(line);
  size_t plus = rl_slice_find(word, '+', 0);
  uint32_t base = to_number(r, rl_slice_of(word.data, plus));
  if (plus == word.len) return base;
  return base + (uint32_t)nth * to_number(r, rl_slice_of(word.data + plus + 1, word.len - plus - 1));
}

static uint32_t to_code(const reader *r, rl_slice word) {
  int code = frames_code(word);
  return code < 0 ? to_number(r, word) : (uint32_t)code;
}

static uint8_t take_flags(rl_slice *line) {
  uint8_t flags = 0;
  for (bool more = true; more;) {
    more = true;
    if (take_word(line, "end_stream") || take_word(line, "ack")) flags |= FRAMES_END_STREAM;
    else if (take_word(line, "end_headers")) flags |= FRAMES_END_HEADERS;
    else more = false;
  }
  return flags;
}

/* ---- blocks of fields ------------------------------------------------------------------------------------------------------- */

static void add_hex(const reader *r, rl_buf *out, rl_slice text) {
  while (text.len) {
    rl_slice word = next_word(&text);
    if (word.len % 2) die(r, "pairs of hexadecimal digits were expected", word);
    for (size_t i = 0; i + 1 < word.len; i += 2)
      rl_buf_add_char(out, (char)(rl_hex_value(word.data[i]) * 16 + rl_hex_value(word.data[i + 1])));
  }
}

static void add_request(rl_buf *out, const char *method, rl_slice path) {
  rl_buf text;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  wire_decode(&text, path);
  rl_buf_add_char(&text, 0);
  frames_request(out, method, text.data);
  rl_buf_free(&text);
}

static void add_field(const reader *r, rl_buf *out, rl_slice line) {
  if (take_word(&line, "hex")) {
    add_hex(r, out, line);
  } else if (take_word(&line, "get")) {
    add_request(out, "GET", line);
  } else if (take_word(&line, "post")) {
    add_request(out, "POST", line);
  } else {
    size_t colon = rl_slice_find(line, ':', 1);
    rl_buf name, value;
    rl_buf_init(&name, RL_BUF_NO_LIMIT);
    rl_buf_init(&value, RL_BUF_NO_LIMIT);
    if (colon == line.len) die(r, "a field was expected, as `name: value`", line);
    wire_decode(&name, rl_slice_of(line.data, colon));
    wire_decode(&value, rest_after(line, colon + 1));
    frames_field(out, rl_buf_slice(&name), rl_buf_slice(&value));
    rl_buf_free(&name);
    rl_buf_free(&value);
  }
}

static void read_fields(const reader *r, rl_buf *out, rl_slice lines) {
  while (lines.len) {
    size_t end = rl_slice_find(lines, '\n', 0);
    add_field(r, out, rl_slice_trim(rl_slice_of(lines.data, end)));
    lines = rl_slice_of(lines.data + (end < lines.len ? end + 1 : end), lines.len - (end < lines.len ? end + 1 : end));
  }
}

/* ---- frames ------------------------------------------------------------------------------------------------------------------ */

static void write_settings(const reader *r, rl_buf *out, rl_slice line, uint8_t flags) {
  rl_buf body;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  while (line.len) {
    rl_slice word = next_word(&line);
    size_t equals = rl_slice_find(word, '=', 0);
    int id = frames_setting(rl_slice_of(word.data, equals));
    if (id < 0) id = (int)to_number(r, rl_slice_of(word.data, equals));
    frames_u16(&body, (uint16_t)id);
    frames_u32(&body, to_number(r, rest_after(word, equals + 1)));
  }
  frames_add(out, FRAMES_SETTINGS, flags, 0, rl_buf_slice(&body));
  rl_buf_free(&body);
}

/* The block over a HEADERS frame and CONTINUATION frames: only the first may end the stream, only the last the block. */
static void write_cut(const reader *r, rl_buf *out, rl_slice cuts, uint8_t flags, uint32_t stream, rl_slice block) {
  size_t from = 0;
  for (bool first = true;; first = false) {
    size_t to = cuts.len ? next_number(r, &cuts) : block.len;
    bool last = to >= block.len;
    uint8_t type = first ? FRAMES_HEADERS : FRAMES_CONTINUATION;
    uint8_t its = (uint8_t)((first ? flags & FRAMES_END_STREAM : 0) | (last ? flags & FRAMES_END_HEADERS : 0));
    if (last) to = block.len;
    frames_add(out, type, its, stream, rl_slice_of(block.data + from, to - from));
    if (last) return;
    from = to;
  }
}

static void write_headers(const reader *r, rl_buf *out, rl_slice line, uint32_t stream, rl_slice block) {
  rl_buf body;
  uint8_t flags = take_flags(&line);
  uint32_t pad = 0;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  if (take_word(&line, "pad")) {
    flags |= FRAMES_PADDED;
    rl_buf_add_char(&body, (char)(pad = next_number(r, &line)));
  }
  if (take_word(&line, "priority")) {
    flags |= FRAMES_PRIORITY_FLAG;
    frames_u32(&body, next_number(r, &line));
    rl_buf_add_char(&body, (char)(next_number(r, &line) - 1));
  }
  if (take_word(&line, "cut")) {
    write_cut(r, out, line, flags, stream, block);
  } else {
    rl_buf_add_slice(&body, block);
    for (uint32_t i = 0; i < pad; i++) rl_buf_add_char(&body, 0);
    frames_add(out, FRAMES_HEADERS, flags, stream, rl_buf_slice(&body));
  }
  rl_buf_free(&body);
}

static void write_data(const reader *r, rl_buf *out, rl_slice line, uint32_t stream) {
  rl_buf body;
  uint8_t flags = take_flags(&line);
  uint32_t pad = 0;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  if (take_word(&line, "pad")) {
    flags |= FRAMES_PADDED;
    rl_buf_add_char(&body, (char)(pad = next_number(r, &line)));
  }
  wire_decode(&body, next_word(&line));
  for (uint32_t i = 0; i < pad; i++) rl_buf_add_char(&body, 0);
  frames_add(out, FRAMES_DATA, flags, stream, rl_buf_slice(&body));
  rl_buf_free(&body);
}

/* TYPE FLAGS STREAM [length K] [hex … | "text"] */
static void write_any(const reader *r, rl_buf *out, rl_slice line) {
  uint8_t type = (uint8_t)next_number(r, &line), flags = (uint8_t)next_number(r, &line);
  uint32_t stream = next_number(r, &line), length = 0;
  bool lies = take_word(&line, "length");
  if (lies) length = next_number(r, &line);
  rl_buf body;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  if (take_word(&line, "hex")) add_hex(r, &body, line);
  else wire_decode(&body, next_word(&line));
  size_t at = out->len;
  frames_add(out, type, flags, stream, rl_buf_slice(&body));
  for (int i = 0; lies && i < 3; i++) out->data[at + (size_t)i] = (char)(length >> (16 - 8 * i));
  rl_buf_free(&body);
}

static void write_numbers(rl_buf *out, uint8_t type, uint32_t stream, const uint32_t *numbers, int count,
                          rl_slice text) {
  rl_buf body;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  for (int i = 0; i < count; i++) frames_u32(&body, numbers[i]);
  wire_decode(&body, text);
  frames_add(out, type, 0, stream, rl_buf_slice(&body));
  rl_buf_free(&body);
}

static void write_priority(const reader *r, rl_buf *out, rl_slice line, uint32_t stream) {
  rl_buf body;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  frames_u32(&body, next_number(r, &line));
  rl_buf_add_char(&body, (char)(next_number(r, &line) - 1));
  frames_add(out, FRAMES_PRIORITY, 0, stream, rl_buf_slice(&body));
  rl_buf_free(&body);
}

static void write_ping(rl_buf *out, rl_slice line) {
  rl_buf body;
  uint8_t flags = take_flags(&line);
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  wire_decode(&body, next_word(&line));
  frames_add(out, FRAMES_PING, flags, 0, rl_buf_slice(&body));
  rl_buf_free(&body);
}

static void write_statement(const reader *r, rl_buf *out, rl_slice line, rl_slice block, unsigned long nth) {
  uint32_t stream, other;
  if (take_word(&line, "preface")) {
    rl_buf_add_str(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    frames_add(out, FRAMES_SETTINGS, 0, 0, RL_SLICE(""));
  } else if (take_word(&line, "SETTINGS")) {
    uint8_t flags = take_flags(&line);
    write_settings(r, out, line, flags);
  } else if (take_word(&line, "HEADERS")) {
    stream = next_stream(r, &line, nth);
    write_headers(r, out, line, stream, block);
  } else if (take_word(&line, "CONTINUATION")) {
    stream = next_stream(r, &line, nth);
    frames_add(out, FRAMES_CONTINUATION, take_flags(&line), stream, block);
  } else if (take_word(&line, "DATA")) {
    stream = next_stream(r, &line, nth);
    write_data(r, out, line, stream);
  } else if (take_word(&line, "RST_STREAM")) {
    stream = next_stream(r, &line, nth);
    other = to_code(r, next_word(&line));
    write_numbers(out, FRAMES_RST_STREAM, stream, &other, 1, RL_SLICE(""));
  } else if (take_word(&line, "WINDOW_UPDATE")) {
    stream = next_stream(r, &line, nth);
    other = next_number(r, &line);
    write_numbers(out, FRAMES_WINDOW_UPDATE, stream, &other, 1, RL_SLICE(""));
  } else if (take_word(&line, "PRIORITY")) {
    stream = next_stream(r, &line, nth);
    write_priority(r, out, line, stream);
  } else if (take_word(&line, "PRIORITY_UPDATE")) {
    stream = next_stream(r, &line, nth);
    write_numbers(out, FRAMES_PRIORITY_UPDATE, 0, &stream, 1, next_word(&line));
  } else if (take_word(&line, "GOAWAY")) {
    stream = next_number(r, &line);
    uint32_t numbers[2] = {stream, to_code(r, next_word(&line))};
    write_numbers(out, FRAMES_GOAWAY, 0, numbers, 2, next_word(&line));
  } else if (take_word(&line, "PUSH_PROMISE")) {
    stream = next_stream(r, &line, nth);
    rl_buf body;
    rl_buf_init(&body, RL_BUF_NO_LIMIT);
    frames_u32(&body, next_number(r, &line));
    rl_buf_add_slice(&body, block);
    frames_add(out, FRAMES_PUSH_PROMISE, FRAMES_END_HEADERS, stream, rl_buf_slice(&body));
    rl_buf_free(&body);
  } else if (take_word(&line, "PING")) {
    write_ping(out, line);
  } else if (take_word(&line, "FRAME")) {
    write_any(r, out, line);
  } else if (take_word(&line, "bytes")) {
    if (take_word(&line, "hex")) add_hex(r, out, line);
    else wire_decode(out, next_word(&line));
  } else {
    die(r, "neither a frame nor a directive", line);
  }
}

/* ---- the steps of a case ----------------------------------------------------------------------------------------------------- */

static wire2_case *last_case(reader *r) { return RL_CONTAINER(r->end, wire2_case, next); }

static wire_step *add_step(reader *r, wire2_case *c) {
  if (c->step_count == WIRE2_STEPS) die(r, "too many steps", RL_SLICE(""));
  return &c->steps[c->step_count++];
}

static rl_buf *bytes_of(reader *r, wire2_case *c) {
  if (c->step_count && c->steps[c->step_count - 1].what == WIRE_BYTES) return &c->steps[c->step_count - 1].bytes;
  wire_step *step = add_step(r, c);
  *step = (wire_step){.what = WIRE_BYTES};
  rl_buf_init(&step->bytes, RL_BUF_NO_LIMIT);
  return &step->bytes;
}

static void end_statement(reader *r) {
  statement *s = &r->pending;
  if (!s->line.len) return;
  rl_buf block;
  rl_buf_init(&block, RL_BUF_NO_LIMIT);
  read_fields(r, &block, rl_buf_slice(&s->fields));
  rl_buf *out = bytes_of(r, last_case(r));
  for (unsigned long i = 0; i < s->times; i++) write_statement(r, out, rl_buf_slice(&s->line), rl_buf_slice(&block), i);
  rl_buf_free(&block);
  rl_buf_clear(&s->line);
  rl_buf_clear(&s->fields);
}

static void read_frames_line(reader *r, rl_slice line) {
  statement *s = &r->pending;
  wire_step directive;
  if (rl_slice_starts(line, RL_SLICE("  "))) {
    if (!s->line.len) die(r, "fields without a frame", line);
    rl_buf_add_slice(&s->fields, line);
    rl_buf_add_char(&s->fields, '\n');
    return;
  }
  end_statement(r);
  if (!line.len) return;
  if (wire_read_directive(line, &directive)) {
    *add_step(r, last_case(r)) = directive;
    return;
  }
  rl_slice rest = line, count = next_word(&rest);
  bool repeats = take_word(&rest, "x");
  s->times = repeats ? to_number(r, count) : 1;
  rl_buf_add_slice(&s->line, repeats ? rest : line);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------------ */

static wire2_want *add_want(reader *r, wire2_want_kind kind) {
  if (r->want_count == WIRE2_WANTS) die(r, "too many lines", RL_SLICE(""));
  wire2_want *want = &r->wants[r->want_count++];
  *want = (wire2_want){.kind = kind, .stream = UINT32_MAX};
  rl_buf_init(&want->text, RL_BUF_NO_LIMIT);
  return want;
}

static uint32_t read_codes(const reader *r, rl_slice word) {
  uint32_t codes = 0;
  while (word.len) {
    size_t bar = rl_slice_find(word, '|', 0);
    codes |= 1u << to_code(r, rl_slice_of(word.data, bar));
    word = rest_after(word, bar + 1);
  }
  return codes;
}

static void add_detail(reader *r, wire2_want *want, wire2_field_kind kind, rl_slice line) {
  if (want->field_count == WIRE2_FIELDS) die(r, "too many fields", line);
  size_t i = want->field_count++, colon = kind == WIRE2_LACKS ? line.len : rl_slice_find(line, ':', 1);
  if (kind != WIRE2_LACKS && colon == line.len) die(r, "a field was expected", line);
  want->fields[i].kind = kind;
  want->fields[i].name = copy(rl_slice_of(line.data, colon));
  want->fields[i].value = copy(rest_after(line, colon + 1));
}

static void read_detail(reader *r, rl_slice line) {
  wire2_want *want = r->want_count ? &r->wants[r->want_count - 1] : NULL;
  if (!want || want->kind != WIRE2_RESPONSE) die(r, "this belongs to a response", line);
  if (line.data[0] == '>') {
    want->has_body = true;
    wire_decode(&want->text, rest_after(line, 1));
  } else if (take_word(&line, "incomplete")) {
    want->incomplete = true;
  } else if (take_word(&line, "no")) {
    add_detail(r, want, WIRE2_LACKS, line);
  } else if (take_word(&line, "trailer")) {
    add_detail(r, want, WIRE2_TRAILER, line);
  } else if (take_word(&line, "hint")) {
    add_detail(r, want, WIRE2_HINT, line);
  } else {
    add_detail(r, want, WIRE2_HAS, line);
  }
}

static void read_settings_want(reader *r, rl_slice line) {
  if (take_word(&line, "ack")) {
    add_want(r, WIRE2_SETTINGS_ACK);
    return;
  }
  size_t equals = rl_slice_find(line, '=', 0);
  int id = frames_setting(rl_slice_of(line.data, equals));
  if (id < 0) die(r, "no such setting", line);
  wire2_want *want = add_want(r, WIRE2_SETTINGS);
  want->setting = (uint16_t)id;
  want->number = to_number(r, rest_after(line, equals + 1));
}

static void read_numbered(reader *r, wire2_want_kind kind, rl_slice line) {
  wire2_want *want = add_want(r, kind);
  want->stream = next_number(r, &line);
  if (kind == WIRE2_RESPONSE || kind == WIRE2_DATA) want->number = next_number(r, &line);
  if (kind == WIRE2_RESET) want->codes = read_codes(r, next_word(&line));
  if (line.len) die(r, "more than was expected", line);
}

static void read_goaway(reader *r, rl_slice line) {
  wire2_want *want = add_want(r, WIRE2_GOAWAY);
  want->codes = read_codes(r, next_word(&line));
  if (take_word(&line, "last")) want->stream = next_number(r, &line);
}

static bool read_ending(wire2_case *first, rl_slice line) {
  static const struct {
    const char *word;
    wire_ending ending;
  } endings[] = {{"open", WIRE_OPEN}, {"closed", WIRE_CLOSED}, {"reset", WIRE_BROKEN}};
  for (int i = 0; i < 3; i++) {
    if (!rl_slice_eq(line, rl_slice_str(endings[i].word))) continue;
    for (wire2_case *c = first; c; c = c->next) c->ending = endings[i].ending;
    return true;
  }
  return false;
}

static void read_answer_line(reader *r, rl_slice line) {
  static const struct {
    const char *word;
    wire2_want_kind kind;
  } numbered[] = {
      {"response", WIRE2_RESPONSE}, {"data", WIRE2_DATA}, {"reset", WIRE2_RESET}, {"nothing", WIRE2_NOTHING}};
  if (!line.len || read_ending(r->unanswered, line)) return;
  if (rl_slice_starts(line, RL_SLICE("  "))) {
    read_detail(r, rl_slice_trim(line));
    return;
  }
  for (int i = 0; i < 4; i++) {
    if (!take_word(&line, numbered[i].word)) continue;
    read_numbered(r, numbered[i].kind, line);
    return;
  }
  if (take_word(&line, "settings")) {
    read_settings_want(r, line);
  } else if (take_word(&line, "goaway")) {
    read_goaway(r, line);
  } else if (take_word(&line, "ping")) {
    wire_decode(&add_want(r, WIRE2_PING)->text, next_word(&line));
  } else if (take_word(&line, "events:")) {
    for (wire2_case *c = r->unanswered; c; c = c->next) c->events = copy(line);
  } else {
    die(r, "not a line of an answer", line);
  }
}

/* ---- pages --------------------------------------------------------------------------------------------------------------------- */

static void open_frames(reader *r) {
  wire2_case *c = must(calloc(1, sizeof *c));
  char name[300];
  snprintf(name, sizeof name, "%s:%d %s", r->file, r->number, r->heading);
  c->name = copy(rl_slice_str(name));
  *r->end = c;
  r->end = &c->next;
  if (!r->unanswered) r->unanswered = c;
}

static void close_answer(reader *r) {
  for (wire2_case *c = r->unanswered; c; c = c->next) {
    c->wants = r->wants;
    c->want_count = r->want_count;
  }
  r->unanswered = NULL;
}

static void read_fence(reader *r, rl_slice line) {
  if (r->block == FRAMES) end_statement(r);
  if (r->block == ANSWER) close_answer(r);
  if (r->block != PROSE) {
    r->block = PROSE;
  } else if (rl_slice_eq(line, RL_SLICE("```frames"))) {
    r->block = FRAMES;
    open_frames(r);
  } else if (rl_slice_eq(line, RL_SLICE("```answer")) && r->unanswered) {
    r->block = ANSWER;
    r->wants = must(calloc(WIRE2_WANTS, sizeof *r->wants));
    r->want_count = 0;
  } else {
    die(r, "a block is ```frames, then ```answer", line);
  }
}

static void read_line(reader *r, rl_slice line) {
  if (rl_slice_starts(line, RL_SLICE("```"))) {
    read_fence(r, line);
  } else if (r->block == FRAMES) {
    read_frames_line(r, line);
  } else if (r->block == ANSWER) {
    read_answer_line(r, line);
  } else if (rl_slice_starts(line, RL_SLICE("## "))) {
    if (r->unanswered) die(r, "the frames above have no answer", line);
    snprintf(r->heading, sizeof r->heading, "%.*s", (int)line.len - 3, line.data + 3);
  }
}

static void read_page(void *ud, const char *path, const char *name) {
  wire2_case **first = ud;
  while (*first) first = &(*first)->next;
  reader r = {.file = name};
  r.end = &r.first;
  rl_buf_init(&r.pending.line, RL_BUF_NO_LIMIT);
  rl_buf_init(&r.pending.fields, RL_BUF_NO_LIMIT);
  FILE *file = must(fopen(path, "r"));
  char *line = NULL;
  size_t cap = 0;
  for (ssize_t len; (len = getline(&line, &cap, file)) >= 0;) {
    r.number++;
    if (len && line[len - 1] == '\n') len--;
    read_line(&r, rl_slice_of(line, (size_t)len));
  }
  free(line);
  fclose(file);
  if (r.block != PROSE || r.unanswered) die(&r, "ends in the middle of a test", RL_SLICE(""));
  rl_buf_free(&r.pending.line);
  rl_buf_free(&r.pending.fields);
  *first = r.first;
}

wire2_case *wire2_read_folder(const char *folder) {
  wire2_case *first = NULL;
  wire_each_page(folder, read_page, &first);
  return first;
}

static void free_wants(wire2_want *wants, size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (size_t f = 0; f < wants[i].field_count; f++) {
      free(wants[i].fields[f].name);
      free(wants[i].fields[f].value);
    }
    rl_buf_free(&wants[i].text);
  }
  free(wants);
}

void wire2_free(wire2_case *first) {
  while (first) {
    wire2_case *c = first;
    first = c->next;
    if (!first || first->wants != c->wants) free_wants(c->wants, c->want_count);
    for (size_t i = 0; i < c->step_count; i++) rl_buf_free(&c->steps[i].bytes);
    free(c->name);
    free(c->events);
    free(c);
  }
}
