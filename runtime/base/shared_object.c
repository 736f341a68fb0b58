/* dlopen, under one lock; see shared_object.h. */
#include "base/shared_object.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/descriptors.h"
#include "base/error.h"

/* The words of the first failure stand: another thread may be reading them. */
static int fail(rl_shared_object *object, const char *what, const char *detail) {
  if (!object->why[0])
    snprintf(object->why, sizeof object->why, "%s %s (%s); Debian: apt-get install %s", object->title, what, detail,
             object->package);
  return RL_EIO;
}

/* A pointer of a function and one of data are one kind (POSIX, dlsym). */
static int fill(rl_shared_object *object, void *library) {
  for (size_t i = 0; i < object->count; i++) {
    void *found = dlsym(library, object->names[i]);
    if (!found) return fail(object, "is another version than the one that is needed, it lacks", object->names[i]);
    memcpy((char *)object->table + i * sizeof found, &found, sizeof found);
  }
  return RL_OK;
}

static int load(rl_shared_object *object) {
  void *library = dlopen(object->file, RTLD_NOW | RTLD_LOCAL);
  if (!library && rl_descriptors_check()) return RL_ENOFILES;
  if (!library) return fail(object, "cannot be loaded", dlerror());
  int code = fill(object, library);
  if (!code && object->prepare && !object->prepare()) code = fail(object, "does not work", object->file);
  if (code) dlclose(library);
  return code;
}

int rl_shared_object_load(rl_shared_object *object, const char **why) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  if (__atomic_load_n(&object->loaded, __ATOMIC_ACQUIRE)) return RL_OK;
  pthread_mutex_lock(&lock);
  int code = object->loaded ? RL_OK : load(object);
  __atomic_store_n(&object->loaded, code == RL_OK, __ATOMIC_RELEASE);
  pthread_mutex_unlock(&lock);
  *why = code == RL_EIO ? object->why : rl_error_text(code);
  return code;
}
