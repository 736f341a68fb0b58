/*
 * Certificates for tests, made when they are needed. They are good for the names that they are asked for and signed by an authority that
 * is made with the first of them, or by themselves.
 *
 *   test_certificate one;
 *   test_certificate_make(&one, &(test_certificate_options){.names = "a.example,*.a.example"});
 *   … one.certificate, one.key (PEM), test_authority_pem() …
 *   test_certificate_free(&one);
 */
#ifndef CTESTS_SUPPORT_CERTIFICATES_H
#define CTESTS_SUPPORT_CERTIFICATES_H

#include "base/buf.h"

typedef struct test_certificate_options {
  const char *names;      /* alternative names, DNS or IP, separated by commas; NULL: none */
  const char *common;     /* the subject's common name; NULL: "rille test" */
  bool rsa;               /* 2048 bits; else P-256 */
  int rsa_bits;           /* another size */
  bool self_signed;       /* not by the authority */
  bool intermediate;      /* signed by an authority between them, whose certificate follows it */
  long from_s, to_s;      /* validity from now on, in seconds; both 0: from an hour ago to a day from now */
  const char *passphrase; /* encrypts the key; NULL: not */
} test_certificate_options;

typedef struct test_certificate {
  rl_buf certificate, key; /* PEM; the certificate with its chain */
} test_certificate;

/* Ends the process if OpenSSL does not do it. */
void test_certificate_make(test_certificate *out, const test_certificate_options *options);
void test_certificate_free(test_certificate *one);
/* Returns the certificate of the authority in PEM; static. */
rl_slice test_authority_pem(void);
/* Returns a file that holds it, which is removed at the end of the process; static. */
const char *test_authority_file(void);
/* Writes a file of that name, with mode 0600. Ends the process if that fails. */
void test_write_pem(const char *path, rl_slice text);

#endif
