/* Pairs by name, sorted; see snapshot.h. */
#include "net/tls/snapshot.h"

#include <stdlib.h>

#include "base/alloc.h"

/* One for each name of each pair, sorted by name, then in the order of the pairs. */
typedef struct entry {
  rl_slice name;
  size_t pair;
} entry;

struct rl_tls_snapshot {
  unsigned refs; /* atomic */
  rl_tls_authority *authority;
  rl_tls_pair **pairs;
  entry *entries;
  size_t pair_count, entry_count;
};

static int compare_names(rl_slice a, rl_slice b) {
  int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
  return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare(const void *one, const void *other) {
  const entry *a = one, *b = other;
  int order = compare_names(a->name, b->name);
  return order ? order : (a->pair > b->pair) - (a->pair < b->pair);
}

static size_t count_names(rl_tls_pair *const *pairs, size_t count) {
  size_t names = 0;
  for (size_t i = 0; i < count; i++) names += pairs[i]->count;
  return names;
}

static void fill(rl_tls_snapshot *snapshot, rl_tls_pair *const *pairs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    snapshot->pairs[i] = rl_tls_pair_ref(pairs[i]);
    for (size_t n = 0; n < pairs[i]->count; n++)
      snapshot->entries[snapshot->entry_count++] = (entry){rl_slice_str(pairs[i]->names[n]), i};
  }
  snapshot->pair_count = count;
  qsort(snapshot->entries, snapshot->entry_count, sizeof *snapshot->entries, compare);
}

rl_tls_snapshot *rl_tls_snapshot_new(rl_tls_pair *const *pairs, size_t count, rl_tls_authority *authority) {
  rl_tls_snapshot *snapshot = rl_calloc(1, sizeof *snapshot);
  if (!snapshot) return NULL;
  snapshot->refs = 1;
  snapshot->pairs = rl_calloc(count, sizeof(rl_tls_pair *));
  snapshot->entries = rl_calloc(count_names(pairs, count), sizeof *snapshot->entries);
  if (!snapshot->pairs || !snapshot->entries) {
    rl_tls_snapshot_unref(snapshot);
    return NULL;
  }
  if (authority) snapshot->authority = rl_tls_authority_ref(authority);
  fill(snapshot, pairs, count);
  return snapshot;
}

rl_tls_snapshot *rl_tls_snapshot_ref(rl_tls_snapshot *snapshot) {
  __atomic_add_fetch(&snapshot->refs, 1, __ATOMIC_RELAXED);
  return snapshot;
}

void rl_tls_snapshot_unref(rl_tls_snapshot *snapshot) {
  if (!snapshot || __atomic_sub_fetch(&snapshot->refs, 1, __ATOMIC_ACQ_REL)) return;
  while (snapshot->pair_count) rl_tls_pair_unref(snapshot->pairs[--snapshot->pair_count]);
  rl_tls_authority_unref(snapshot->authority);
  rl_free(snapshot->pairs);
  rl_free(snapshot->entries);
  rl_free(snapshot);
}

const rl_tls_authority *rl_tls_snapshot_authority(const rl_tls_snapshot *snapshot) { return snapshot->authority; }

/* Returns the first entry that is not before `name`. */
static size_t lower_bound(const rl_tls_snapshot *snapshot, rl_slice name) {
  size_t from = 0, to = snapshot->entry_count;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (compare_names(snapshot->entries[middle].name, name) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

static size_t find_name(const rl_tls_snapshot *snapshot, rl_slice name, const rl_tls_pair *found[RL_TLS_FOUND]) {
  size_t count = 0;
  for (size_t i = lower_bound(snapshot, name); i < snapshot->entry_count && count < RL_TLS_FOUND; i++) {
    if (!rl_slice_eq(snapshot->entries[i].name, name)) break;
    found[count++] = snapshot->pairs[snapshot->entries[i].pair];
  }
  return count;
}

/* "a.b.example" -> "*.b.example". */
static size_t find_wildcard(const rl_tls_snapshot *snapshot, rl_slice name, const rl_tls_pair *found[RL_TLS_FOUND]) {
  char wild[256];
  size_t dot = rl_slice_find(name, '.', 0), rest = name.len - dot;
  if (!dot || dot == name.len || rest + 1 > sizeof wild) return 0;
  wild[0] = '*';
  memcpy(wild + 1, name.data + dot, rest);
  return find_name(snapshot, rl_slice_of(wild, rest + 1), found);
}

/* The first pair, with those that share its first name. */
static size_t find_default(const rl_tls_snapshot *snapshot, const rl_tls_pair *found[RL_TLS_FOUND]) {
  if (!snapshot->pair_count) return 0;
  size_t count = 0;
  found[count++] = snapshot->pairs[0];
  if (!found[0]->count) return count;
  rl_slice name = rl_slice_str(found[0]->names[0]);
  for (size_t i = lower_bound(snapshot, name); i < snapshot->entry_count && count < RL_TLS_FOUND; i++) {
    if (!rl_slice_eq(snapshot->entries[i].name, name)) break;
    if (snapshot->entries[i].pair) found[count++] = snapshot->pairs[snapshot->entries[i].pair];
  }
  return count;
}

static size_t find_known(const rl_tls_snapshot *snapshot, rl_slice name, const rl_tls_pair *found[RL_TLS_FOUND]) {
  size_t count = name.len ? find_name(snapshot, name, found) : 0;
  return count || !name.len ? count : find_wildcard(snapshot, name, found);
}

size_t rl_tls_snapshot_find(const rl_tls_snapshot *snapshot, rl_slice name, const rl_tls_pair *found[RL_TLS_FOUND]) {
  size_t count = find_known(snapshot, name, found);
  return count ? count : find_default(snapshot, found);
}

bool rl_tls_snapshot_knows(const rl_tls_snapshot *snapshot, rl_slice name) {
  const rl_tls_pair *found[RL_TLS_FOUND];
  return find_known(snapshot, name, found) > 0;
}

const rl_tls_pair *rl_tls_snapshot_pair(const rl_tls_snapshot *snapshot, size_t i) {
  return i < snapshot->pair_count ? snapshot->pairs[i] : NULL;
}
