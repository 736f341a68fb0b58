/* Counting jobs in and out; see gate.h. */
#include "loop/gate.h"

#include "base/error.h"

int rl_gate_init(rl_gate *gate, unsigned most, unsigned queue) {
  *gate = (rl_gate){.most = most, .queue = queue};
  rl_list_init(&gate->waiting);
  return uv_mutex_init(&gate->lock) ? RL_ENOMEM : RL_OK;
}

/* Gives the place of one that has ended to the first who waits, by mail to its own loop. Sends the mail under the lock, so
 * that one who leaves the queue knows for certain whether mail is under way. */
static void leave(rl_gate *gate) {
  uv_mutex_lock(&gate->lock);
  rl_list *node = rl_list_shift(&gate->waiting);
  if (node) {
    rl_gated *next = RL_CONTAINER(node, rl_gated, node);
    next->state = RL_GATED_CALLED;
    gate->waiting_count--;
    rl_inbox_send(&next->job.loop->inbox, &next->mail);
  } else {
    gate->running--;
  }
  uv_mutex_unlock(&gate->lock);
}

static void on_run(rl_job *job) {
  rl_gated *gated = RL_CONTAINER(job, rl_gated, job);
  gated->run(gated);
}

static void on_done(rl_job *job, bool ran) {
  rl_gated *gated = RL_CONTAINER(job, rl_gated, job);
  leave(gated->gate);
  gated->done(gated, ran);
}

static void start(rl_gated *gated) {
  gated->state = RL_GATED_STARTED;
  rl_job_start(gated->job.loop, &gated->job);
}

/* It got a place, or has left the queue. Runs on its own loop. */
static void on_mail(rl_mail *mail) {
  rl_gated *gated = RL_CONTAINER(mail, rl_gated, mail);
  gated->job.loop->held--;
  if (!gated->cancelled) {
    start(gated);
    return;
  }
  if (gated->state == RL_GATED_CALLED) leave(gated->gate); /* cancelled while the mail was under way */
  gated->done(gated, false);
}

static bool take_place(rl_gate *gate, rl_gated *gated, int *code) {
  uv_mutex_lock(&gate->lock);
  bool free = gate->running < gate->most;
  if (free) {
    gate->running++;
  } else if (gate->waiting_count < gate->queue) {
    gate->waiting_count++;
    gated->state = RL_GATED_WAITING;
    rl_list_push(&gate->waiting, &gated->node);
  } else {
    *code = RL_EBUSY;
  }
  uv_mutex_unlock(&gate->lock);
  return free;
}

int rl_gate_enter(rl_gate *gate, rl_loop *loop, rl_gated *gated) {
  int code = RL_OK;
  gated->gate = gate;
  gated->cancelled = false;
  gated->mail.deliver = on_mail;
  gated->job.loop = loop;
  gated->job.run = on_run;
  gated->job.done = on_done;
  loop->held++; /* counted while it waits; a job that runs counts itself */
  bool free = take_place(gate, gated, &code);
  if (free || code) loop->held--;
  if (free) start(gated);
  return code;
}

void rl_gate_cancel(rl_gated *gated) {
  rl_gate *gate = gated->gate;
  if (gated->cancelled) return;
  gated->cancelled = true;
  uv_mutex_lock(&gate->lock);
  if (gated->state == RL_GATED_WAITING) {
    gated->state = RL_GATED_LEFT;
    gate->waiting_count--;
    rl_list_remove(&gated->node);
    rl_inbox_send(&gated->job.loop->inbox, &gated->mail);
  }
  bool started = gated->state == RL_GATED_STARTED;
  uv_mutex_unlock(&gate->lock);
  if (started) rl_job_cancel(&gated->job);
}
