/* Cancellation: scopes, when they raise, and the protected calls that catch. The picture is in task.h. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "vm/error.h"
#include "vm/task/task.h"

/* ---- which scope raises ---------------------------------------------------------------------------------------------------- */

/* Outward from the innermost, up to a shield or to a scope whose error is on its way already: the outermost that is due.
 * Past a RAISED scope nothing is due: its cleanup has the right to wait. */
rl_scope *rl_scope_due(rl_task *task) {
  rl_scope *due = NULL;
  task->cleaning = false;
  if (task->ending) return NULL;
  for (rl_scope *scope = task->scope; scope && scope->kind != RL_SCOPE_SHIELD; scope = scope->outer) {
    if (scope->state == RL_SCOPE_FIRED || scope->state == RL_SCOPE_CAUGHT) due = scope;
    if (scope->state != RL_SCOPE_RAISED) continue;
    task->cleaning = true;
    break;
  }
  return due;
}

void rl_scope_push_error(lua_State *L, rl_scope *scope) {
  if (scope->value_ref != LUA_NOREF) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, scope->value_ref);
  } else if (scope->kind == RL_SCOPE_TIMEOUT) {
    const char *until = scope->task->extra ? scope->task->extra->until : NULL;
    rl_error_push(L, RL_ETIMEOUT, "timed out after %.14g s%s%s", ((rl_timeout *)scope)->seconds,
                  until ? ", waiting for " : "", until ? until : "");
  } else {
    const char *reason = scope->task->extra ? scope->task->extra->reason : NULL;
    if (reason) rl_error_push(L, scope->code, "%s: %s", rl_error_text(scope->code), reason);
    else rl_error_push(L, scope->code, NULL);
    lua_pushvalue(L, -1); /* the same value each time, so that it is known at the end */
    scope->value_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  }
}

bool rl_scope_raised(lua_State *L, const rl_scope *scope, int index) {
  index = lua_absindex(L, index);
  if (scope->state == RL_SCOPE_QUIET) return false;
  lua_rawgeti(L, LUA_REGISTRYINDEX, scope->value_ref);
  bool same = scope->value_ref != LUA_NOREF && lua_rawequal(L, -1, index);
  lua_pop(L, 1);
  return same || rl_error_has_code(L, index, RL_ECANCELLED);
}

int rl_scope_raise_due(lua_State *L, rl_task *task) {
  rl_scope *scope = rl_scope_due(task);
  rl_strand *strand = rl_strand_of(L);
  scope->state = RL_SCOPE_RAISED;
  scope->strand = strand;
  scope->protected_calls = strand->protected_calls;
  rl_task_extra *extra = rl_task_extra_of(task);
  if (extra) extra->cleanup_until = rl_loop_now(task->vm->loop) + RL_LIMIT_CLEANUP_MS;
  rl_scope_push_error(L, scope);
  rl_task_note_wait(task, NULL);
  lua_error(L);
}

/* ---- firing ------------------------------------------------------------------------------------------------------------------ */

static void fire(rl_scope *scope) {
  if (scope->state != RL_SCOPE_QUIET) return;
  scope->state = RL_SCOPE_FIRED;
  rl_task *task = scope->task;
  if (task->status == RL_TASK_WAITING && rl_scope_due(task)) rl_task_interrupt(task);
}

void rl_task_cancel(rl_task *task, int code, const char *reason) {
  if (task->base.state != RL_SCOPE_QUIET || task->status == RL_TASK_ENDED) return;
  task->base.code = (int16_t)code;
  if (reason && rl_task_extra_of(task)) task->extra->reason = rl_strndup(reason, strlen(reason));
  fire(&task->base);
}

void rl_scope_fire(rl_scope *scope, int code) {
  if (scope->state != RL_SCOPE_QUIET) return;
  scope->code = (int16_t)code;
  fire(scope);
}

bool rl_scope_fire_with(lua_State *L, rl_scope *scope) {
  if (scope->state != RL_SCOPE_QUIET) {
    lua_pop(L, 1);
    return false;
  }
  scope->value_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  fire(scope);
  return true;
}

void rl_scope_enter(lua_State *L, rl_scope *scope, int kind) {
  rl_strand *strand = rl_strand_of(L);
  rl_task *task = strand->task;
  strand->scopes++;
  *scope = (rl_scope){.outer = task->scope, .task = task, .kind = (uint8_t)kind, .value_ref = LUA_NOREF};
  task->scope = scope;
}

