#include "base/list.h"

#include "support/test.h"

typedef struct item {
  int number;
  rl_list node;
} item;

static rl_list list;
static item items[5];

static int set_up(void **state_) {
  UNUSED;
  rl_list_init(&list);
  for (int i = 0; i < 5; i++) {
    items[i].number = i;
    rl_list_init(&items[i].node);
  }
  return 0;
}

/* The numbers in order, forwards, and the same backwards. */
static void assert_items(const rl_list *head, const char *digits) {
  size_t count = 0, len = strlen(digits);
  RL_LIST_EACH(head, node) {
    assert_true(count < len);
    assert_int_equal(RL_CONTAINER(node, item, node)->number, digits[count++] - '0');
  }
  assert_int_equal(count, len);
  for (const rl_list *node = head->prev; node != head; node = node->prev)
    assert_int_equal(RL_CONTAINER(node, item, node)->number, digits[--count] - '0');
}

TEST(first_in_is_first_out) {
  UNUSED;
  for (int i = 0; i < 5; i++) rl_list_push(&list, &items[i].node);
  assert_items(&list, "01234");
  for (int i = 0; i < 5; i++) {
    rl_list *node = rl_list_shift(&list);
    assert_ptr_equal(node, &items[i].node);
    assert_true(rl_list_empty(node)); /* unlinked: it may be pushed again */
  }
  assert_null(rl_list_shift(&list));
  assert_true(rl_list_empty(&list));
}

TEST(removes_from_anywhere_and_twice) {
  UNUSED;
  for (int i = 0; i < 5; i++) rl_list_push(&list, &items[i].node);
  rl_list_remove(&items[2].node);
  rl_list_remove(&items[2].node);
  assert_items(&list, "0134");
  rl_list_remove(&items[0].node);
  rl_list_remove(&items[4].node);
  assert_items(&list, "13");
}

TEST(appends_a_whole_list) {
  UNUSED;
  rl_list other;
  rl_list_init(&other);
  rl_list_append(&list, &other);
  assert_items(&list, "");
  for (int i = 0; i < 5; i++) rl_list_push(i < 2 ? &list : &other, &items[i].node);
  rl_list_append(&list, &other);
  assert_items(&list, "01234");
  assert_true(rl_list_empty(&other));
  rl_list_append(&other, &list);
  assert_items(&other, "01234");
  assert_true(rl_list_empty(&list));
}

#define WITH_LIST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_LIST(first_in_is_first_out),
      WITH_LIST(removes_from_anywhere_and_twice),
      WITH_LIST(appends_a_whole_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
