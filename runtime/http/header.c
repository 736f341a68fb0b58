/* Header fields by name; see header.h. */
#include "http/header.h"

#include "base/ascii.h"

static const rl_slice names[RL_HEADER_COUNT] = {{"", 0},
#define X(name, text) {text, sizeof(text) - 1},
                                                RL_HEADER_MAP(X)
#undef X
};

/* A perfect hash over the names, of their length, first and last letter: a look-up compares one name at most. Two names in one
 * slot do not compile (-Woverride-init). ctests/http/test_header.c looks up all of them. */
enum { SLOTS = 128 };
#define SLOT(len, first, last) \
  (((len) + 3u * ((unsigned char)(first) | 32u) + 15u * ((unsigned char)(last) | 32u)) % SLOTS)

static const uint8_t slots[SLOTS] = {
    [SLOT(4, 'h', 't')] = RL_HEADER_HOST,
    [SLOT(10, 'c', 'n')] = RL_HEADER_CONNECTION,
    [SLOT(14, 'c', 'h')] = RL_HEADER_CONTENT_LENGTH,
    [SLOT(12, 'c', 'e')] = RL_HEADER_CONTENT_TYPE,
    [SLOT(16, 'c', 'g')] = RL_HEADER_CONTENT_ENCODING,
    [SLOT(17, 't', 'g')] = RL_HEADER_TRANSFER_ENCODING,
    [SLOT(7, 't', 'r')] = RL_HEADER_TRAILER,
    [SLOT(2, 't', 'e')] = RL_HEADER_TE,
    [SLOT(6, 'e', 't')] = RL_HEADER_EXPECT,
    [SLOT(7, 'u', 'e')] = RL_HEADER_UPGRADE,
    [SLOT(10, 'k', 'e')] = RL_HEADER_KEEP_ALIVE,
    [SLOT(16, 'p', 'n')] = RL_HEADER_PROXY_CONNECTION,
    [SLOT(6, 'c', 'e')] = RL_HEADER_COOKIE,
    [SLOT(10, 's', 'e')] = RL_HEADER_SET_COOKIE,
    [SLOT(13, 'a', 'n')] = RL_HEADER_AUTHORIZATION,
    [SLOT(6, 'a', 't')] = RL_HEADER_ACCEPT,
    [SLOT(15, 'a', 'g')] = RL_HEADER_ACCEPT_ENCODING,
    [SLOT(4, 'd', 'e')] = RL_HEADER_DATE,
    [SLOT(4, 'e', 'g')] = RL_HEADER_ETAG,
    [SLOT(13, 'l', 'd')] = RL_HEADER_LAST_MODIFIED,
    [SLOT(8, 'i', 'h')] = RL_HEADER_IF_MATCH,
    [SLOT(13, 'i', 'h')] = RL_HEADER_IF_NONE_MATCH,
    [SLOT(17, 'i', 'e')] = RL_HEADER_IF_MODIFIED_SINCE,
    [SLOT(19, 'i', 'e')] = RL_HEADER_IF_UNMODIFIED_SINCE,
    [SLOT(8, 'i', 'e')] = RL_HEADER_IF_RANGE,
    [SLOT(5, 'r', 'e')] = RL_HEADER_RANGE,
    [SLOT(4, 'v', 'y')] = RL_HEADER_VARY,
    [SLOT(13, 'c', 'l')] = RL_HEADER_CACHE_CONTROL,
    [SLOT(8, 'l', 'n')] = RL_HEADER_LOCATION,
    [SLOT(5, 'a', 'w')] = RL_HEADER_ALLOW,
    [SLOT(6, 'o', 'n')] = RL_HEADER_ORIGIN,
    [SLOT(9, 'f', 'd')] = RL_HEADER_FORWARDED,
    [SLOT(10, 'u', 't')] = RL_HEADER_USER_AGENT,
    [SLOT(7, 'r', 'r')] = RL_HEADER_REFERER,
};

enum { WORD = sizeof(uint32_t) };

/* Returns 0 if four bytes are those of a name, which are lower-case letters and hyphens, in any case. Setting bit 5 folds letters;
 * it would also make a hyphen of a CR, which has neither bit 5 nor bit 6. */
static inline uint32_t differ(const char *text, const char *name) {
  const uint32_t fold = 0x20202020;
  uint32_t a, b;
  memcpy(&a, text, WORD);
  memcpy(&b, name, WORD);
  return ((a | fold) ^ b) | (~(a | a >> 1) & fold);
}

/* Looks at four bytes at a time; the last four overlap those before. */
static bool is_name(const char *text, rl_slice name) {
  size_t last = name.len - WORD, i = 0;
  if (name.len < WORD) return rl_slice_eq_nocase(rl_slice_of(text, name.len), name);
  while (i < last && !differ(text + i, name.data + i)) i += WORD;
  return i >= last && !differ(text + last, name.data + last);
}

rl_header_id rl_header_id_of(rl_slice name) {
  if (!name.len) return RL_HEADER_OTHER;
  rl_header_id id = (rl_header_id)slots[SLOT(name.len, name.data[0], name.data[name.len - 1])];
  return names[id].len == name.len && is_name(name.data, names[id]) ? id : RL_HEADER_OTHER;
}

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

/* Marks, in the top bits of the bytes of a word, those that may not stand in a value, and HTAB; above the first of them it may mark
 * others. (Alan Mycroft's tricks: "has a byte less than" and "has a zero byte".) */
static inline uint64_t controls(uint64_t word) {
  const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
  uint64_t del = word ^ ones * 0x7f;
  return (((word - ones * 0x20) & ~word) | ((del - ones) & ~del)) & tops;
}

static inline uint64_t little_endian(const char *text) {
  uint64_t word;
  memcpy(&word, text, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

size_t rl_header_value_end(rl_slice text) {
  size_t i = 0;
  while (i + sizeof(uint64_t) <= text.len) {
    uint64_t marks = controls(little_endian(text.data + i));
    i += marks ? (size_t)__builtin_ctzll(marks) / 8 : sizeof marks;
    if (marks && text.data[i++] != '\t') return i - 1;
  }
  while (i < text.len && rl_is((unsigned char)text.data[i], RL_CHAR_FIELD)) i++;
  return i;
}

bool rl_header_value_is_safe(rl_slice value) { return rl_header_value_end(value) == value.len; }

bool rl_header_has_token(rl_slice value, rl_slice token) {
  rl_slice element;
  while (rl_slice_next_element(&value, &element))
    if (rl_slice_eq_nocase(element, token)) return true;
  return false;
}
