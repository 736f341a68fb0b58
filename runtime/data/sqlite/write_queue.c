/* Lines of writes, served in turn; see write_queue.h. */
#include "data/sqlite/write_queue.h"

#include "base/alloc.h"
#include "base/error.h"

struct rl_write_line {
  rl_list node;
  const rl_loop *worker; /* only its name: it may be gone */
  unsigned handles;
  rl_mail_queue writes; /* in order, with the begin of each transaction */
  rl_mail_queue inner;  /* operations inside a transaction */
  size_t strays;        /* operations among `writes` whose transaction was not open when they were looked at */
  rl_write_load load;
};

static rl_write_line *line_at(rl_list *node) { return RL_CONTAINER(node, rl_write_line, node); }

static bool is_inner(const rl_op *op) { return op->transaction && op->kind != RL_OP_BEGIN; }

/* ---- lines -------------------------------------------------------------------------------------------------------------------- */

int rl_write_queue_init(rl_write_queue *q, rl_write_load most) {
  *q = (rl_write_queue){.most = most};
  rl_list_init(&q->lines);
  return uv_mutex_init(&q->lock) ? RL_ENOMEM : RL_OK;
}

void rl_write_queue_free(rl_write_queue *q) { uv_mutex_destroy(&q->lock); }

static rl_write_line *find(rl_write_queue *q, const rl_loop *worker) {
  RL_LIST_EACH(&q->lines, node) {
    if (line_at(node)->worker == worker) return line_at(node);
  }
  return NULL;
}

static rl_write_line *make(rl_write_queue *q, const rl_loop *worker) {
  rl_write_line *line = rl_calloc(1, sizeof *line);
  if (!line) return NULL;
  line->worker = worker;
  rl_list_init(&line->node);
  rl_list_push(&q->lines, &line->node);
  q->line_count++;
  return line;
}

rl_write_line *rl_write_queue_join(rl_write_queue *q, const rl_loop *worker) {
  uv_mutex_lock(&q->lock);
  rl_write_line *line = find(q, worker);
  if (!line) line = make(q, worker);
  if (line) line->handles++;
  uv_mutex_unlock(&q->lock);
  return line;
}

static void drop_if_unused(rl_write_queue *q, rl_write_line *line) {
  if (line->handles || line->load.count) return;
  rl_list_remove(&line->node);
  q->line_count--;
  rl_free(line);
}

void rl_write_queue_leave(rl_write_queue *q, rl_write_line *line) {
  uv_mutex_lock(&q->lock);
  line->handles--;
  drop_if_unused(q, line);
  uv_mutex_unlock(&q->lock);
}

/* ---- sending ------------------------------------------------------------------------------------------------------------------ */

/* One that is too large by itself fits where nothing else waits. */
static bool fits(const rl_write_load *has, const rl_write_load *most, const rl_op *op) {
  return has->count < most->count && (!has->size || has->size + op->size <= most->size);
}

static rl_write_load share_of(const rl_write_queue *q) {
  size_t count = q->most.count / q->line_count;
  return (rl_write_load){.count = count ? count : 1, .size = q->most.size / q->line_count};
}

static void add(rl_write_load *load, const rl_op *op) {
  load->count++;
  load->size += op->size;
}

static void subtract(rl_write_load *load, const rl_op *op) {
  load->count--;
  load->size -= op->size;
}

int rl_write_queue_send(rl_write_queue *q, rl_write_line *line, rl_op *op, bool *wakes, rl_write_refusal *refusal) {
  uv_mutex_lock(&q->lock);
  rl_write_load share = share_of(q);
  bool taken = is_inner(op) || fits(&q->load, &q->most, op) || fits(&line->load, &share, op);
  if (taken) {
    rl_mail_push(is_inner(op) ? &line->inner : &line->writes, &op->mail);
    add(&line->load, op);
    add(&q->load, op);
    *wakes = !q->awake;
    q->awake = true;
  } else {
    *refusal = (rl_write_refusal){.all = q->load, .own = line->load, .share = share, .workers = q->line_count};
  }
  uv_mutex_unlock(&q->lock);
  return taken ? RL_OK : RL_EBUSY;
}

/* ---- taking ------------------------------------------------------------------------------------------------------------------- */

static rl_op *taken_from(rl_write_queue *q, rl_write_line *line, rl_mail *mail) {
  rl_op *op = (rl_op *)mail;
  subtract(&line->load, op);
  subtract(&q->load, op);
  drop_if_unused(q, line);
  return op;
}

