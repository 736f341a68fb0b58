/* dlopen, under one lock; see shared_object.h. */
#include "base/shared_object.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The words of the first failure stand: another thread may be reading them. */
static bool fail(rl_shared_object *object, const char *what, const char *detail) {
  if (!object->why[0])
    snprintf(object->why, sizeof object->why, "%s %s (%s); Debian: apt-get install %s", object->title, what, detail,
             object->package);
  return false;
}

/* A pointer of a function and one of data are one kind (POSIX, dlsym). */
static bool fill(rl_shared_object *object, void *library) {
  for (size_t i = 0; i < object->count; i++) {
    void *found = dlsym(library, object->names[i]);
    if (!found) return fail(object, "is another version than the one that is needed, it lacks", object->names[i]);
    memcpy((char *)object->table + i * sizeof found, &found, sizeof found);
  }
  return true;
}

static bool load(rl_shared_object *object) {
  void *library = dlopen(object->file, RTLD_NOW | RTLD_LOCAL);
  if (!library) return fail(object, "cannot be loaded", dlerror());
  if (fill(object, library) && (!object->prepare || object->prepare())) return true;
  dlclose(library);
  return fail(object, "does not work", object->file);
}

bool rl_shared_object_load(rl_shared_object *object) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  if (__atomic_load_n(&object->loaded, __ATOMIC_ACQUIRE)) return true;
  pthread_mutex_lock(&lock);
  bool loaded = object->loaded || load(object);
  __atomic_store_n(&object->loaded, loaded, __ATOMIC_RELEASE);
  pthread_mutex_unlock(&lock);
  return loaded;
}
