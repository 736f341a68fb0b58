#include "base/arena.h"

#include "base/alloc.h"
#include "support/test.h"

static rl_chunk_pool pool;
static rl_arena arena;

static int set_up(void **state_) {
  UNUSED;
  rl_chunk_pool_init(&pool, 4);
  rl_arena_init(&arena, &pool);
  return 0;
}

static int tear_down(void **state_) {
  UNUSED;
  rl_arena_free(&arena);
  rl_chunk_pool_free(&pool);
  return 0;
}

TEST(blocks_are_aligned_and_apart) {
  UNUSED;
  enum { COUNT = 500 };
  char *blocks[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    blocks[i] = rl_arena_alloc(&arena, i);
    assert_non_null(blocks[i]);
    assert_int_equal((uintptr_t)blocks[i] % 16, 0);
    memset(blocks[i], (int)(i & 0xFF), i);
  }
  for (size_t i = 0; i < COUNT; i++)
    for (size_t at = 0; at < i; at++) assert_int_equal((unsigned char)blocks[i][at], i & 0xFF);
}

TEST(a_large_block_leaves_the_small_ones_their_chunk) {
  UNUSED;
  char *first = rl_arena_alloc(&arena, 16);
  char *large = rl_arena_alloc(&arena, 100000);
  char *second = rl_arena_alloc(&arena, 16);
  memset(large, 'x', 100000);
  assert_ptr_equal(second, first + 16);
  assert_true(arena.size >= 100000 + RL_CHUNK_SIZE);
}

TEST(chunks_go_back_to_the_pool_and_large_blocks_to_malloc) {
  UNUSED;
  for (int i = 0; i < 3; i++) rl_arena_alloc(&arena, 2000);
  rl_arena_alloc(&arena, 100000);
  rl_arena_free(&arena);
  assert_int_equal(arena.size, 0);
  assert_in_range(pool.count, 1, 3);
  size_t kept = pool.count;
  rl_alloc_fail_at(1, true); /* a pooled chunk needs no memory */
  void *again = rl_arena_alloc(&arena, 10);
  rl_alloc_fail_at(0, false);
  assert_non_null(again);
  assert_int_equal(pool.count, kept - 1);
}

TEST(the_pool_keeps_no_more_than_it_was_told) {
  UNUSED;
  for (int i = 0; i < 20; i++) rl_arena_alloc(&arena, 2000);
  rl_arena_free(&arena);
  assert_int_equal(pool.count, 4);
}

TEST(memory_that_is_short_is_null) {
  UNUSED;
  rl_alloc_fail_at(1, true);
  void *small = rl_arena_alloc(&arena, 1), *large = rl_arena_alloc(&arena, 100000);
  rl_slice copy = rl_arena_copy(&arena, RL_SLICE("text"));
  rl_alloc_fail_at(0, false);
  assert_null(small);
  assert_null(large);
  assert_null(copy.data);
  assert_non_null(rl_arena_alloc(&arena, 1));
}

TEST(a_size_that_nobody_has_is_null_and_does_not_wrap) {
  UNUSED;
  assert_null(rl_arena_alloc(&arena, SIZE_MAX));
  assert_null(rl_arena_alloc(&arena, SIZE_MAX - 8));
  assert_null(rl_arena_alloc(&arena, SIZE_MAX / 2 + 1));
  assert_non_null(rl_arena_alloc(&arena, 1));
  assert_null(rl_arena_alloc(&arena, SIZE_MAX - 8));
}

TEST(a_copy_ends_with_nul) {
  UNUSED;
  rl_slice copy = rl_arena_copy(&arena, RL_SLICE("te\0xt")), empty = rl_arena_copy(&arena, RL_SLICE_NONE);
  assert_int_equal(copy.len, 5);
  assert_memory_equal(copy.data, "te\0xt", 6);
  assert_int_equal(empty.len, 0);
  assert_string_equal(empty.data, "");
}

#define IN_ARENA(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_ARENA(blocks_are_aligned_and_apart),
      IN_ARENA(a_large_block_leaves_the_small_ones_their_chunk),
      IN_ARENA(chunks_go_back_to_the_pool_and_large_blocks_to_malloc),
      IN_ARENA(the_pool_keeps_no_more_than_it_was_told),
      IN_ARENA(memory_that_is_short_is_null),
      IN_ARENA(a_size_that_nobody_has_is_null_and_does_not_wrap),
      IN_ARENA(a_copy_ends_with_nul),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