/* Unlinks the first operation inside `transaction` from a chain. Returns NULL if there is none. */
static rl_mail *unlink_first(rl_mail_queue *chain, uint64_t transaction) {
  rl_mail *before = NULL, *mail = chain->first;
  while (mail && !(is_inner((rl_op *)mail) && ((rl_op *)mail)->transaction == transaction)) {
    before = mail;
    mail = mail->next;
  }
  if (!mail) return NULL;
  if (before) before->next = mail->next;
  else chain->first = mail->next;
  if (chain->last == mail) chain->last = before;
  return mail;
}

/* What is not inside the open transaction comes after the writes that were sent before it: its own begin may be among them, for
 * a rollback need not wait for that; if its transaction has ended, it is refused in its turn. */
static rl_mail *next_inner(rl_write_line *line, uint64_t transaction) {
  rl_mail *mail = line->strays && transaction ? unlink_first(&line->writes, transaction) : NULL;
  if (mail) line->strays--;
  while (!mail && (mail = rl_mail_shift(&line->inner))) {
    if (((rl_op *)mail)->transaction == transaction) break;
    rl_mail_push(&line->writes, mail);
    line->strays++;
    mail = NULL;
  }
  return mail;
}

static rl_op *take_inner(rl_write_queue *q, uint64_t transaction) {
  RL_LIST_EACH(&q->lines, node) {
    rl_write_line *line = line_at(node);
    rl_mail *mail = next_inner(line, transaction);
    if (mail) return taken_from(q, line, mail);
  }
  return NULL;
}

/* The line goes to the end; those that were passed over stay in front, and are next. */
static rl_op *take_in_turn(rl_write_queue *q, bool (*may_join)(const rl_op *op)) {
  RL_LIST_EACH(&q->lines, node) {
    rl_write_line *line = line_at(node);
    if (!line->writes.first || (may_join && !may_join((rl_op *)line->writes.first))) continue;
    rl_list_remove(node);
    rl_list_push(&q->lines, node);
    rl_mail *mail = rl_mail_shift(&line->writes);
    line->strays -= is_inner((rl_op *)mail);
    return taken_from(q, line, mail);
  }
  return NULL;
}

rl_op *rl_write_queue_take(rl_write_queue *q, uint64_t transaction) {
  uv_mutex_lock(&q->lock);
  rl_op *op = take_inner(q, transaction);
  if (!op && !transaction) op = take_in_turn(q, NULL);
  if (!op) q->awake = false;
  uv_mutex_unlock(&q->lock);
  return op;
}

rl_op *rl_write_queue_take_if(rl_write_queue *q, bool (*may_join)(const rl_op *op)) {
  uv_mutex_lock(&q->lock);
  rl_op *op = take_in_turn(q, may_join);
  uv_mutex_unlock(&q->lock);
  return op;
}

static void remove_from(rl_write_queue *q, rl_write_line *line, rl_mail_queue *out,
                        bool (*is_over)(const rl_op *, const void *), const void *ud) {
  rl_mail_queue all = line->writes;
  line->writes = (rl_mail_queue){NULL, NULL};
  for (rl_op *op; (op = (rl_op *)rl_mail_shift(&all));) {
    bool over = !is_inner(op) && is_over(op, ud);
    rl_mail_push(over ? out : &line->writes, &op->mail);
    if (!over) continue;
    subtract(&line->load, op);
    subtract(&q->load, op);
  }
}

rl_mail_queue rl_write_queue_remove(rl_write_queue *q, bool (*is_over)(const rl_op *, const void *), const void *ud) {
  rl_mail_queue out = {NULL, NULL};
  uv_mutex_lock(&q->lock);
  for (rl_list *node = q->lines.next, *next; node != &q->lines; node = next) {
    next = node->next;
    remove_from(q, line_at(node), &out, is_over, ud);
    drop_if_unused(q, line_at(node));
  }
  uv_mutex_unlock(&q->lock);
  return out;
}

int64_t rl_write_queue_count_waiting(rl_write_queue *q) {
  int64_t count = 0;
  uv_mutex_lock(&q->lock);
  RL_LIST_EACH(&q->lines, node) {
    for (const rl_mail *mail = line_at(node)->writes.first; mail; mail = mail->next)
      count += !rl_op_is_dropped((const rl_op *)mail);
  }
  uv_mutex_unlock(&q->lock);
  return count;
}
