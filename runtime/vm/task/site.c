/*
 * Notes where tasks were spawned, and adds these places to tracebacks. A task holds a file and a line; the name of the file
 * is interned in its vm, so that it costs a pointer per task. The names live as long as the state.
 */
#include "vm/task/task.h"

#include <string.h>

#include "base/alloc.h"
#include "vm/frames.h"

/* Returns the state's copy of a file name, or "?" if out of memory. Few files spawn tasks, so it searches one by one. */
static const char *intern_site(rl_vm *vm, const char *name) {
  for (unsigned i = 0; i < vm->site_count; i++)
    if (strcmp(vm->sites[i], name) == 0) return vm->sites[i];
  char **sites = rl_realloc(vm->sites, (vm->site_count + 1) * sizeof *sites);
  if (!sites) return "?";
  vm->sites = sites;
  char *copy = rl_strndup(name, strlen(name));
  if (!copy) return "?";
  vm->sites[vm->site_count++] = copy;
  return copy;
}

void rl_task_free_sites(rl_vm *vm) {
  while (vm->site_count) rl_free(vm->sites[--vm->site_count]);
  rl_free(vm->sites);
}

void rl__task_note_site(rl_task *task, lua_State *from) {
  lua_Debug ar;
  task->line = 0;
  task->site = NULL;
  if (!from || !rl_frames_find_program(from, 1, &ar)) return;
  task->site = intern_site(task->vm, ar.short_src);
  task->line = ar.currentline;
}

void rl_task_add_ancestors(lua_State *L, const rl_task *task) {
  int pieces = 1;
  for (; task; task = task->parent) {
    if (!task->line) continue;
    lua_pushfstring(L, "\n\tspawned at %s:%d", task->site, task->line);
    if (++pieces > 16) break;
  }
  lua_concat(L, pieces);
}
