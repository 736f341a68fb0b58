/* The state machine of multipart.h. */
#include "http/multipart.h"

#include "base/ascii.h"
#include "base/error.h"
#include "base/url.h"
#include "http/params.h"

enum { PREAMBLE, BEHIND_BOUNDARY, DASH, PADDING, LINE_FEED, HEAD, DATA, EPILOGUE, FAILED };

static int fail(rl_multipart *m, int code, const char *why) {
  m->state = FAILED;
  m->why = why;
  return code;
}

static void advance(rl_slice *in, size_t count) {
  in->data += count;
  in->len -= count;
}

/* ---- the boundary ---------------------------------------------------------------------------------------------------------- */

/* bchars of RFC 2046 section 5.1.1; the last one is no space. */
static bool boundary_is_valid(rl_slice boundary) {
  if (!boundary.len || boundary.len > RL_BOUNDARY_MOST || boundary.data[boundary.len - 1] == ' ') return false;
  for (size_t i = 0; i < boundary.len; i++) {
    char c = boundary.data[i];
    if (!rl_is((unsigned char)c, RL_CHAR_ALPHA | RL_CHAR_DIGIT) && (!c || !strchr("'()+_,-./:=? ", c))) return false;
  }
  return true;
}

int rl_multipart_init(rl_multipart *m, rl_slice content_type, size_t most_parts) {
  memset(m, 0, sizeof *m);
  rl_buf_init(&m->head, RL_LIMIT_PART_HEADERS);
  m->most_parts = most_parts;
  rl_slice rest, type = rl_params_begin(content_type, &rest);
  if (type.len < 10 || !rl_slice_eq_nocase(rl_slice_of(type.data, 10), RL_SLICE("multipart/")))
    return fail(m, RL_EUNSUPPORTED, "the body is not multipart");
  rl_param_value boundary;
  int found = rl_params_find(rest, RL_SLICE("boundary"), &boundary);
  if (found != 1 || !boundary_is_valid(boundary.value))
    return fail(m, RL_EINVALID, "the Content-Type has no valid boundary");
  memcpy(m->delimiter, "\r\n--", 4);
  memcpy(m->delimiter + 4, boundary.value.data, boundary.value.len);
  m->delimiter_len = 4 + boundary.value.len;
  m->state = PREAMBLE;
  m->matched = 2; /* the very first line may be a delimiter */
  m->borrowed = true;
  return RL_OK;
}

void rl_multipart_free(rl_multipart *m) { rl_buf_free(&m->head); }

/* ---- data, up to a delimiter ----------------------------------------------------------------------------------------------- */

static int found_delimiter(rl_multipart *m) {
  bool in_part = m->state == DATA;
  m->matched = 0;
  m->state = BEHIND_BOUNDARY;
  return in_part ? RL_MULTIPART_PART_END : RL_MULTIPART_MORE;
}

static int give(rl_multipart *m, rl_slice data) {
  m->data = data;
  return m->state == DATA && data.len ? RL_MULTIPART_DATA : RL_MULTIPART_MORE;
}

/* The last input ended inside of what may be a delimiter: it goes on, or what had matched is data after all. */
static int resume_match(rl_multipart *m, rl_slice *in) {
  size_t missing = m->delimiter_len - m->matched, count = in->len < missing ? in->len : missing;
  if (memcmp(in->data, m->delimiter + m->matched, count) == 0) {
    advance(in, count);
    m->matched += count;
    return m->matched == m->delimiter_len ? found_delimiter(m) : RL_MULTIPART_MORE;
  }
  size_t same = 0;
  while (in->data[same] == m->delimiter[m->matched + same]) same++;
  advance(in, same);
  size_t skip = m->borrowed ? 2 : 0, len = m->matched + same - skip;
  m->matched = 0;
  return give(m, rl_slice_of(m->delimiter + skip, len));
}

