/* Reads wire tests from Markdown; see wire.h for the language. */
#define _GNU_SOURCE
#include "support/wire.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/list.h"

typedef enum block { PROSE, REQUEST, RESPONSE } block;

typedef struct parser {
  const char *file;
  int line;
  char heading[200];
  bool all_wire_only, wire_only; /* of the file, of the heading */
  block block;
  wire_case *first, **end; /* of the list */
  wire_case *unanswered;   /* the first request that waits for its response block */
  wire_answer *answers;
  size_t answer_count;
} parser;

static void die(const parser *p, const char *what, rl_slice text) {
  fprintf(stderr, "%s:%d: %s: %.*s\n", p->file, p->line, what, RL_FMT(text));
  exit(1);
}

static void *must(void *memory) {
  if (!memory) abort();
  return memory;
}

static char *copy(rl_slice s) {
  char *text = must(malloc(s.len + 1));
  memcpy(text, s.data, s.len);
  text[s.len] = 0;
  return text;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------------- */

static size_t decode_escape(rl_buf *out, rl_slice s) {
  static const char from[] = "rnt0\\", to[] = "\r\n\t\0\\";
  if (s.len >= 4 && s.data[1] == 'x') {
    rl_buf_add_char(out, (char)(rl_hex_value(s.data[2]) * 16 + rl_hex_value(s.data[3])));
    return 4;
  }
  const char *found = s.len > 1 ? memchr(from, s.data[1], 5) : NULL;
  rl_buf_add_char(out, found ? to[found - from] : '\\');
  return found ? 2 : 1;
}

/* "[text x 20" before a bracket: the index of " x ", or 0. */
static size_t find_times(rl_slice inside) {
  size_t at = inside.len;
  while (at > 0 && rl_is((unsigned char)inside.data[at - 1], RL_CHAR_DIGIT)) at--;
  if (at == inside.len || at < 4 || memcmp(inside.data + at - 3, " x ", 3) != 0) return 0;
  return at - 3;
}

/* Returns the index of the bracket that closes the one at the start, or s.len. Repeats nest. */
static size_t find_close(rl_slice s) {
  int depth = 0;
  for (size_t i = 0; i < s.len; i++) {
    depth += (s.data[i] == '[') - (s.data[i] == ']');
    if (!depth) return i;
  }
  return s.len;
}

static size_t decode_repeat(rl_buf *out, rl_slice s) {
  size_t close = find_close(s);
  rl_slice inside = rl_slice_of(s.data, close);
  size_t times = close < s.len ? find_times(inside) : 0;
  if (!times) {
    rl_buf_add_char(out, '[');
    return 1;
  }
  for (long n = strtol(inside.data + times + 3, NULL, 10); n > 0; n--)
    wire_decode(out, rl_slice_of(inside.data + 1, times - 1));
  return close + 1;
}

void wire_decode(rl_buf *out, rl_slice s) {
  while (s.len) {
    size_t used = 1;
    if (s.data[0] == '\\') used = decode_escape(out, s);
    else if (s.data[0] == '[') used = decode_repeat(out, s);
    else rl_buf_add_char(out, s.data[0]);
    s = rl_slice_of(s.data + used, s.len - used);
  }
}

/* ---- requests ------------------------------------------------------------------------------------------------------------ */

static wire_step *add_step(parser *p, wire_case *c, wire_what what) {
  if (c->step_count == WIRE_STEPS) die(p, "too many steps", RL_SLICE(""));
  wire_step *step = &c->steps[c->step_count++];
  *step = (wire_step){.what = what};
  rl_buf_init(&step->bytes, RL_BUF_NO_LIMIT);
  return step;
}

static const struct {
  const char *word;
  wire_what what;
} directives[] = {{"pause", WIRE_PAUSE},   {"eof", WIRE_EOF},    {"reset", WIRE_RESET}, {"stall", WIRE_STALL},
                  {"take", WIRE_TAKE},     {"stop", WIRE_STOP},  {"sees", WIRE_SEES},   {"unseen", WIRE_UNSEEN},
                  {"writes", WIRE_WRITES}, {"limit", WIRE_LIMIT}};

bool wire_read_directive(rl_slice line, wire_step *step) {
  if (line.len < 2 || line.data[0] != '[' || line.data[line.len - 1] != ']') return false;
  rl_slice inside = rl_slice_of(line.data + 1, line.len - 2);
  size_t space = rl_slice_find(inside, ' ', 0);
  rl_slice word = rl_slice_of(inside.data, space);
  rl_slice rest = rl_slice_trim(rl_slice_of(inside.data + space, inside.len - space));
  for (size_t i = 0; i < sizeof directives / sizeof *directives; i++) {
    if (!rl_slice_eq(word, rl_slice_str(directives[i].word))) continue;
    *step = (wire_step){.what = directives[i].what};
    rl_buf_init(&step->bytes, RL_BUF_NO_LIMIT);
    size_t name = step->what == WIRE_LIMIT ? rl_slice_find(rest, ' ', 0) : 0;
    if (step->what == WIRE_SEES || step->what == WIRE_UNSEEN || name)
      wire_decode(&step->bytes, name ? rl_slice_of(rest.data, name) : rest);
    step->number = rl_slice_eq(rest, RL_SLICE("all")) ? SIZE_MAX : strtoull(rest.data + name, NULL, 10);
    return true;
  }
  return false;
}

static void read_request_line(parser *p, wire_case *c, rl_slice line) {
  wire_step directive;
  if (wire_read_directive(line, &directive)) {
    *add_step(p, c, directive.what) = directive;
    return;
  }
  bool fresh = !c->step_count || c->steps[c->step_count - 1].what != WIRE_BYTES;
  wire_step *step = fresh ? add_step(p, c, WIRE_BYTES) : &c->steps[c->step_count - 1];
  bool joined = line.len && line.data[line.len - 1] == '\\';
  wire_decode(&step->bytes, rl_slice_of(line.data, line.len - joined));
  if (!joined) rl_buf_add_str(&step->bytes, "\r\n");
}

static wire_case *open_request(parser *p) {
  wire_case *c = must(calloc(1, sizeof *c));
  char name[300];
  snprintf(name, sizeof name, "%s:%d %s", p->file, p->line, p->heading);
  c->name = copy(rl_slice_str(name));
  c->wire_only = p->all_wire_only || p->wire_only;
  *p->end = c;
  p->end = &c->next;
  if (!p->unanswered) p->unanswered = c;
  return c;
}

/* ---- responses ----------------------------------------------------------------------------------------------------------- */

static bool read_ending(wire_case *first, rl_slice line) {
  static const char *const words[] = {"open", "closed", "reset", "waiting"};
  for (int i = 0; i < 4; i++) {
    if (!rl_slice_eq(line, rl_slice_str(words[i]))) continue;
    for (wire_case *c = first; c; c = c->next) c->ending = (wire_ending)i;
    return true;
  }
  return false;
}

static bool read_events(wire_case *first, rl_slice line) {
  if (!rl_slice_starts(line, RL_SLICE("events:"))) return false;
  rl_slice rest = rl_slice_trim(rl_slice_of(line.data + 7, line.len - 7));
  for (wire_case *c = first; c; c = c->next) c->events = copy(rest);
  return true;
}

static void read_field(parser *p, wire_answer *a, rl_slice line) {
  if (a->field_count == WIRE_FIELDS) die(p, "too many fields", line);
  size_t i = a->field_count++, colon = rl_slice_find(line, ':', 0);
  if (rl_slice_starts(line, RL_SLICE("no "))) {
    a->fields[i].name = copy(rl_slice_of(line.data + 3, line.len - 3));
    return;
  }
  if (colon == line.len) die(p, "neither a status, a field, a body nor an ending", line);
  a->fields[i].name = copy(rl_slice_of(line.data, colon));
  a->fields[i].value = copy(rl_slice_trim(rl_slice_of(line.data + colon + 1, line.len - colon - 1)));
}

static bool is_status(rl_slice line) {
  if (line.len != 3) return false;
  for (int i = 0; i < 3; i++)
    if (!rl_is((unsigned char)line.data[i], RL_CHAR_DIGIT)) return false;
  return true;
}

static void add_answer(parser *p, rl_slice status) {
  if (p->answer_count == WIRE_ANSWERS) die(p, "too many answers", status);
  wire_answer *a = &p->answers[p->answer_count++];
  a->status = atoi(status.data);
  rl_buf_init(&a->body, RL_BUF_NO_LIMIT);
}

/* Adds an answer for "200", or twenty for "[200 x 20]". */
static bool read_status(parser *p, rl_slice line) {
  long count = 1;
  if (line.data[0] == '[' && line.data[line.len - 1] == ']') {
    rl_slice inside = {line.data + 1, line.len - 2};
    size_t times = find_times(inside);
    if (times) count = strtol(inside.data + times + 3, NULL, 10);
    line = rl_slice_of(inside.data, times);
  }
  if (!is_status(line)) return false;
  while (count-- > 0) add_answer(p, line);
  return true;
}

static void read_response_line(parser *p, rl_slice line) {
  if (!line.len || read_ending(p->unanswered, line) || read_events(p->unanswered, line) || read_status(p, line)) return;
  if (!p->answer_count) die(p, "a status was expected", line);
  wire_answer *a = &p->answers[p->answer_count - 1];
  if (rl_slice_eq(line, RL_SLICE("no body"))) {
    a->no_body = true;
  } else if (rl_slice_eq(line, RL_SLICE("cut off"))) {
    a->cut_off = true;
  } else if (line.data[0] == '>') {
    a->has_body = true;
    size_t skip = line.len > 1 && line.data[1] == ' ' ? 2 : 1;
    wire_decode(&a->body, rl_slice_of(line.data + skip, line.len - skip));
  } else {
    read_field(p, a, line);
  }
}

static void open_response(parser *p) {
  if (!p->unanswered) die(p, "a response block without a request", RL_SLICE(""));
  p->answers = must(calloc(WIRE_ANSWERS, sizeof *p->answers));
  p->answer_count = 0;
}

static void close_response(parser *p) {
  for (wire_case *c = p->unanswered; c; c = c->next) {
    c->answers = p->answers;
    c->answer_count = p->answer_count;
  }
  p->unanswered = NULL;
}

/* ---- the file -------------------------------------------------------------------------------------------------------------- */

static void read_fence(parser *p, rl_slice line) {
  if (p->block == RESPONSE) close_response(p);
  if (p->block != PROSE) {
    p->block = PROSE;
  } else if (rl_slice_eq(line, RL_SLICE("```request"))) {
    p->block = REQUEST;
    open_request(p);
  } else if (rl_slice_eq(line, RL_SLICE("```response"))) {
    p->block = RESPONSE;
    open_response(p);
  } else {
    die(p, "a block is ```request or ```response", line);
  }
}

static void read_line(parser *p, rl_slice line) {
  if (rl_slice_starts(line, RL_SLICE("```"))) {
    read_fence(p, line);
  } else if (p->block == REQUEST) {
    read_request_line(p, RL_CONTAINER(p->end, wire_case, next), line);
  } else if (p->block == RESPONSE) {
    read_response_line(p, line);
  } else if (rl_slice_starts(line, RL_SLICE("## "))) {
    if (p->unanswered) die(p, "the request above has no response", line);
    snprintf(p->heading, sizeof p->heading, "%.*s", (int)line.len - 3, line.data + 3);
    p->wire_only = false;
  } else if (rl_slice_starts(line, RL_SLICE("Wire only: "))) {
    if (*p->heading) p->wire_only = true;
    else p->all_wire_only = true;
  }
}

wire_case *wire_read(const char *path, const char *name) {
  parser p = {.file = name};
  p.end = &p.first;
  FILE *file = fopen(path, "r");
  if (!file) die(&p, "cannot be read", rl_slice_str(path));
  char *line = NULL;
  size_t cap = 0;
  for (ssize_t len; (len = getline(&line, &cap, file)) >= 0;) {
    p.line++;
    if (len && line[len - 1] == '\n') len--;
    read_line(&p, rl_slice_of(line, (size_t)len));
  }
  free(line);
  fclose(file);
  if (p.block != PROSE || p.unanswered) die(&p, "ends in the middle of a test", RL_SLICE(""));
  return p.first;
}

static int is_markdown(const struct dirent *entry) {
  size_t len = strlen(entry->d_name);
  return len > 3 && strcmp(entry->d_name + len - 3, ".md") == 0;
}

void wire_each_page(const char *folder, void (*take)(void *ud, const char *path, const char *name), void *ud) {
  struct dirent **names;
  int count = scandir(folder, &names, is_markdown, alphasort);
  for (int i = 0; i < count; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
    take(ud, path, names[i]->d_name);
    free(names[i]);
  }
  if (count >= 0) free(names);
}

static void append_page(void *ud, const char *path, const char *name) {
  wire_case **end = ud;
  while (*end) end = &(*end)->next;
  *end = wire_read(path, name);
}

wire_case *wire_read_folder(const char *folder) {
  wire_case *first = NULL;
  wire_each_page(folder, append_page, &first);
  return first;
}

static void free_answers(wire_answer *answers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (size_t f = 0; f < answers[i].field_count; f++) {
      free(answers[i].fields[f].name);
      free(answers[i].fields[f].value);
    }
    rl_buf_free(&answers[i].body);
  }
  free(answers);
}

