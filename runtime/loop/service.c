/* A thread with a queue; see service.h. */
#define _GNU_SOURCE
#include "loop/service.h"

#include <pthread.h>

#include "base/error.h"

static void move_all(rl_mail_queue *to, rl_mail_queue *from) {
  if (!from->first) return;
  if (to->last) to->last->next = from->first;
  else to->first = from->first;
  to->last = from->last;
  *from = (rl_mail_queue){NULL, NULL};
}

/* Waits for mail. Returns false once the service has to stop and nothing is left. */
static bool next_batch(rl_service *service, rl_mail_queue *batch) {
  uv_mutex_lock(&service->lock);
  while (!service->queue.first && !service->stopping) {
    if (!service->on_idle) {
      uv_cond_wait(&service->wake, &service->lock);
    } else if (uv_cond_timedwait(&service->wake, &service->lock, (uint64_t)service->idle_ms * 1000000) ==
               UV_ETIMEDOUT) {
      uv_mutex_unlock(&service->lock);
      service->on_idle(service);
      uv_mutex_lock(&service->lock);
    }
  }
  move_all(batch, &service->queue);
  uv_mutex_unlock(&service->lock);
  return batch->first != NULL;
}

static void main_loop(void *arg) {
  rl_service *service = arg;
  pthread_setname_np(pthread_self(), service->name);
  rl_mail_queue batch = {NULL, NULL};
  while (next_batch(service, &batch)) service->on_batch(service, &batch);
}

int rl_service_start(rl_service *service) {
  service->queue = (rl_mail_queue){NULL, NULL};
  service->stopping = false;
  if (uv_mutex_init(&service->lock)) return RL_ENOMEM;
  if (uv_cond_init(&service->wake)) return RL_ENOMEM;
  return uv_thread_create(&service->thread, main_loop, service) ? RL_ENOMEM : RL_OK;
}

void rl_service_send(rl_service *service, rl_mail *mail) {
  uv_mutex_lock(&service->lock);
  bool first = !service->queue.first;
  rl_mail_push(&service->queue, mail);
  uv_mutex_unlock(&service->lock);
  if (first) uv_cond_signal(&service->wake);
}

bool rl_service_take_more(rl_service *service, rl_mail_queue *batch) {
  uv_mutex_lock(&service->lock);
  bool any = service->queue.first != NULL;
  move_all(batch, &service->queue);
  uv_mutex_unlock(&service->lock);
  return any;
}

void rl_service_stop(rl_service *service) {
  uv_mutex_lock(&service->lock);
  service->stopping = true;
  uv_mutex_unlock(&service->lock);
  uv_cond_signal(&service->wake);
  uv_thread_join(&service->thread);
  uv_cond_destroy(&service->wake);
  uv_mutex_destroy(&service->lock);
}
