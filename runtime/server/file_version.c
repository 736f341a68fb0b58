/* Digests of files; see file_version.h. */
#include "server/file_version.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/url.h"
#include "crypto/digest.h"

enum { SLOTS = 512 }; /* a newer file takes the place of another whose slot is the same */

struct rl_file_version {
  rl_file_identity identity;
  bool used;
  char text[RL_FILE_VERSION];
};

static rl_file_version *slot_of(rl_file_cache *cache, const rl_file *file) {
  rl_file_version **table = rl_file_cache_versions(cache);
  if (!*table) *table = rl_calloc(SLOTS, sizeof **table);
  return *table ? &(*table)[(file->identity.inode ^ file->identity.device) % SLOTS] : NULL;
}

static int read_all(const rl_file *file, char *out) {
  for (uint64_t done = 0; done < file->size;) {
    ssize_t n = pread(file->fd, out + done, (size_t)(file->size - done), (off_t)done);
    if (n <= 0) return RL_EIO;
    done += (uint64_t)n;
  }
  return RL_OK;
}

static int digest(const rl_file *file, char hex[RL_SHA256_HEX]) {
  if (file->fd < 0 || file->size > RL_LIMIT_FILE_VERSIONED) {
    rl_sha256_hex(file->fd < 0 ? file->bytes : rl_slice_str(file->etag), hex);
    return RL_OK;
  }
  char *bytes = rl_alloc(file->size + 1);
  int code = bytes ? read_all(file, bytes) : RL_ENOMEM;
  if (!code) rl_sha256_hex(rl_slice_of(bytes, (size_t)file->size), hex);
  rl_free(bytes);
  return code;
}

int rl_file_version_of(rl_file_cache *cache, const rl_file *file, char out[RL_FILE_VERSION]) {
  rl_file_version *slot = cache ? slot_of(cache, file) : NULL;
  if (slot && slot->used && rl_file_identity_eq(&slot->identity, &file->identity)) {
    memcpy(out, slot->text, RL_FILE_VERSION);
    return RL_OK;
  }
  char hex[RL_SHA256_HEX];
  int code = digest(file, hex);
  if (code) return code;
  memcpy(out, hex, RL_FILE_VERSION);
  if (!slot) return RL_OK;
  *slot = (rl_file_version){.identity = file->identity, .used = true};
  memcpy(slot->text, hex, RL_FILE_VERSION);
  return RL_OK;
}

bool rl_file_version_is_asked(rl_slice query, rl_slice *version) {
  rl_slice name;
  while (rl_query_next(&query, &name, version))
    if (rl_slice_eq(name, RL_SLICE("v"))) return version->len == RL_FILE_VERSION;
  return false;
}
