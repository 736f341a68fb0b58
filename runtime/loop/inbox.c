/* Mail to a loop: a locked queue and one uv_async; see inbox.h. */
#include "loop/inbox.h"

#include "base/error.h"
#include "base/list.h"

void rl_mail_push(rl_mail_queue *queue, rl_mail *mail) {
  mail->next = NULL;
  if (queue->last) queue->last->next = mail;
  else queue->first = mail;
  queue->last = mail;
}

rl_mail *rl_mail_shift(rl_mail_queue *queue) {
  rl_mail *mail = queue->first;
  if (!mail) return NULL;
  queue->first = mail->next;
  if (!queue->first) queue->last = NULL;
  mail->next = NULL;
  return mail;
}

static void deliver_all(rl_inbox *inbox) {
  uv_mutex_lock(&inbox->lock);
  rl_mail_queue batch = inbox->queue;
  inbox->queue = (rl_mail_queue){NULL, NULL};
  uv_mutex_unlock(&inbox->lock);
  for (rl_mail *mail; (mail = rl_mail_shift(&batch));) {
    inbox->on_delivery(inbox);
    mail->deliver(mail);
  }
}

static void on_async(uv_async_t *async) { deliver_all(RL_CONTAINER(async, rl_inbox, async)); }

int rl_inbox_init(rl_inbox *inbox, uv_loop_t *uv, void (*on_delivery)(rl_inbox *inbox)) {
  inbox->on_delivery = on_delivery;
  inbox->queue = (rl_mail_queue){NULL, NULL};
  if (uv_mutex_init(&inbox->lock)) return RL_ENOMEM;
  if (uv_async_init(uv, &inbox->async, on_async)) {
    uv_mutex_destroy(&inbox->lock);
    return RL_ENOMEM;
  }
  return RL_OK;
}

void rl_inbox_close(rl_inbox *inbox) {
  deliver_all(inbox);
  uv_close((uv_handle_t *)&inbox->async, NULL);
}

void rl_inbox_free(rl_inbox *inbox) { uv_mutex_destroy(&inbox->lock); }

bool rl_inbox_is_empty(rl_inbox *inbox) {
  uv_mutex_lock(&inbox->lock);
  bool empty = !inbox->queue.first;
  uv_mutex_unlock(&inbox->lock);
  return empty;
}

void rl_inbox_send(rl_inbox *inbox, rl_mail *mail) {
  uv_mutex_lock(&inbox->lock);
  bool first = !inbox->queue.first;
  rl_mail_push(&inbox->queue, mail);
  uv_mutex_unlock(&inbox->lock);
  if (first) uv_async_send(&inbox->async);
}
