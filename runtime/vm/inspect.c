/* The tree of tasks as text; see inspect.h. */
#include "vm/inspect.h"

#include <stdio.h>

#include "base/log.h"
#include "vm/frames.h"

int rl_inspect_line(const rl_task *task, char *out, size_t size) {
  lua_Debug ar;
  if (!rl_frames_find_program(task->strand.co, 0, &ar)) return 0;
  snprintf(out, size, "%s", ar.short_src);
  return ar.currentline;
}

static void add_origin(rl_buf *out, const rl_task *task) {
  if (task->line) rl_buf_addf(out, "spawned at %s:%d", task->site, task->line);
  else rl_buf_add_str(out, task->site ? task->site : "main");
}

static void add_wait(rl_buf *out, const rl_task *task) {
  char more[160] = "";
  if (task->vm->describe_wait) task->vm->describe_wait(task, more, sizeof more);
  rl_buf_addf(out, "waits for %s%s", task->wait_name, more);
}

static void add_doing(rl_buf *out, const rl_task *task) {
  if (task->vm->running == task) rl_buf_add_str(out, "runs");
  else if (task->ending) rl_buf_add_str(out, "waits for its children");
  else if (task->wait_name) add_wait(out, task);
  else rl_buf_add_str(out, "is ready");
  if (!task->wait_name || task->vm->running == task) return;
  rl_buf_addf(out, ", %.1f s", (double)(rl_loop_now(task->vm->loop) - task->wait_since) / 1000);
}

typedef struct tree {
  rl_buf *out;
  unsigned count;
} tree;

static void add_task(void *ud, rl_task *task, unsigned depth) {
  tree *t = ud;
  char file[LUA_IDSIZE];
  if (++t->count > RL_INSPECT_TASKS) return;
  if (t->count > 1) rl_buf_add_char(t->out, '\n');
  rl_buf_addf(t->out, "%*s#%llu ", (int)(depth < 20 ? depth * 2 : 40), "", (unsigned long long)task->id);
  add_origin(t->out, task);
  rl_buf_add_str(t->out, ": ");
  add_doing(t->out, task);
  int line = rl_inspect_line(task, file, sizeof file);
  if (line) rl_buf_addf(t->out, ", at %s:%d", file, line);
}

unsigned rl_inspect_tasks(rl_vm *vm, rl_buf *out) {
  tree t = {.out = out};
  rl_task_each(vm, add_task, &t);
  if (t.count > RL_INSPECT_TASKS) rl_buf_addf(out, "\n… and %u more", t.count - RL_INSPECT_TASKS);
  return t.count;
}

static void log_tree(rl_vm *vm, rl_log_level level, const char *message) {
  rl_buf text;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  unsigned count = rl_inspect_tasks(vm, &text);
  rl_log_field fields[] = {RL_LOG_NUMBER_FIELD("worker", vm->worker), RL_LOG_NUMBER_FIELD("tasks", count),
                           RL_LOG_NUMBER_FIELD("memory", (int64_t)vm->memory.used),
                           RL_LOG_TEXT_FIELD("tree", rl_buf_slice(&text))};
  rl_log(level, rl_slice_str(message), fields, sizeof fields / sizeof *fields);
  rl_buf_free(&text);
}

void rl_inspect_log(rl_vm *vm) { log_tree(vm, RL_LOG_INFO, "tasks"); }

void rl_inspect_log_stuck(rl_vm *vm) {
  log_tree(vm, RL_LOG_ERROR, "all tasks are waiting, and nothing is left that could wake one of them");
}
