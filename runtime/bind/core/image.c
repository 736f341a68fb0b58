/* Pictures for Lua: the task waits while a thread of a crew decodes and scales. There are as many as cores; a few wait in line. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "image/thumbnail.h"
#include "loop/crew.h"
#include "vm/owner.h"

/* One picture under way. It reads no more of its bytes once it was abandoned, but what has been read has to be worked off by
 * its thread: a task that is cancelled lets go of the job. */
typedef struct image_job {
  rl_errand errand;
  rl_waker waker;
  bool under_way;
  rl_thumbnail how;
  int code;
  rl_buf out;
  size_t len;
  char bytes[];
} image_job;

static rl_crew image_crew;

static void open_image_crew(void) { rl_crew_init(&image_crew, "rille-image", 1, RL_LIMIT_IMAGE_QUEUE); }

static bool is_abandoned(const rl_thumbnail *how) { return rl_errand_is_abandoned(how->owner); }

static void run_image(rl_errand *errand) {
  image_job *job = RL_CONTAINER(errand, image_job, errand);
  job->code = rl_image_thumbnail(rl_slice_of(job->bytes, job->len), &job->how, &job->out);
}

static void free_job(image_job *job) {
  rl_buf_free(&job->out);
  rl_free(job);
}

static void on_image_done(rl_errand *errand) {
  image_job *job = RL_CONTAINER(errand, image_job, errand);
  job->under_way = false;
  rl_task_wake(&job->waker);
}

static void on_image_drop(rl_errand *errand) { free_job(RL_CONTAINER(errand, image_job, errand)); }

static void let_go(void *object) {
  image_job *job = object;
  job->waker.task = NULL;
  if (job->under_way) rl_errand_abandon(&job->errand);
  else free_job(job);
}

static bool undo_image(rl_task *task, void *ud) {
  (void)task;
  rl_owner_release(ud);
  return true;
}

/* What is wrong with a picture is the sender's fault: these reach the client. */
static RL_RAISES int raise_code(lua_State *L, int code) {
  const char *why;
  switch (code) {
    case RL_ESYNTAX: rl_error_raise(L, RL_EINVALID, "the picture is broken");
    case RL_ETOOBIG: rl_error_raise(L, code, "the picture has more than %u pixels", RL_LIMIT_IMAGE_PIXELS);
    case RL_ERANGE:
      rl_error_push_word(L, rl_error_word(RL_ETOOBIG), rl_error_status(RL_ETOOBIG),
                         "the picture would take too long to decode: it has too many scans or segments for its size");
      lua_error(L);
    case RL_EUNSUPPORTED:
      if (!rl_image_available(&why)) luaL_error(L, "image.thumbnail: %s", why);
      rl_error_raise(L, code, "the picture is no JPEG, PNG, GIF or WebP");
    default: rl_error_raise(L, code, NULL);
  }
}

static int image_k(lua_State *L, int status, lua_KContext ctx) {
  rl_owner *owner = (rl_owner *)ctx;
  const image_job *job = owner->object;
  int code = job->code;
  (void)status;
  if (code) return rl_owner_release(owner), raise_code(L, code);
  rl_push_slice(L, rl_buf_slice(&job->out));
  rl_owner_release(owner);
  return 1;
}

static image_job *new_job(lua_State *L, rl_slice bytes, const rl_thumbnail *how) {
  image_job *job = rl_calloc(1, sizeof *job + bytes.len);
  if (!job) rl_error_raise(L, RL_ENOMEM, NULL);
  rl_buf_init(&job->out, RL_BUF_NO_LIMIT);
  job->how = *how;
  job->how.is_abandoned = is_abandoned;
  job->how.owner = &job->errand;
  job->len = bytes.len;
  memcpy(job->bytes, bytes.data, bytes.len);
  job->errand.run = run_image;
  job->errand.done = on_image_done;
  job->errand.drop = on_image_drop;
  return job;
}

/* image_thumbnail(bytes, width, height, format, quality, contain) -> bytes; raises codes unsupported, invalid, too_large, busy.
 * The arguments were checked by lua/rille/image.lua. */
static int l_image_thumbnail(lua_State *L) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, open_image_crew);
  rl_slice bytes = rl_check_slice(L, 1);
  rl_thumbnail how = {.width = (uint32_t)luaL_checkinteger(L, 2),
                      .height = (uint32_t)luaL_checkinteger(L, 3),
                      .format = rl_image_format_of(rl_check_slice(L, 4)),
                      .quality = (int)luaL_checkinteger(L, 5),
                      .contain = lua_toboolean(L, 6)};
  rl_task *task = rl_task_may_wait(L, "image.thumbnail");
  rl_owner *owner = rl_owner_push(L, let_go);
  image_job *job = owner->object = new_job(L, bytes, &how);
  job->waker = rl_task_waker(task);
  int code = rl_crew_send(&image_crew, task->vm->loop, &job->errand, true);
  if (code == RL_EBUSY) return rl_error_raise(L, code, "too many pictures are being scaled, try again later");
  if (code) return rl_error_raise(L, code, NULL);
  job->under_way = true;
  return rl_task_wait(L, "image.thumbnail", undo_image, owner, image_k, (lua_KContext)owner);
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