/* Returns the bytes before the next place where a delimiter is, or may begin. */
static int scan(rl_multipart *m, rl_slice *in) {
  if (m->matched) return resume_match(m, in);
  m->borrowed = false;
  size_t at = 0, same = 0;
  for (;; at++) {
    at = rl_slice_find(*in, '\r', at);
    size_t left = in->len - at;
    same = left < m->delimiter_len ? left : m->delimiter_len;
    if (memcmp(in->data + at, m->delimiter, same) == 0) break; /* also at the end, where nothing is left */
  }
  rl_slice before = rl_slice_of(in->data, at);
  if (at) {
    advance(in, at);
    return give(m, before);
  }
  advance(in, same);
  m->matched = same;
  return same == m->delimiter_len ? found_delimiter(m) : RL_MULTIPART_MORE;
}

/* ---- what follows a boundary ----------------------------------------------------------------------------------------------- */

static int begin_head(rl_multipart *m) {
  if (m->parts++ == m->most_parts) return fail(m, RL_ETOOBIG, "the body has too many parts");
  rl_buf_clear(&m->head);
  m->line = 0;
  m->state = HEAD;
  return RL_MULTIPART_MORE;
}

/* One byte: the end of the line, or "--" after the last part. Blanks before the end are padding. */
static int step_boundary(rl_multipart *m, rl_slice *in) {
  char c = in->data[0];
  advance(in, 1);
  if (m->state == DASH) {
    if (c != '-') return fail(m, RL_ESYNTAX, "a boundary is followed by something else than the end of its line");
    m->state = EPILOGUE;
    return RL_MULTIPART_END;
  }
  if (m->state == LINE_FEED) {
    if (c != '\n') return fail(m, RL_ESYNTAX, "a line does not end with CR and LF");
    return begin_head(m);
  }
  if (c == '-' && m->state == BEHIND_BOUNDARY) m->state = DASH;
  else if (c == ' ' || c == '\t') m->state = PADDING;
  else if (c == '\r') m->state = LINE_FEED;
  else return fail(m, RL_ESYNTAX, "a boundary is followed by something else than the end of its line");
  return RL_MULTIPART_MORE;
}

/* ---- the head of a part ---------------------------------------------------------------------------------------------------- */

static bool parse_field(rl_multipart *m, rl_slice line) {
  size_t colon = rl_slice_find(line, ':', 0);
  rl_slice name = rl_slice_of(line.data, colon);
  if (colon == line.len || !rl_header_name_is_safe(name)) return false;
  rl_slice value = rl_slice_trim(rl_slice_of(line.data + colon + 1, line.len - colon - 1));
  if (!rl_header_value_is_safe(value)) return false;
  m->fields[m->field_count++] = (rl_header){.name = name, .value = value, .id = (uint8_t)rl_header_id_of(name)};
  return true;
}

/* All lines are there; a line that begins with a blank would continue the one before (obs-fold) and is refused. */
static int parse_head(rl_multipart *m) {
  rl_slice rest = rl_buf_slice(&m->head);
  m->field_count = 0;
  while (rest.len) {
    size_t end = rl_slice_find(rest, '\n', 0);
    if (m->field_count == RL_LIMIT_PART_FIELDS) return fail(m, RL_EINVALID, "a part has too many header lines");
    if (!parse_field(m, rl_slice_of(rest.data, end - 1)))
      return fail(m, RL_ESYNTAX, "a header line of a part is malformed");
    advance(&rest, end + 1);
  }
  m->state = DATA;
  m->matched = 2; /* the CRLF of the empty line may be that of a delimiter: a part without data */
  m->borrowed = true;
  return RL_MULTIPART_PART;
}

/* Takes one line, or what there is of it. */
static int gather_head(rl_multipart *m, rl_slice *in) {
  size_t end = rl_slice_find(*in, '\n', 0);
  bool complete = end < in->len;
  size_t count = complete ? end + 1 : end;
  int code = rl_buf_add(&m->head, in->data, count);
  if (code == RL_ETOOBIG) return fail(m, RL_EINVALID, "the header of a part is too large");
  if (code) return fail(m, code, rl_error_text(code));
  advance(in, count);
  if (!complete) return RL_MULTIPART_MORE;
  size_t len = m->head.len - m->line;
  if (len < 2 || m->head.data[m->head.len - 2] != '\r')
    return fail(m, RL_ESYNTAX, "a line does not end with CR and LF");
  if (len > 2) {
    m->line = m->head.len;
    return RL_MULTIPART_MORE;
  }
  m->head.len -= 2;
  return parse_head(m);
}

