/* Where tasks were spawned: names of files, interned in the state, and the lines that a traceback ends with. */
#include "vm/task/task.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Few files spawn tasks, so their names are looked for one by one. */
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
  for (int level = 1; from && lua_getstack(from, level, &ar); level++) {
    lua_getinfo(from, "Sl", &ar);
    if (*ar.what == 'C' || strncmp(ar.source, "=rille/", 7) == 0) continue;
    task->site = intern_site(task->vm, ar.short_src);
    task->line = ar.currentline;
    return;
  }
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
