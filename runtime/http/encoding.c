/* Accept-Encoding; see encoding.h. */
#include "http/encoding.h"

#include "base/ascii.h"

static const rl_slice names[RL_ENCODING_COUNT] = {{"identity", 8}, {"gzip", 4}, {"br", 2}};

const char *rl_encoding_name(rl_encoding encoding) { return names[encoding].data; }

/* "0", "1", "0.5", "0.125" in thousandths; 1000 for what cannot be read. */
static int parse_quality(rl_slice s) {
  if (!s.len || (s.data[0] != '0' && s.data[0] != '1')) return 1000;
  int quality = s.data[0] == '1' ? 1000 : 0, unit = 100;
  if (s.len > 1 && s.data[1] != '.') return 1000;
  for (size_t i = 2; i < s.len && unit; i++, unit /= 10) {
    if (!rl_is((unsigned char)s.data[i], RL_CHAR_DIGIT)) return 1000;
    quality += (s.data[i] - '0') * unit;
  }
  return quality > 1000 ? 1000 : quality;
}

/* Cuts "gzip;q=0.5" into its name and quality. */
static int split_quality(rl_slice *element) {
  size_t semicolon = rl_slice_find(*element, ';', 0);
  rl_slice parameter = RL_SLICE_NONE;
  if (semicolon < element->len)
    parameter = rl_slice_trim(rl_slice_of(element->data + semicolon + 1, element->len - semicolon - 1));
  *element = rl_slice_trim(rl_slice_of(element->data, semicolon));
  if (parameter.len < 2 || rl_lower(parameter.data[0]) != 'q' || parameter.data[1] != '=') return 1000;
  return parse_quality(rl_slice_of(parameter.data + 2, parameter.len - 2));
}

rl_accepted rl_accept_encoding(rl_field_list list) {
  rl_accepted accepted = {
      .quality = {1, 0, 0}}; /* identity is acceptable unless it is excluded, but anything named wins */
  bool named[RL_ENCODING_COUNT] = {false};
  int others = -1;
  rl_slice element;
  while (rl_field_list_next(&list, &element)) {
    int quality = split_quality(&element);
    if (rl_slice_eq(element, RL_SLICE("*"))) others = quality;
    for (int i = 0; i < RL_ENCODING_COUNT; i++) {
      bool old_name = i == RL_ENCODING_GZIP && rl_slice_eq_nocase(element, RL_SLICE("x-gzip"));
      if (!old_name && !rl_slice_eq_nocase(element, names[i])) continue;
      accepted.quality[i] = quality;
      named[i] = true;
    }
  }
  for (int i = 0; others >= 0 && i < RL_ENCODING_COUNT; i++)
    if (!named[i]) accepted.quality[i] = i == RL_ENCODING_IDENTITY && others > 0 ? 1 : others;
  return accepted;
}

rl_encoding rl_encoding_choose(const rl_accepted *accepted, unsigned set) {
  static const rl_encoding order[] = {RL_ENCODING_BROTLI, RL_ENCODING_GZIP, RL_ENCODING_IDENTITY};
  rl_encoding best = RL_ENCODING_IDENTITY;
  int quality = 0;
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    if (!(set >> order[i] & 1) || accepted->quality[order[i]] <= quality) continue;
    best = order[i];
    quality = accepted->quality[best];
  }
  return best;
}

static bool ends(rl_slice s, rl_slice suffix) {
  return s.len >= suffix.len && rl_slice_eq_nocase(rl_slice_of(s.data + s.len - suffix.len, suffix.len), suffix);
}

bool rl_encoding_helps(rl_slice type) {
  static const rl_slice others[] = {{"application/json", 16},          {"application/javascript", 22},
                                    {"application/xml", 15},           {"application/wasm", 16},
                                    {"application/xhtml+xml", 21},     {"image/svg+xml", 13},
                                    {"application/manifest+json", 25}, {"image/bmp", 9}};
  type = rl_slice_trim(rl_slice_of(type.data, rl_slice_find(type, ';', 0)));
  if (rl_slice_eq_nocase(type, RL_SLICE("text/event-stream")))
    return false; /* its events must not wait in a compressor */
  if (type.len > 5 && rl_slice_eq_nocase(rl_slice_of(type.data, 5), RL_SLICE("text/"))) return true;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (rl_slice_eq_nocase(type, others[i])) return true;
  return ends(type, RL_SLICE("+json")) || ends(type, RL_SLICE("+xml"));
}
