#include "base/lru.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

enum { MANY = 2000 };

typedef struct entry {
  rl_lru_node node;
  int number;
} entry;

static rl_lru lru;
static entry entries[MANY];

/* Spreads keys over the buckets as hashes would be. */
static void set_key(uint8_t key[RL_LRU_KEY], int number) {
  uint64_t spread = (uint64_t)number * 0x9e3779b97f4a7c15u;
  memset(key, 0, RL_LRU_KEY);
  memcpy(key, &spread, sizeof spread);
}

static void insert(int number) {
  entries[number].number = number;
  set_key(entries[number].node.key, number);
  rl_lru_insert(&lru, &entries[number].node);
}

static entry *find(int number) {
  uint8_t key[RL_LRU_KEY];
  set_key(key, number);
  return (entry *)rl_lru_find(&lru, key);
}

static int setup(void **state) {
  (void)state;
  return rl_lru_init(&lru);
}

static int teardown(void **state) {
  (void)state;
  rl_lru_free(&lru);
  return 0;
}

TEST(finds_what_was_inserted_and_not_what_was_removed) {
  UNUSED;
  for (int i = 0; i < MANY; i++) insert(i);
  assert_int_equal(lru.count, MANY);
  assert_in_range(lru.bucket_count, MANY, 4 * MANY); /* it has grown */
  for (int i = 0; i < MANY; i++) assert_int_equal(find(i)->number, i);
  for (int i = 0; i < MANY; i += 2) rl_lru_remove(&lru, &entries[i].node);
  for (int i = 0; i < MANY; i++) assert_int_equal(find(i) != NULL, i % 2);
  assert_int_equal(lru.count, MANY / 2);
}

TEST(the_oldest_is_the_one_not_touched_for_longest) {
  UNUSED;
  assert_null(rl_lru_oldest(&lru));
  for (int i = 0; i < 3; i++) insert(i);
  assert_ptr_equal(rl_lru_oldest(&lru), &entries[0].node);
  rl_lru_touch(&lru, &entries[0].node);
  assert_ptr_equal(rl_lru_oldest(&lru), &entries[1].node);
  rl_lru_remove(&lru, &entries[1].node);
  assert_ptr_equal(rl_lru_oldest(&lru), &entries[2].node);
}

static void remove_even(void *ud, rl_lru_node *node) {
  int *visited = ud;
  ++*visited;
  if (((entry *)node)->number % 2 == 0) rl_lru_remove(&lru, node);
}

TEST(all_buckets_together_hold_all_and_a_visit_may_remove) {
  UNUSED;
  int visited = 0;
  for (int i = 0; i < 100; i++) insert(i);
  for (size_t i = 0; i < lru.bucket_count; i++) rl_lru_visit_bucket(&lru, i + 7, remove_even, &visited);
  assert_int_equal(visited, 100);
  assert_int_equal(lru.count, 50);
}

TEST(it_works_on_with_long_chains_if_memory_runs_out) {
  UNUSED;
  rl_alloc_fail_at(1, true);
  for (int i = 0; i < MANY; i++) insert(i);
  rl_alloc_fail_at(0, false);
  assert_int_equal(lru.bucket_count, 256);
  for (int i = 0; i < MANY; i++) assert_int_equal(find(i)->number, i);
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(finds_what_was_inserted_and_not_what_was_removed),
      EACH(the_oldest_is_the_one_not_touched_for_longest),
      EACH(all_buckets_together_hold_all_and_a_visit_may_remove),
      EACH(it_works_on_with_long_chains_if_memory_runs_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
