/* Reading Forwarded; see forwarded.h. */
#include "http/forwarded.h"

/* Where the piece that starts at 0 ends: at `end` outside of quotes, or at the end of all. `*open`: a quote was left open. */
static size_t piece_end(rl_slice s, char end, bool quotes, bool *open) {
  bool quoted = false;
  size_t i = 0;
  for (; i < s.len && (quoted || s.data[i] != end); i++) {
    if (quoted && s.data[i] == '\\') i++;
    else if (quotes && s.data[i] == '"') quoted = !quoted;
  }
  *open = quoted;
  return i < s.len ? i : s.len;
}

/* Cuts the next piece off `rest`, trimmed. */
static rl_slice cut(rl_slice *rest, char end, bool quotes) {
  bool open;
  size_t len = piece_end(*rest, end, quotes, &open), skip = len < rest->len ? len + 1 : len;
  rl_slice piece = rl_slice_trim(rl_slice_of(rest->data, len));
  *rest = rl_slice_of(rest->data + skip, rest->len - skip);
  return piece;
}

rl_forwarded rl_forwarded_of(rl_slice value) {
  bool open = false;
  for (rl_slice rest = value; rest.len && !open;) {
    size_t len = piece_end(rest, ',', true, &open);
    rest = len < rest.len ? rl_slice_of(rest.data + len + 1, rest.len - len - 1) : RL_SLICE_NONE;
  }
  return (rl_forwarded){.rest = value, .quotes = !open};
}

static rl_slice unquoted(rl_slice value) {
  if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
    value = rl_slice_of(value.data + 1, value.len - 2);
  return rl_slice_find(value, '\\', 0) < value.len ? RL_SLICE_NONE : value;
}

/* name=value into what it is of; the last of a name counts. */
static void take_pair(rl_slice pair, rl_forwarded_hop *hop) {
  size_t eq = rl_slice_find(pair, '=', 0);
  if (eq == pair.len) return;
  rl_slice name = rl_slice_trim(rl_slice_of(pair.data, eq));
  rl_slice value = unquoted(rl_slice_trim(rl_slice_of(pair.data + eq + 1, pair.len - eq - 1)));
  if (rl_slice_eq_nocase(name, RL_SLICE("for"))) hop->node = value;
  else if (rl_slice_eq_nocase(name, RL_SLICE("proto"))) hop->proto = value;
  else if (rl_slice_eq_nocase(name, RL_SLICE("host"))) hop->host = value;
}

bool rl_forwarded_next(rl_forwarded *forwarded, rl_forwarded_hop *hop) {
  *hop = (rl_forwarded_hop){RL_SLICE_NONE, RL_SLICE_NONE, RL_SLICE_NONE};
  while (forwarded->rest.len) {
    rl_slice element = cut(&forwarded->rest, ',', forwarded->quotes);
    if (!element.len) continue;
    while (element.len) take_pair(cut(&element, ';', forwarded->quotes), hop);
    return true;
  }
  return false;
}
