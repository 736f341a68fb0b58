/* Authorities of clients; see authority.h. */
#include "net/tls/authority.h"

#include "base/alloc.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"
#include "net/tls/context.h"

static void free_certificate(void *certificate) { rl_openssl.X509_free(certificate); }
static void free_name(void *name) { rl_openssl.X509_NAME_free(name); }

static OPENSSL_STACK *stack_of(const rl_tls_authority *authority) { return (OPENSSL_STACK *)authority->certificates; }

static int refuse(rl_buf *why, const char *file, const char *what) {
  rl_buf_addf(why, "%s: %s", file, what);
  return RL_EINVALID;
}

/* Takes the certificate. The store takes a reference of its own. */
static int add(rl_tls_authority *authority, X509 *certificate) {
  if (rl_openssl.OPENSSL_sk_push(stack_of(authority), certificate) <= 0) {
    rl_openssl.X509_free(certificate);
    return RL_ENOMEM;
  }
  return rl_openssl.X509_STORE_add_cert(authority->trusted, certificate) == 1 ? RL_OK : RL_ENOMEM;
}

static int fill(rl_tls_authority *authority, BIO *bio, const char *file, rl_buf *why) {
  int code = RL_OK;
  rl_openssl.ERR_clear_error();
  for (X509 *one; !code && (one = rl_openssl.PEM_read_bio_X509(bio, NULL, NULL, NULL));) code = add(authority, one);
  unsigned long error = rl_openssl.ERR_peek_last_error();
  rl_openssl.ERR_clear_error();
  if (code) return code;
  if (ERR_GET_REASON(error) != PEM_R_NO_START_LINE) return refuse(why, file, rl_tls_reason(error));
  if (!rl_openssl.OPENSSL_sk_num(stack_of(authority))) return refuse(why, file, "holds no certificate in PEM");
  return RL_OK;
}

int rl_tls_authority_read(rl_tls_authority **out, rl_slice text, const char *file, rl_buf *why) {
  rl_tls_authority *authority = rl_calloc(1, sizeof *authority);
  if (!authority) return RL_ENOMEM;
  authority->refs = 1;
  authority->trusted = rl_openssl.X509_STORE_new();
  authority->certificates = (struct stack_st_X509 *)rl_openssl.OPENSSL_sk_new_null();
  rl_hash(RL_SLICE("client authorities"), text, authority->hash);
  BIO *bio = rl_openssl.BIO_new_mem_buf(text.data, (int)text.len);
  int code = bio && authority->trusted && authority->certificates ? fill(authority, bio, file, why) : RL_ENOMEM;
  if (bio) rl_openssl.BIO_free(bio);
  if (code) rl_tls_authority_unref(authority);
  else *out = authority;
  return code;
}

rl_tls_authority *rl_tls_authority_ref(rl_tls_authority *authority) {
  __atomic_add_fetch(&authority->refs, 1, __ATOMIC_RELAXED);
  return authority;
}

void rl_tls_authority_unref(rl_tls_authority *authority) {
  if (!authority || __atomic_sub_fetch(&authority->refs, 1, __ATOMIC_ACQ_REL)) return;
  rl_openssl.X509_STORE_free(authority->trusted);
  rl_openssl.OPENSSL_sk_pop_free(stack_of(authority), free_certificate);
  rl_free(authority);
}

/* Clients are told whose certificates are wanted, so that a browser asks its user only where it has one. */
static OPENSSL_STACK *names_of(const rl_tls_authority *authority) {
  OPENSSL_STACK *names = rl_openssl.OPENSSL_sk_new_null();
  for (int i = 0; names && i < rl_openssl.OPENSSL_sk_num(stack_of(authority)); i++) {
    const X509 *one = rl_openssl.OPENSSL_sk_value(stack_of(authority), i);
    X509_NAME *name = rl_openssl.X509_NAME_dup(rl_openssl.X509_get_subject_name(one));
    if (name && rl_openssl.OPENSSL_sk_push(names, name) > 0) continue;
    rl_openssl.X509_NAME_free(name);
    rl_openssl.OPENSSL_sk_pop_free(names, free_name);
    return NULL;
  }
  return names;
}

enum { DEMAND = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT };

void rl_tls_authority_demand(struct ssl_st *ssl) { rl_openssl.SSL_set_verify(ssl, DEMAND, NULL); }

int rl_tls_authority_use(const rl_tls_authority *authority, struct ssl_ctx_st *context) {
  OPENSSL_STACK *names = names_of(authority);
  if (!names) return RL_ENOMEM;
  rl_openssl.SSL_CTX_set_client_CA_list(context, (struct stack_st_X509_NAME *)names); /* takes them */
  rl_openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_VERIFY_CERT_STORE, 1, authority->trusted);
  rl_openssl.SSL_CTX_set_verify(context, DEMAND, NULL);
  return RL_OK;
}
