/* Reading Accept; see accept.h. */
#include "http/accept.h"

#include "base/ascii.h"
#include "http/params.h"

enum { ANYTHING = 1, ANY_SUBTYPE, EXACTLY };

/* "0.8" -> 800; more than three digits or anything else is 1000. */
static int parse_quality(rl_slice text) {
  if (!text.len || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1')) return 1000;
  if (text.len > 1 && text.data[1] != '.') return 1000;
  int quality = text.data[0] == '1' ? 1000 : 0;
  for (size_t i = 2, unit = 100; i < text.len; i++, unit /= 10) {
    if (!rl_is((unsigned char)text.data[i], RL_CHAR_DIGIT)) return 1000;
    quality += (int)unit * (text.data[i] - '0');
  }
  return quality < 1000 ? quality : 1000;
}

/* How specifically a range means the type; 0: not at all. */
static int rank_of(rl_slice range, rl_slice type) {
  if (rl_slice_eq_nocase(range, type)) return EXACTLY;
  if (rl_slice_eq(range, RL_SLICE("*/*"))) return ANYTHING;
  size_t slash = rl_slice_find(range, '/', 0);
  if (range.len != slash + 2 || range.data[slash + 1] != '*' || slash + 1 > type.len) return 0;
  rl_slice major = rl_slice_of(range.data, slash + 1);
  return rl_slice_eq_nocase(major, rl_slice_of(type.data, slash + 1)) ? ANY_SUBTYPE : 0;
}

int rl_accept_quality(rl_slice accept, rl_slice type) {
  return rl_accept_list_quality(rl_field_list_text(accept), type);
}

int rl_accept_list_quality(rl_field_list accept, rl_slice type) {
  rl_slice element, params;
  int best_rank = 0, best = 0;
  while (rl_field_list_next(&accept, &element)) {
    rl_slice range = rl_params_begin(element, &params);
    rl_param_value q;
    int rank = rank_of(range, type);
    if (!rank || rank < best_rank) continue;
    int quality = rl_params_find(params, RL_SLICE("q"), &q) == 1 ? parse_quality(q.value) : 1000;
    if (rank > best_rank || quality > best) best = quality;
    best_rank = rank;
  }
  return best;
}
