/* Response heads, line by line; see response_head.h. */
#include "http/h1/response_head.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "http/header.h"

enum { USUAL_BLOCK = 512 }; /* most heads fit */

void rl_response_head_init(rl_response_head *head) {
  *head = (rl_response_head){0};
  rl_buf_init(&head->block, RL_LIMIT_RESPONSE_HEAD);
}

void rl_response_head_free(rl_response_head *head) {
  rl_buf_free(&head->block);
  rl_free(head->fields);
  head->fields = NULL;
  head->count = head->cap = 0;
}

bool rl_response_head_is_status_line(rl_slice line) { return rl_slice_starts(line, RL_SLICE("HTTP/")); }

static rl_slice without_end(rl_slice line) {
  if (line.len && line.data[line.len - 1] == '\n') line.len--;
  if (line.len && line.data[line.len - 1] == '\r') line.len--;
  return line;
}

/* "1.1", "2" */
static int take_version(rl_response_head *head, rl_slice version) {
  if (!version.len || version.len >= sizeof head->version) return RL_EPROTOCOL;
  memcpy(head->version, version.data, version.len);
  head->version[version.len] = 0;
  return RL_OK;
}

/* "HTTP/1.1 200 OK", "HTTP/2 200", "HTTP/1.1 200": of the reason nobody needs to know, but it is text (RFC 9112 section 4). */
int rl_response_head_begin(rl_response_head *head, rl_slice line) {
  unsigned long long status;
  line = without_end(line);
  rl_buf_clear(&head->block);
  head->count = 0;
  head->complete = head->dropped = false;
  size_t from = rl_slice_find(line, ' ', 0) + 1;
  if (!rl_response_head_is_status_line(line) || line.len < from + 3 ||
      rl_slice_to_u64(rl_slice_of(line.data + from, 3), &status))
    return RL_EPROTOCOL;
  if (status < 100 || (line.len > from + 3 && line.data[from + 3] != ' ')) return RL_EPROTOCOL;
  if (!rl_header_value_is_safe(rl_slice_of(line.data + from + 3, line.len - from - 3))) return RL_EPROTOCOL;
  head->status = (int)status;
  size_t name_len = strlen("HTTP/");
  if (take_version(head, rl_slice_of(line.data + name_len, from - 1 - name_len))) return RL_EPROTOCOL;
  return rl_buf_reserve(&head->block, USUAL_BLOCK);
}

static int grow(rl_response_head *head) {
  if (head->count < head->cap) return RL_OK;
  if (head->cap >= RL_LIMIT_RESPONSE_FIELDS) return RL_ETOOBIG;
  size_t cap = head->cap ? head->cap * 2 : 16;
  rl_response_head_field *grown = rl_realloc(head->fields, cap * sizeof *grown);
  if (!grown) return RL_ENOMEM;
  head->fields = grown;
  head->cap = cap;
  return RL_OK;
}

/* A cookie with a control character in it is ignored, and the response is not (RFC 6265bis section 5.6). CR and NUL are no
 * such: what they end to others makes another message of it (RFC 9110 section 5.5). */
static bool is_only_a_cookie(rl_slice name, rl_slice value) {
  if (!rl_slice_eq_nocase(name, RL_SLICE("set-cookie"))) return false;
  return !memchr(value.data, '\r', value.len) && !memchr(value.data, 0, value.len);
}

static int refuse_value(rl_response_head *head, rl_slice name, rl_slice value) {
  head->dropped = is_only_a_cookie(name, value);
  return head->dropped ? RL_OK : RL_EPROTOCOL;
}

/* A line that begins with a space: its text belongs to the value before it. Not framing: libcurl does not unfold, and would
 * read another one than we do. */
static int fold(rl_response_head *head, rl_slice line) {
  rl_slice text = rl_slice_trim(line);
  bool is_safe = rl_header_value_is_safe(text);
  if (head->dropped) return is_safe ? RL_OK : refuse_value(head, RL_SLICE("set-cookie"), text);
  if (!head->count || rl_header_is_framing(rl_response_head_name(head, head->count - 1))) return RL_EPROTOCOL;
  rl_response_head_field *field = &head->fields[head->count - 1];
  if (!is_safe) return refuse_value(head, rl_response_head_name(head, --head->count), text);
  if (field->value_len) rl_buf_add_char(&head->block, ' '), field->value_len++;
  rl_buf_add_slice(&head->block, text);
  field->value_len += (uint32_t)text.len;
  return head->block.error;
}

