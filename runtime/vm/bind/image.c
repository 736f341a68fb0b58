/* Pictures for Lua: the task waits while a thread decodes and scales. No more threads than cores do so, a few wait in line. */
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "image/thumbnail.h"
#include "loop/gate.h"
#include "vm/bind/bind.h"

/* One picture under way. As with passwords, its thread cannot be stopped: a task that is cancelled lets go of the job. */
typedef struct image_job {
  rl_gated gated;
  rl_waker waker;
  bool abandoned; /* nobody waits any more */
  rl_thumbnail how;
  int code;
  rl_buf out;
  size_t len;
  char bytes[];
} image_job;

static rl_gate image_gate;

static void open_image_gate(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  rl_gate_init(&image_gate, cores > 0 ? (unsigned)cores : 1, RL_LIMIT_IMAGE_QUEUE);
}

static void run_image(rl_gated *gated) {
  image_job *job = RL_CONTAINER(gated, image_job, gated);
  job->code = rl_image_thumbnail(rl_slice_of(job->bytes, job->len), &job->how, &job->out);
}

static void free_job(image_job *job) {
  rl_buf_free(&job->out);
  rl_free(job);
}

static void on_image_done(rl_gated *gated, bool ran) {
  image_job *job = RL_CONTAINER(gated, image_job, gated);
  (void)ran; /* false only for one that was cancelled */
  if (job->abandoned) free_job(job);
  else rl_task_wake(&job->waker);
}

static bool undo_image(rl_task *task, void *ud) {
  image_job *job = ud;
  (void)task;
  job->abandoned = true;
  rl_gate_cancel(&job->gated);
  return true;
}

/* What is wrong with a picture is the sender's fault: these reach the client. */
static int raise_code(lua_State *L, int code) {
  const char *why;
  switch (code) {
    case RL_ESYNTAX: return rl_error_raise(L, RL_EINVALID, "the picture is broken");
    case RL_ETOOBIG: return rl_error_raise(L, code, "the picture has more than %u pixels", RL_LIMIT_IMAGE_PIXELS);
    case RL_EUNSUPPORTED:
      if (!rl_image_available(&why)) return luaL_error(L, "image.thumbnail: %s", why);
      return rl_error_raise(L, code, "the picture is no JPEG, PNG, GIF or WebP");
    default: return rl_error_raise(L, code, NULL);
  }
}

static int push_bytes(lua_State *L) {
  const image_job *job = lua_touserdata(L, 1);
  rl_push_slice(L, rl_buf_slice(&job->out));
  return 1;
}

static int image_k(lua_State *L, int status, lua_KContext ctx) {
  image_job *job = (image_job *)ctx;
  int code = job->code;
  (void)status;
  if (!code) { /* protected: the job is to be freed even where the string finds no room */
    lua_pushcfunction(L, push_bytes);
    lua_pushlightuserdata(L, job);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) code = RL_ENOMEM;
  }
  free_job(job);
  return code ? raise_code(L, code) : 1;
}

/* image_thumbnail(bytes, width, height, format, quality, contain) -> bytes; raises codes unsupported, invalid, too_large, busy.
 * The arguments were checked by lua/rille/image.lua. */
static int l_image_thumbnail(lua_State *L) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, open_image_gate);
  rl_slice bytes = rl_check_slice(L, 1);
  rl_task *task = rl_task_may_wait(L, "image.thumbnail");
  image_job *job = rl_calloc(1, sizeof *job + bytes.len);
  if (!job) return rl_error_raise(L, RL_ENOMEM, NULL);
  rl_buf_init(&job->out, RL_BUF_NO_LIMIT);
  job->waker = rl_task_waker(task);
  job->how = (rl_thumbnail){.width = (uint32_t)luaL_checkinteger(L, 2),
                            .height = (uint32_t)luaL_checkinteger(L, 3),
                            .format = rl_image_format_of(rl_check_slice(L, 4)),
                            .quality = (int)luaL_checkinteger(L, 5),
                            .contain = lua_toboolean(L, 6)};
  job->len = bytes.len;
  memcpy(job->bytes, bytes.data, bytes.len);
  job->gated.run = run_image;
  job->gated.done = on_image_done;
  if (rl_gate_enter(&image_gate, task->vm->loop, &job->gated)) {
    free_job(job);
    return rl_error_raise(L, RL_EBUSY, "too many pictures are being scaled, try again later");
  }
  return rl_task_wait(L, "image.thumbnail", undo_image, job, image_k, (lua_KContext)job);
}

/* image_info(bytes) -> format, width, height (upright); or nil where it is no picture */
static int l_image_info(lua_State *L) {
  rl_image_info info;
  if (rl_image_probe(rl_check_slice(L, 1), &info)) return lua_pushnil(L), 1;
  bool lies = info.orientation >= 5;
  lua_pushstring(L, rl_image_format_name(info.format));
  lua_pushinteger(L, lies ? info.height : info.width);
  lua_pushinteger(L, lies ? info.width : info.height);
  return 3;
}

static const luaL_Reg functions[] = {
    {"image_thumbnail", l_image_thumbnail}, {"image_info", l_image_info}, {NULL, NULL}};

void rl_bind_image(lua_State *L) { luaL_setfuncs(L, functions, 0); }