void rl_scope_leave(lua_State *L, rl_scope *scope) {
  rl_strand *strand = rl_strand_of(L);
  rl_task *task = strand->task;
  strand->scopes--;
  task->scope = scope->outer;
  RL_LIST_EACH(&task->children, node) {
    rl_task *child = RL_CONTAINER(node, rl_task, sibling);
    if (child->group == scope) child->group = NULL;
  }
  if (scope->value_ref != LUA_NOREF) luaL_unref(task->vm->L, LUA_REGISTRYINDEX, scope->value_ref);
  scope->value_ref = LUA_NOREF;
}

static void on_timeout(rl_timer *timer) { fire(&RL_CONTAINER(timer, rl_timeout, timer)->scope); }

static bool has_passed(const rl_scope *scope, uint64_t now) {
  const rl_timeout *timeout = (const rl_timeout *)scope;
  return scope->kind == RL_SCOPE_TIMEOUT && timeout->timer.wheel.active && timeout->timer.wheel.expires <= now;
}

bool rl_scope_is_overdue(rl_task *task) {
  rl_loop *loop = task->vm->loop;
  if (task->scope == &task->base || loop->virtual_clock) return false;
  uint64_t now = rl_loop_clock(loop);
  for (rl_scope *scope = task->scope; scope; scope = scope->outer)
    if (has_passed(scope, now)) fire(scope);
  return rl_scope_due(task) != NULL;
}

void rl_timeout_enter(lua_State *L, rl_timeout *timeout, double seconds) {
  rl_task *task = rl_task_running(L);
  memset(timeout, 0, sizeof *timeout);
  rl_scope_enter(L, &timeout->scope, RL_SCOPE_TIMEOUT);
  timeout->scope.code = RL_ETIMEOUT;
  timeout->seconds = seconds;
  double ms = seconds * 1000;
  if (ms <= 0) fire(&timeout->scope); /* no wait passes */
  else rl_timer_start_now(task->vm->loop, &timeout->timer, ms >= 1e15 ? (uint64_t)1e15 : (uint64_t)ms, on_timeout);
}

void rl_timeout_leave(lua_State *L, rl_timeout *timeout) {
  rl_timer_stop(rl_vm_of(L)->loop, &timeout->timer);
  rl_scope_leave(L, &timeout->scope);
}

/* ---- catching ------------------------------------------------------------------------------------------------------------------ */

unsigned rl_protect_enter(lua_State *L) {
  rl_strand *strand = rl_strand_of(L);
  return strand ? ++strand->protected_calls : 0;
}

static bool is_under(const rl_scope *scope, const rl_strand *strand, unsigned number) {
  return scope->state == RL_SCOPE_RAISED && scope->strand == strand && scope->protected_calls >= number;
}

bool rl_protect_is_cancellation(lua_State *L, unsigned number) {
  rl_strand *strand = rl_strand_of(L);
  if (!strand || !strand->task) return false;
  for (rl_scope *scope = strand->task->scope; scope; scope = scope->outer)
    if (is_under(scope, strand, number)) return true;
  return false;
}

/* A protected call of this number ends. Scopes that were raised under it are caught now, or go on to the next one out.
 * One that __close made for itself has a higher number than the scope noted, and changes nothing. */
static void settle(rl_task *task, rl_strand *strand, unsigned number, bool caught) {
  for (rl_scope *scope = task->scope; scope; scope = scope->outer) {
    if (!is_under(scope, strand, number)) continue;
    if (caught) scope->state = RL_SCOPE_CAUGHT;
    else scope->protected_calls = number - 1;
  }
}

void rl_protect_leave(lua_State *L, unsigned number, bool caught) {
  rl_strand *strand = rl_strand_of(L);
  if (!strand) return;
  if (number) strand->protected_calls = number - 1;
  if (strand->task) settle(strand->task, strand, number, caught);
}

void rl_protect_hand_over(rl_strand *from, rl_strand *to, bool caught) {
  rl_task *task = to->task;
  if (!task) return;
  for (rl_scope *scope = task->scope; scope; scope = scope->outer) {
    if (scope->state != RL_SCOPE_RAISED || scope->strand != from) continue;
    scope->strand = to;
    scope->protected_calls = to->protected_calls;
    if (caught) scope->state = RL_SCOPE_CAUGHT;
  }
}