static int add_field(rl_response_head *head, rl_slice line) {
  size_t colon = rl_slice_find(line, ':', 0);
  if (colon == line.len) return RL_EPROTOCOL;
  rl_slice name = rl_slice_of(line.data, colon);
  rl_slice value = rl_slice_trim(rl_slice_of(line.data + colon + 1, line.len - colon - 1));
  head->dropped = false;
  if (!rl_header_name_is_safe(name)) return RL_EPROTOCOL;
  if (!rl_header_value_is_safe(value)) return refuse_value(head, name, value);
  int code = grow(head);
  if (code) return code;
  rl_response_head_field *field = &head->fields[head->count++];
  *field = (rl_response_head_field){.name = (uint32_t)head->block.len, .name_len = (uint32_t)name.len};
  rl_buf_add_slice(&head->block, name);
  field->value = (uint32_t)head->block.len;
  field->value_len = (uint32_t)value.len;
  rl_buf_add_slice(&head->block, value);
  return head->block.error;
}

int rl_response_head_add(rl_response_head *head, rl_slice line) {
  line = without_end(line);
  if (line.len == 0) {
    head->complete = true;
    return RL_OK;
  }
  return line.data[0] == ' ' || line.data[0] == '\t' ? fold(head, line) : add_field(head, line);
}

rl_slice rl_response_head_find(const rl_response_head *head, rl_slice name) {
  for (size_t i = 0; i < head->count; i++)
    if (rl_slice_eq_nocase(rl_response_head_name(head, i), name)) return rl_response_head_value(head, i);
  return RL_SLICE_NONE;
}

/* ---- framing ------------------------------------------------------------------------------------------------------- */

/* One line of Content-Length, a list of equal ones too (RFC 9110 section 8.6); it is no list field, so nothing in it is empty. */
static bool take_length(rl_slice value, bool found, int64_t *length) {
  for (size_t from = 0; from <= value.len; found = true) {
    unsigned long long number;
    size_t end = rl_slice_find(value, ',', from);
    if (rl_slice_to_u64(rl_slice_trim(rl_slice_of(value.data + from, end - from)), &number)) return false;
    if (number > INT64_MAX || (found && (int64_t)number != *length)) return false;
    *length = (int64_t)number;
    from = end + 1;
  }
  return true;
}

/* 1: there is one length, 0: none, -1: they are none, or differ. */
static int find_length(const rl_response_head *head, int64_t *length) {
  int found = 0;
  for (size_t i = 0; i < head->count; i++) {
    if (!rl_slice_eq_nocase(rl_response_head_name(head, i), RL_SLICE("content-length"))) continue;
    if (!take_length(rl_response_head_value(head, i), found, length)) return -1;
    found = 1;
  }
  return found;
}

/* 1: Transfer-Encoding is chunked; 0: there is none; -1: it is something else, nothing, or named twice. All its lines are one
 * list, in which empty elements count for nothing (RFC 9110 section 5.6.1.2). */
static int find_chunked(const rl_response_head *head) {
  bool any = false, found = false;
  for (size_t i = 0; i < head->count; i++) {
    if (!rl_slice_eq_nocase(rl_response_head_name(head, i), RL_SLICE("transfer-encoding"))) continue;
    any = true;
    for (rl_slice list = rl_response_head_value(head, i), coding; rl_slice_next_element(&list, &coding);) {
      if (found || !rl_slice_eq_nocase(coding, RL_SLICE("chunked"))) return -1;
      found = true;
    }
  }
  return any && !found ? -1 : found;
}

const char *rl_response_head_switches(const rl_response_head *head, bool asked) {
  return head->status != 101 || asked ? NULL : "the server switched protocols without being asked";
}

const char *rl_response_head_framing(const rl_response_head *head, bool *chunked, int64_t *length) {
  *length = -1;
  int lengths = find_length(head, length), codings = find_chunked(head);
  *chunked = codings > 0;
  if (lengths < 0) return "the response is malformed: its Content-Length is no number, or several";
  if (codings < 0) return "the response has a Transfer-Encoding other than chunked";
  return lengths && codings ? "the response has a Content-Length and a Transfer-Encoding" : NULL;
}
