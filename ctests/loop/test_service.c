#include "loop/service.h"

#include "loop/loop.h"
#include "support/test.h"

enum { MAILS = 20000, SENDERS = 4 };

typedef struct letter {
  rl_mail mail;
  int sender, number;
} letter;

typedef struct counter {
  rl_service service;
  int next[SENDERS]; /* the next number of each sender: order is kept */
  int handled, batches, idles, most;
  bool disordered, takes_more;
  uv_sem_t idle;
} counter;

static void take(counter *c, rl_mail *mail) {
  letter *l = RL_CONTAINER(mail, letter, mail);
  if (l->number != c->next[l->sender]++) c->disordered = true;
  c->handled++;
}

static void on_batch(rl_service *service, rl_mail_queue *batch) {
  counter *c = RL_CONTAINER(service, counter, service);
  int count = 0;
  c->batches++;
  for (rl_mail *mail; (mail = rl_mail_shift(batch)); count++) {
    take(c, mail);
    if (c->takes_more) rl_service_take_more(service, batch);
  }
  if (count > c->most) c->most = count;
}

static void on_idle(rl_service *service) {
  counter *c = RL_CONTAINER(service, counter, service);
  if (c->idles++ == 0) uv_sem_post(&c->idle);
}

static counter *new_counter(void) {
  counter *c = test_calloc(1, sizeof *c);
  c->service = (rl_service){.name = "test", .on_batch = on_batch};
  return c;
}

TEST(what_was_sent_before_stop_is_handled_in_order) {
  UNUSED;
  counter *c = new_counter();
  letter *letters = test_calloc(MAILS, sizeof *letters);
  assert_int_equal(rl_service_start(&c->service), 0);
  for (int i = 0; i < MAILS; i++) {
    letters[i].number = i;
    rl_service_send(&c->service, &letters[i].mail);
  }
  rl_service_stop(&c->service);
  assert_int_equal(c->handled, MAILS);
  assert_false(c->disordered);
  test_free(letters);
  test_free(c);
}

typedef struct sender {
  counter *to;
  letter *letters;
  int number;
  uv_thread_t thread;
} sender;

static void send_all(void *arg) {
  sender *s = arg;
  for (int i = 0; i < MAILS; i++) {
    s->letters[i] = (letter){.sender = s->number, .number = i};
    rl_service_send(&s->to->service, &s->letters[i].mail);
  }
}

TEST(many_threads_may_send_and_the_order_of_each_is_kept) {
  UNUSED;
  counter *c = new_counter();
  c->takes_more = true;
  sender senders[SENDERS];
  assert_int_equal(rl_service_start(&c->service), 0);
  for (int i = 0; i < SENDERS; i++) {
    senders[i] = (sender){.to = c, .letters = test_calloc(MAILS, sizeof(letter)), .number = i};
    assert_int_equal(uv_thread_create(&senders[i].thread, send_all, &senders[i]), 0);
  }
  for (int i = 0; i < SENDERS; i++) uv_thread_join(&senders[i].thread);
  rl_service_stop(&c->service);
  assert_int_equal(c->handled, MAILS * SENDERS);
  assert_false(c->disordered);
  for (int i = 0; i < SENDERS; i++) test_free(senders[i].letters);
  test_free(c);
}

TEST(one_that_has_nothing_to_do_is_told_so) {
  UNUSED;
  counter *c = new_counter();
  c->service.on_idle = on_idle;
  c->service.idle_ms = 1;
  uv_sem_init(&c->idle, 0);
  assert_int_equal(rl_service_start(&c->service), 0);
  uv_sem_wait(&c->idle);
  letter one = {.number = 0};
  rl_service_send(&c->service, &one.mail);
  rl_service_stop(&c->service);
  assert_int_equal(c->handled, 1);
  uv_sem_destroy(&c->idle);
  test_free(c);
}

/* ---- mail to a loop --------------------------------------------------------------------------------------------------- */

static int delivered;
static void on_delivery(rl_mail *mail) {
  assert_int_equal(RL_CONTAINER(mail, letter, mail)->number, delivered);
  delivered++;
}

static void send_to_loop(void *arg) {
  sender *s = arg;
  rl_loop *loop = (rl_loop *)(void *)s->to;
  for (int i = 0; i < MAILS; i++) {
    s->letters[i] = (letter){.mail.deliver = on_delivery, .number = i};
    rl_inbox_send(&loop->inbox, &s->letters[i].mail);
  }
}

TEST(mail_from_a_thread_arrives_on_the_loop_in_order) {
  UNUSED;
  static rl_loop loop;
  assert_int_equal(rl_loop_init(&loop), 0);
  sender s = {.to = (counter *)(void *)&loop, .letters = test_calloc(MAILS, sizeof(letter))};
  assert_int_equal(uv_thread_create(&s.thread, send_to_loop, &s), 0);
  while (delivered < MAILS / 2) uv_run(&loop.uv, UV_RUN_NOWAIT);
  uv_thread_join(&s.thread);
  assert_int_equal(rl_loop_free(&loop), 0); /* waiting mail is delivered first */
  assert_int_equal(delivered, MAILS);
  test_free(s.letters);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(what_was_sent_before_stop_is_handled_in_order),
      RUN(many_threads_may_send_and_the_order_of_each_is_kept),
      RUN(one_that_has_nothing_to_do_is_told_so),
      RUN(mail_from_a_thread_arrives_on_the_loop_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
