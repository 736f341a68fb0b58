/* The system's authorities, read once; see system_store.h. */
#define _GNU_SOURCE /* secure_getenv */
#include "net/tls/system_store.h"

#include <pthread.h>
#include <stdlib.h>

#include "crypto/openssl.h"
#include "net/tls/pem_file.h"

/* Where Debian and its like keep them; its OpenSSL did not always have a link to it. */
static const char bundle[] = "/etc/ssl/certs/ca-certificates.crt";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static X509_STORE *present;
static uint64_t present_stamp;

static const char *path_of(const char *variable, const char *otherwise) {
  const char *path = secure_getenv(variable);
  return path ? path : otherwise;
}

static const char *file(void) {
  return path_of(rl_openssl.X509_get_default_cert_file_env(), rl_openssl.X509_get_default_cert_file());
}

static const char *folder(void) {
  return path_of(rl_openssl.X509_get_default_cert_dir_env(), rl_openssl.X509_get_default_cert_dir());
}

/* Nobody has said where they are, and they are not where OpenSSL looks. */
static bool is_elsewhere(void) {
  return !secure_getenv(rl_openssl.X509_get_default_cert_file_env()) && !rl_pem_file_stamp(file());
}

uint64_t rl_tls_system_store_stamp(void) {
  return rl_pem_file_stamp(file()) * 3 + rl_pem_file_stamp(folder()) * 5 + rl_pem_file_stamp(bundle) * 7;
}

/* A certificate that cannot be read is passed over. */
static X509_STORE *load(void) {
  X509_STORE *store = rl_openssl.X509_STORE_new();
  if (!store) return NULL;
  rl_openssl.X509_STORE_set_default_paths(store);
  if (is_elsewhere()) rl_openssl.X509_STORE_load_file(store, bundle);
  rl_openssl.ERR_clear_error();
  return store;
}

struct x509_store_st *rl_tls_system_store(uint64_t *stamp) {
  pthread_mutex_lock(&lock);
  uint64_t now = rl_tls_system_store_stamp();
  if (!present || now != present_stamp) {
    X509_STORE *fresh = load();
    if (fresh) {
      rl_openssl.X509_STORE_free(present);
      present = fresh;
      present_stamp = now;
    }
  }
  if (present) rl_openssl.X509_STORE_up_ref(present);
  *stamp = present_stamp;
  X509_STORE *store = present;
  pthread_mutex_unlock(&lock);
  return store;
}
