/*
 * Mail between threads. A mail is embedded in the message and linked while it is under way. Sending hands over ownership. The
 * order of one sender is kept.
 *
 *   any thread  --rl_inbox_send-->  inbox of a loop      mail->deliver(mail) runs on the loop's thread
 *   any thread  --rl_service_send-->  a service's queue  (service.h) its own thread takes all that is there
 */
#ifndef RL_LOOP_INBOX_H
#define RL_LOOP_INBOX_H

#include <stdbool.h>
#include <uv.h>

typedef struct rl_mail rl_mail;

struct rl_mail {
  rl_mail *next;
  void (*deliver)(rl_mail *mail);
};

/* A first-in-first-out chain of mail; not locked. */
typedef struct rl_mail_queue {
  rl_mail *first, *last;
} rl_mail_queue;

void rl_mail_push(rl_mail_queue *queue, rl_mail *mail);
/* Returns the first, or NULL if it is empty. */
rl_mail *rl_mail_shift(rl_mail_queue *queue);

typedef struct rl_inbox rl_inbox;

struct rl_inbox {
  uv_async_t async;
  uv_mutex_t lock;
  rl_mail_queue queue;
  void (*on_delivery)(rl_inbox *inbox); /* before each mail is delivered */
};

/* Embedded in a loop, which must run as long as mail may come. Calls `on_delivery` before each mail. Returns 0 or RL_ENOMEM. */
int rl_inbox_init(rl_inbox *inbox, uv_loop_t *uv, void (*on_delivery)(rl_inbox *inbox));
/* Delivers what waits, then stops the handle. Nobody may send any more. From the loop's thread. */
void rl_inbox_close(rl_inbox *inbox);
/* Call after the loop has run the close. */
void rl_inbox_free(rl_inbox *inbox);
/* Returns true if nothing waits to be delivered. */
bool rl_inbox_is_empty(rl_inbox *inbox);
void rl_inbox_send(rl_inbox *inbox, rl_mail *mail);

#endif
