/* Header fields by name; see header.h. */
#include "http/header.h"

#include "base/ascii.h"

static const rl_slice names[RL_HEADER_COUNT] = {{"", 0},
#define X(name, text) {text, sizeof(text) - 1},
                                                RL_HEADER_MAP(X)
#undef X
};

/* Names by their length, so that a look-up compares two or three of them at most. */
static rl_header_id find_of_length(rl_slice name) {
  for (int id = 1; id < RL_HEADER_COUNT; id++) {
    if (names[id].len != name.len || rl_lower(name.data[0]) != names[id].data[0]) continue;
    if (rl_slice_eq_nocase(names[id], name)) return (rl_header_id)id;
  }
  return RL_HEADER_OTHER;
}

rl_header_id rl_header_id_of(rl_slice name) { return name.len ? find_of_length(name) : RL_HEADER_OTHER; }

rl_slice rl_header_name(rl_header_id id) { return names[id]; }

const rl_header *rl_header_find(const rl_header *headers, size_t count, rl_header_id id) {
  for (size_t i = 0; i < count; i++)
    if (headers[i].id == id) return &headers[i];
  return NULL;
}

const rl_header *rl_header_find_name(const rl_header *headers, size_t count, rl_slice name) {
  for (size_t i = 0; i < count; i++)
    if (headers[i].name.len == name.len && rl_slice_eq_nocase(headers[i].name, name)) return &headers[i];
  return NULL;
}

rl_field_list rl_field_list_of(const rl_header *headers, size_t count, rl_header_id id) {
  return (rl_field_list){.line = headers, .end = headers + count, .id = (uint8_t)id};
}

rl_field_list rl_field_list_text(rl_slice value) { return (rl_field_list){.rest = value}; }

bool rl_field_list_next(rl_field_list *list, rl_slice *element) {
  while (!rl_slice_next_element(&list->rest, element)) {
    while (list->line != list->end && list->line->id != list->id) list->line++;
    if (list->line == list->end) return false;
    list->rest = list->line++->value;
  }
  return true;
}

const rl_header *rl_header_single(const rl_header *headers, size_t count, rl_header_id id, bool *several) {
  const rl_header *found = rl_header_find(headers, count, id);
  size_t left = found ? (size_t)(headers + count - found - 1) : 0;
  bool more = left && rl_header_find(found + 1, left, id);
  if (several) *several = more;
  return more ? NULL : found;
}

bool rl_header_is_framing(rl_slice name) {
  return rl_slice_eq_nocase(name, RL_SLICE("content-length")) ||
         rl_slice_eq_nocase(name, RL_SLICE("transfer-encoding"));
}

bool rl_header_name_is_safe(rl_slice name) {
  for (size_t i = 0; i < name.len; i++)
    if (!rl_is((unsigned char)name.data[i], RL_CHAR_TOKEN)) return false;
  return name.len > 0;
}

bool rl_header_value_is_safe(rl_slice value) {
  for (size_t i = 0; i < value.len; i++)
    if (!rl_is((unsigned char)value.data[i], RL_CHAR_FIELD)) return false;
  return true;
}

bool rl_header_has_token(rl_slice value, rl_slice token) {
  rl_slice element;
  while (rl_slice_next_element(&value, &element))
    if (rl_slice_eq_nocase(element, token)) return true;
  return false;
}