/* ---- steps ------------------------------------------------------------------------------------------------------------------ */

static int step(rl_multipart *m, rl_slice *in) {
  switch (m->state) {
    case PREAMBLE:
    case DATA: return scan(m, in);
    case HEAD: return gather_head(m, in);
    case EPILOGUE: advance(in, in->len); return RL_MULTIPART_MORE;
    case FAILED: return RL_ESYNTAX;
    default: return step_boundary(m, in);
  }
}

int rl_multipart_next(rl_multipart *m, rl_slice *in) {
  int event = RL_MULTIPART_MORE;
  while (in->len && event == RL_MULTIPART_MORE) event = step(m, in);
  return event;
}

int rl_multipart_finish(rl_multipart *m) {
  return m->state == EPILOGUE ? RL_OK : fail(m, RL_ESYNTAX, "the body ends before its last boundary");
}

/* ---- what a part is ---------------------------------------------------------------------------------------------------------- */

/* Slices of the head are ours to change: it is not looked at again. */
static rl_slice unescape(rl_param_value param) {
  char *data = (char *)(uintptr_t)param.value.data;
  return rl_slice_of(data, param.quoted ? rl_params_unescape(data, param.value.len) : param.value.len);
}

/* UTF-8''%e2%82%ac.txt (RFC 8187), in place; "" if it is anything else. */
static rl_slice decode_extended(rl_slice value) {
  if (value.len < 6 || !rl_slice_eq_nocase(rl_slice_of(value.data, 6), RL_SLICE("UTF-8'"))) return RL_SLICE("");
  size_t second = rl_slice_find(value, '\'', 6);
  if (second == value.len) return RL_SLICE("");
  rl_slice text = rl_slice_of(value.data + second + 1, value.len - second - 1);
  long len = rl_url_decode(text, false, (char *)(uintptr_t)text.data);
  return len < 0 ? RL_SLICE("") : rl_slice_of(text.data, (size_t)len);
}

/* The one field of that name: 1, 0 if there is none, RL_ESYNTAX if there are two. */
static int find_field(const rl_multipart *m, rl_slice name, rl_slice *value) {
  int found = 0;
  for (size_t i = 0; i < m->field_count; i++) {
    if (!rl_slice_eq_nocase(m->fields[i].name, name)) continue;
    if (found++) return RL_ESYNTAX;
    *value = m->fields[i].value;
  }
  return found;
}

static int describe_file(rl_slice params, rl_part *part) {
  rl_param_value param;
  int found = rl_params_find(params, RL_SLICE("filename"), &param);
  if (found == 1) part->filename = unescape(param);
  else if (found == 0 && (found = rl_params_find(params, RL_SLICE("filename*"), &param)) == 1)
    part->filename = decode_extended(param.value);
  part->is_file = found == 1;
  return found < 0 ? found : RL_OK;
}

int rl_multipart_describe(rl_multipart *m, rl_part *part) {
  static const char *const malformed = "the Content-Disposition of a part is malformed";
  rl_slice disposition, params;
  rl_param_value name;
  *part = (rl_part){.name = RL_SLICE(""), .filename = RL_SLICE(""), .content_type = RL_SLICE("")};
  if (find_field(m, RL_SLICE("content-type"), &part->content_type) < 0)
    return fail(m, RL_ESYNTAX, "a part has two Content-Types");
  int found = find_field(m, RL_SLICE("content-disposition"), &disposition);
  if (found == 0) return RL_OK;
  if (found < 0) return fail(m, RL_ESYNTAX, malformed);
  part->is_form_data = rl_slice_eq_nocase(rl_params_begin(disposition, &params), RL_SLICE("form-data"));
  int has_name = rl_params_find(params, RL_SLICE("name"), &name);
  if (has_name < 0 || describe_file(params, part)) return fail(m, RL_ESYNTAX, malformed);
  part->has_name = has_name == 1;
  if (has_name) part->name = unescape(name);
  return RL_OK;
}
