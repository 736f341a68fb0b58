/*
 * Files that outlive a crash, and turns among processes: what lua/rille/acme/ keeps its keys and certificates with. Every call may
 * wait for the disk, so nothing that serves requests calls them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/tempfile.h"
#include "bind/bind.h"
#include "bind/core/core.h"

static int say(lua_State *L, const char *path, const char *why) {
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", path, why);
  return 2;
}

/* Writes to a file beside. Who may not read it could never open it, not even while it was empty; fchmod gives back what the umask
 * has taken. */
static int write_beside(const char *path, rl_slice bytes, mode_t mode) {
  char *name;
  int fd = rl_tempfile_open_beside(path, mode & 0700, &name);
  if (fd < 0) return fd;
  int code = fchmod(fd, mode) ? RL_EIO : rl_write_all(fd, bytes);
  if (!code) code = rl_tempfile_commit(fd, name, path);
  int saved = errno;
  if (code) unlink(name);
  close(fd);
  rl_free(name);
  errno = saved;
  return code;
}

/* write_durably(path, bytes, mode) -> true | nil, message. The file has the old bytes or the new ones, whatever happens. */
static int l_write_durably(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  int code = write_beside(path, rl_check_slice(L, 2), (mode_t)luaL_checkinteger(L, 3) & 0777);
  if (code) return say(L, path, code == RL_EIO ? strerror(errno) : rl_error_text(code));
  lua_pushboolean(L, 1);
  return 1;
}

/* make_private_directory(path) -> true | nil, message. Makes it with mode 0700 unless it is there. */
static int l_make_private_directory(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat info;
  if (mkdir(path, 0700) && errno != EEXIST) return say(L, path, strerror(errno));
  if (stat(path, &info)) return say(L, path, strerror(errno));
  if (!S_ISDIR(info.st_mode)) return say(L, path, "is no directory");
  lua_pushboolean(L, 1);
  return 1;
}

/* may_write(path) -> boolean */
static int l_may_write(lua_State *L) {
  lua_pushboolean(L, faccessat(AT_FDCWD, luaL_checkstring(L, 1), W_OK | X_OK, AT_EACCESS) == 0);
  return 1;
}

/* ---- turns ------------------------------------------------------------------------------------------------------------------- */

/* A lock belongs to the open file (flock), so it goes with whoever holds it: a dead process holds none. */
typedef struct turn {
  int fd; /* -1: given up */
} turn;

static int turn_close(lua_State *L) {
  turn *t = luaL_checkudata(L, 1, "rille.turn");
  if (t->fd >= 0) close(t->fd);
  t->fd = -1;
  return 0;
}

static void write_holder(int fd, rl_slice holder) {
  if (ftruncate(fd, 0) || rl_write_all_at(fd, 0, holder)) return; /* it is for people only */
}

/* take_turn(path, holder) -> a lock, closed to give it up | nil, who holds it | nil, nil, message */
static int l_take_turn(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  rl_slice holder = rl_check_slice(L, 2);
  char other[200];
  turn *t = lua_newuserdatauv(L, sizeof *t, 0);
  t->fd = -1;
  luaL_setmetatable(L, "rille.turn");
  t->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (t->fd >= 0 && flock(t->fd, LOCK_EX | LOCK_NB) == 0) return write_holder(t->fd, holder), 1;
  int saved = errno;
  long len = t->fd >= 0 ? rl_read_at(t->fd, 0, other, sizeof other) : 0;
  if (t->fd >= 0) close(t->fd);
  t->fd = -1;
  lua_pushnil(L);
  if (saved == EWOULDBLOCK) return lua_pushlstring(L, other, len > 0 ? (size_t)len : 0), 2;
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", path, strerror(saved));
  return 3;
}

static const luaL_Reg functions[] = {{"write_durably", l_write_durably},
                                     {"make_private_directory", l_make_private_directory},
                                     {"may_write", l_may_write},
                                     {"take_turn", l_take_turn},
                                     {NULL, NULL}};
static const luaL_Reg of_turn[] = {{"__gc", turn_close}, {"__close", turn_close}, {"close", turn_close}, {NULL, NULL}};

void rl_bind_durable(lua_State *L) {
  rl_new_metatable(L, "rille.turn");
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_setfuncs(L, of_turn, 0);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