void wire_set_limit(rl_limits *l, const wire_step *step) {
  rl_slice name = rl_buf_slice(&step->bytes);
  uint64_t number = step->number;
  if (rl_slice_eq(name, RL_SLICE("requests"))) l->requests = (uint32_t)number;
  else if (rl_slice_eq(name, RL_SLICE("fields"))) l->fields = number;
  else if (rl_slice_eq(name, RL_SLICE("field"))) l->field = number;
  else if (rl_slice_eq(name, RL_SLICE("fields_size"))) l->fields_size = number;
  else if (rl_slice_eq(name, RL_SLICE("request_line"))) l->request_line = number;
  else if (rl_slice_eq(name, RL_SLICE("body"))) l->body = number;
  else if (rl_slice_eq(name, RL_SLICE("linger"))) l->linger_ms = (uint32_t)number;
  else if (rl_slice_eq(name, RL_SLICE("linger_size"))) l->linger_size = number;
  else die(&(parser){.file = "[limit …]"}, "no such limit", name);
}

void wire_free(wire_case *first) {
  while (first) {
    wire_case *c = first;
    first = c->next;
    if (!first || first->answers != c->answers) free_answers(c->answers, c->answer_count);
    for (size_t i = 0; i < c->step_count; i++) rl_buf_free(&c->steps[i].bytes);
    free(c->name);
    free(c->events);
    free(c);
  }
}
