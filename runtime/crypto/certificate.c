/* Certificates and requests; see certificate.h. */
#include "crypto/certificate.h"

#include <arpa/inet.h>
#include <openssl/obj_mac.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/ec_key.h"
#include "crypto/openssl.h"

enum { TAG_DNS = 0x82, TAG_ADDRESS = 0x87, SEQUENCE = 0x30, KEY_ID = 20, MOST_COMMON_NAME = 64, MOST_DER = 64 << 10 };

#define OID_KEY_ID "2.5.29.14"
#define OID_USAGE "2.5.29.15"
#define OID_NAMES "2.5.29.17"
#define OID_CONSTRAINTS "2.5.29.19"
#define OID_NAME_CONSTRAINTS "2.5.29.30"
#define OID_AUTHORITY_ID "2.5.29.35"
#define OID_PURPOSE "2.5.29.37"
#define OID_CHALLENGE "1.3.6.1.5.5.7.1.31" /* acmeIdentifier */

static int load(void) {
  const char *why;
  if (rl_openssl_load(&why)) return RL_EIO;
  rl_openssl.ERR_clear_error();
  return RL_OK;
}

/* ---- extensions: their DER is short and fixed, so it is written here ----------------------------------------------------- */

static void add_length(rl_buf *out, size_t len) {
  if (len > 0xff) rl_buf_add_char(out, (char)0x82), rl_buf_add_char(out, (char)(len >> 8));
  else if (len > 0x7f) rl_buf_add_char(out, (char)0x81);
  rl_buf_add_char(out, (char)(len & 0xff));
}

static void add_value(rl_buf *out, int tag, const void *bytes, size_t len) {
  rl_buf_add_char(out, (char)tag);
  add_length(out, len);
  rl_buf_add(out, bytes, len);
}

static int add_name(rl_buf *out, rl_slice name) {
  char text[254];
  unsigned char address[16];
  if (!name.len || name.len >= sizeof text || memchr(name.data, 0, name.len)) return RL_EINVALID;
  memcpy(text, name.data, name.len);
  text[name.len] = 0;
  if (inet_pton(AF_INET, text, address) == 1) add_value(out, TAG_ADDRESS, address, 4);
  else if (inet_pton(AF_INET6, text, address) == 1) add_value(out, TAG_ADDRESS, address, 16);
  else add_value(out, TAG_DNS, text, name.len);
  return out->error;
}

/* subjectAltName, RFC 5280 section 4.2.1.6 */
static int write_names(rl_buf *out, const rl_slice *names, size_t count) {
  rl_buf list;
  int code = count && count <= RL_CERTIFICATE_NAMES ? RL_OK : RL_EINVALID;
  rl_buf_init(&list, MOST_DER - 8);
  for (size_t i = 0; i < count && !code; i++) code = add_name(&list, names[i]);
  if (!code) add_value(out, SEQUENCE, list.data, list.len), code = out->error;
  rl_buf_free(&list);
  return code;
}

static X509_EXTENSION *new_extension(const char *oid, bool critical, const void *der, size_t len) {
  X509_EXTENSION *made = NULL;
  ASN1_OBJECT *object = rl_openssl.OBJ_txt2obj(oid, 1);
  ASN1_OCTET_STRING *value = rl_openssl.ASN1_OCTET_STRING_new();
  if (object && value && rl_openssl.ASN1_OCTET_STRING_set(value, der, (int)len) == 1)
    made = rl_openssl.X509_EXTENSION_create_by_OBJ(NULL, object, critical, value);
  rl_openssl.ASN1_OCTET_STRING_free(value);
  rl_openssl.ASN1_OBJECT_free(object);
  return made;
}

static bool extend(X509 *x, const char *oid, bool critical, const void *der, size_t len) {
  X509_EXTENSION *extension = new_extension(oid, critical, der, len);
  bool done = extension && rl_openssl.X509_add_ext(x, extension, -1) == 1;
  rl_openssl.X509_EXTENSION_free(extension);
  return done;
}

static int extend_names(X509 *x, const rl_slice *names, size_t count) {
  rl_buf der;
  rl_buf_init(&der, MOST_DER);
  int code = write_names(&der, names, count);
  if (!code && !extend(x, OID_NAMES, false, der.data, der.len)) code = RL_EIO;
  rl_buf_free(&der);
  return code;
}

static const unsigned char of_servers[] = {0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1}; /* id-kp-serverAuth */

/* nameConstraints (RFC 5280 section 4.2.1.10), permitted: dNSName "localhost", which covers names below it, and two addresses with
 * their masks. With pathLenConstraint 0 it signs no other authority. */
static bool extend_local(X509 *x) {
  static const unsigned char last[] = {0x30, 6, 1, 1, 0xff, 2, 1, 0};
  static const unsigned char names[] = {
      0x30, 0x3f, 0xa0, 0x3d,                                                      /* permittedSubtrees */
      0x30, 0x0b, 0x82, 0x09, 'l',  'o',  'c',  'a',  'l',  'h',  'o',  's',  't', /* dNSName */
      0x30, 0x0a, 0x87, 0x08, 127,  0,    0,    1,    0xff, 0xff, 0xff, 0xff,      /* iPAddress */
      0x30, 0x22, 0x87, 0x20, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
      0,    1,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  return extend(x, OID_CONSTRAINTS, true, last, sizeof last) &&
         extend(x, OID_NAME_CONSTRAINTS, true, names, sizeof names) &&
         extend(x, OID_PURPOSE, false, of_servers, sizeof of_servers);
}

static bool extend_usage(X509 *x, const rl_certificate_plan *plan) {
  static const unsigned char authority[] = {0x30, 3, 1, 1, 0xff}, leaf[] = {0x30, 0};
  static const unsigned char signs_certificates[] = {3, 2, 1, 6}, signs[] = {3, 2, 7, 0x80};
  static const unsigned char client[] = {0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2};
  if (plan->is_authority)
    return (plan->is_local ? extend_local(x) : extend(x, OID_CONSTRAINTS, true, authority, sizeof authority)) &&
           extend(x, OID_USAGE, true, signs_certificates, sizeof signs_certificates);
  return extend(x, OID_CONSTRAINTS, true, leaf, sizeof leaf) && extend(x, OID_USAGE, true, signs, sizeof signs) &&
         extend(x, OID_PURPOSE, false, plan->is_client ? client : of_servers, sizeof of_servers);
}

/* The key's identifier is 160 bits of a hash of it (RFC 7093 section 2 lets us choose), the issuer's is read off its certificate. */
static bool extend_ids(X509 *x, X509 *issuer, rl_slice key) {
  uint8_t point[RL_EC_KEY_POINT], id[2 + KEY_ID] = {4, KEY_ID}, of_issuer[4 + RL_CERTIFICATE_ID];
  uint8_t hash[RL_HASH_SIZE];
  if (rl_ec_key_public(key, point)) return false;
  rl_hash(RL_SLICE_NONE, rl_slice_of((const char *)point, sizeof point), hash);
  memcpy(id + 2, hash, KEY_ID);
  if (!extend(x, OID_KEY_ID, false, id, sizeof id)) return false;
  const ASN1_OCTET_STRING *theirs = rl_openssl.X509_get0_subject_key_id(issuer);
  int len = theirs ? rl_openssl.ASN1_STRING_length(theirs) : 0;
  if (len <= 0 || len > RL_CERTIFICATE_ID) return true;
  of_issuer[0] = 0x30, of_issuer[1] = (uint8_t)(len + 2), of_issuer[2] = 0x80, of_issuer[3] = (uint8_t)len;
  memcpy(of_issuer + 4, rl_openssl.ASN1_STRING_get0_data(theirs), (size_t)len);
  return extend(x, OID_AUTHORITY_ID, false, of_issuer, (size_t)len + 4);
}

static bool extend_digest(X509 *x, const uint8_t *digest) {
  uint8_t der[2 + RL_SHA256_SIZE] = {4, RL_SHA256_SIZE};
  if (!digest) return true;
  memcpy(der + 2, digest, RL_SHA256_SIZE);
  return extend(x, OID_CHALLENGE, true, der, sizeof der);
}

/* ---- a certificate ----------------------------------------------------------------------------------------------------------- */

/* 126 random bits and one that is set: positive, and never short. */
static bool set_serial(X509 *x) {
  uint8_t bytes[16];
  rl_random_bytes(bytes, sizeof bytes);
  bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
  BIGNUM *number = rl_openssl.BN_bin2bn(bytes, sizeof bytes, NULL);
  bool done = number && rl_openssl.BN_to_ASN1_INTEGER(number, rl_openssl.X509_get_serialNumber(x));
  rl_openssl.BN_free(number);
  return done;
}

static bool set_subject(X509 *x, const rl_certificate_plan *plan) {
  rl_slice title = plan->title ? rl_slice_str(plan->title) : plan->count ? plan->names[0] : RL_SLICE_NONE;
  if (!title.len || title.len > MOST_COMMON_NAME) return true;
  return rl_openssl.X509_NAME_add_entry_by_txt(rl_openssl.X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                               (const unsigned char *)title.data, (int)title.len, -1, 0) == 1;
}

static X509 *parse(rl_slice der) {
  const unsigned char *at = (const unsigned char *)der.data;
  return der.len && der.len <= MOST_DER ? rl_openssl.d2i_X509(NULL, &at, (long)der.len) : NULL;
}

static bool fill(X509 *x, X509 *issuer, const rl_certificate_plan *plan, EVP_PKEY *pkey) {
  return rl_openssl.X509_set_version(x, 2) == 1 && set_serial(x) && set_subject(x, plan) &&
         rl_openssl.X509_set_issuer_name(x, rl_openssl.X509_get_subject_name(issuer)) == 1 &&
         rl_openssl.ASN1_TIME_set(rl_openssl.X509_getm_notBefore(x), plan->from) &&
         rl_openssl.ASN1_TIME_set(rl_openssl.X509_getm_notAfter(x), plan->to) &&
         rl_openssl.X509_set_pubkey(x, pkey) == 1;
}

static int add_der(X509 *x, rl_buf *out) {
  unsigned char *der = NULL;
  int len = rl_openssl.i2d_X509(x, &der);
  int code = len > 0 ? rl_buf_add(out, der, (size_t)len) : RL_EIO;
  rl_openssl.CRYPTO_free(der, __FILE__, __LINE__);
  return code;
}

static int build(X509 *x, X509 *issuer, const rl_certificate_plan *plan, rl_slice key, EVP_PKEY *pkey) {
  if (!fill(x, issuer, plan, pkey) || !extend_usage(x, plan) || !extend_ids(x, issuer, key) ||
      !extend_digest(x, plan->digest))
    return RL_EIO;
  return plan->count ? extend_names(x, plan->names, plan->count) : RL_OK;
}

int rl_certificate_make(const rl_certificate_plan *plan, rl_slice key, rl_buf *der) {
  if (load()) return RL_EIO;
  bool by_itself = !plan->issuer.len;
  EVP_PKEY *pkey = rl_ec_key_open(key), *signer = by_itself ? pkey : rl_ec_key_open(plan->issuer_key);
  X509 *x = rl_openssl.X509_new(), *issuer = by_itself ? x : parse(plan->issuer);
  int code = x && issuer && pkey && signer ? build(x, issuer, plan, key, pkey) : RL_EINVALID;
  if (!code && rl_openssl.X509_sign(x, signer, rl_openssl.EVP_sha256()) <= 0) code = RL_EIO;
  if (!code) code = add_der(x, der);
  if (!by_itself) rl_openssl.X509_free(issuer), rl_openssl.EVP_PKEY_free(signer);
  rl_openssl.X509_free(x);
  rl_openssl.EVP_PKEY_free(pkey);
  return code;
}

/* ---- a request --------------------------------------------------------------------------------------------------------------- */

static int request_names(X509_REQ *request, const rl_slice *names, size_t count) {
  rl_buf der;
  rl_buf_init(&der, MOST_DER);
  int code = write_names(&der, names, count);
  X509_EXTENSION *extension = code ? NULL : new_extension(OID_NAMES, false, der.data, der.len);
  OPENSSL_STACK *list = rl_openssl.OPENSSL_sk_new_null();
  bool done = extension && list && rl_openssl.OPENSSL_sk_push(list, extension) > 0 &&
              rl_openssl.X509_REQ_add_extensions(request, (STACK_OF(X509_EXTENSION) *)list) == 1;
  rl_openssl.OPENSSL_sk_free(list);
  rl_openssl.X509_EXTENSION_free(extension);
  rl_buf_free(&der);
  return code ? code : done ? RL_OK : RL_EIO;
}

static int add_request(X509_REQ *request, rl_buf *out) {
  unsigned char *der = NULL;
  int len = rl_openssl.i2d_X509_REQ(request, &der);
  int code = len > 0 ? rl_buf_add(out, der, (size_t)len) : RL_EIO;
  rl_openssl.CRYPTO_free(der, __FILE__, __LINE__);
  return code;
}

int rl_certificate_ask(const rl_slice *names, size_t count, rl_slice key, rl_buf *der) {
  if (load()) return RL_EIO;
  EVP_PKEY *pkey = rl_ec_key_open(key);
  X509_REQ *request = rl_openssl.X509_REQ_new();
  int code = pkey ? RL_OK : RL_EINVALID;
  if (!code && !request) code = RL_ENOMEM;
  if (!code) code = request_names(request, names, count);
  if (!code && (rl_openssl.X509_REQ_set_pubkey(request, pkey) != 1 ||
                rl_openssl.X509_REQ_sign(request, pkey, rl_openssl.EVP_sha256()) <= 0))
    code = RL_EIO;
  if (!code) code = add_request(request, der);
  rl_openssl.X509_REQ_free(request);
  rl_openssl.EVP_PKEY_free(pkey);
  return code;
}

/* ---- what one says ----------------------------------------------------------------------------------------------------------- */

static void add_address(rl_buf *out, const unsigned char *bytes, int len) {
  char text[INET6_ADDRSTRLEN];
  if (len != 4 && len != 16) return;
  inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, text, sizeof text);
  rl_buf_add(out, text, strlen(text) + 1);
}

/* A name with a NUL in it is left out: it would pass for another one (CVE-2009-2408). */
static void add_general_name(rl_buf *out, const GENERAL_NAME *name) {
  const ASN1_STRING *value = name->type == GEN_DNS     ? name->d.dNSName
                             : name->type == GEN_IPADD ? name->d.iPAddress
                                                       : NULL;
  if (!value) return;
  const unsigned char *bytes = rl_openssl.ASN1_STRING_get0_data(value);
  int len = rl_openssl.ASN1_STRING_length(value);
  if (name->type == GEN_IPADD) add_address(out, bytes, len);
  else if (len > 0 && !memchr(bytes, 0, (size_t)len)) rl_buf_add(out, bytes, (size_t)len), rl_buf_add_char(out, 0);
}

static int add_names(const X509 *x, rl_buf *out) {
  GENERAL_NAMES *names = rl_openssl.X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
  int count = names ? rl_openssl.OPENSSL_sk_num((const OPENSSL_STACK *)names) : 0;
  for (int i = 0; i < count; i++) add_general_name(out, rl_openssl.OPENSSL_sk_value((const OPENSSL_STACK *)names, i));
  rl_openssl.GENERAL_NAMES_free(names);
  return out->error;
}

static int read_time(const ASN1_TIME *time, int64_t *out) {
  struct tm parts;
  if (rl_openssl.ASN1_TIME_to_tm(time, &parts) != 1) return RL_EINVALID;
  *out = timegm(&parts);
  return RL_OK;
}

static int copy_id(uint8_t *out, size_t *out_len, const unsigned char *bytes, int len) {
  if (len < 0 || len > RL_CERTIFICATE_ID) return RL_EINVALID;
  if (len) memcpy(out, bytes, (size_t)len);
  *out_len = (size_t)len;
  return RL_OK;
}

/* The contents of the INTEGER begin after its tag and its length, which is one byte: RFC 5280 allows 20. */
static int read_serial(const X509 *x, rl_certificate_facts *facts) {
  unsigned char *der = NULL;
  int len = rl_openssl.i2d_ASN1_INTEGER(rl_openssl.X509_get0_serialNumber(x), &der);
  int code = len > 2 && len - 2 == der[1] ? copy_id(facts->serial, &facts->serial_len, der + 2, len - 2) : RL_EINVALID;
  rl_openssl.CRYPTO_free(der, __FILE__, __LINE__);
  return code;
}

static void read_title(const X509_NAME *name, char out[RL_CERTIFICATE_TEXT]) {
  if (rl_openssl.X509_NAME_get_text_by_NID(name, NID_commonName, out, RL_CERTIFICATE_TEXT) >= 0) return;
  if (rl_openssl.X509_NAME_get_text_by_NID(name, NID_organizationName, out, RL_CERTIFICATE_TEXT) < 0) *out = 0;
}

static int describe(X509 *x, rl_certificate_facts *facts) {
  const ASN1_OCTET_STRING *id = rl_openssl.X509_get0_authority_key_id(x);
  if (read_time(rl_openssl.X509_get0_notBefore(x), &facts->from)) return RL_EINVALID;
  if (read_time(rl_openssl.X509_get0_notAfter(x), &facts->to)) return RL_EINVALID;
  if (read_serial(x, facts)) return RL_EINVALID;
  if (id && copy_id(facts->authority, &facts->authority_len, rl_openssl.ASN1_STRING_get0_data(id),
                    rl_openssl.ASN1_STRING_length(id)))
    return RL_EINVALID;
  read_title(rl_openssl.X509_get_issuer_name(x), facts->issuer);
  read_title(rl_openssl.X509_get_subject_name(x), facts->subject);
  return add_names(x, &facts->names);
}

int rl_certificate_describe(rl_slice der, rl_certificate_facts *facts) {
  memset(facts, 0, sizeof *facts);
  rl_buf_init(&facts->names, MOST_DER);
  if (load()) return RL_EIO;
  X509 *x = parse(der);
  int code = x ? describe(x, facts) : RL_EINVALID;
  rl_openssl.X509_free(x);
  return code;
}

void rl_certificate_facts_free(rl_certificate_facts *facts) { rl_buf_free(&facts->names); }

bool rl_certificate_fits(rl_slice der, rl_slice key) {
  if (load()) return false;
  const unsigned char *at = (const unsigned char *)key.data;
  X509 *x = parse(der);
  EVP_PKEY *pkey = key.len && key.len <= MOST_DER ? rl_openssl.d2i_AutoPrivateKey(NULL, &at, (long)key.len) : NULL;
  bool fits = x && pkey && rl_openssl.X509_check_private_key(x, pkey) == 1;
  rl_openssl.X509_free(x);
  rl_openssl.EVP_PKEY_free(pkey);
  rl_openssl.ERR_clear_error();
  return fits;
}

bool rl_certificate_is_issued_by(rl_slice der, rl_slice issuer) {
  if (load()) return false;
  X509 *x = parse(der), *by = parse(issuer);
  EVP_PKEY *key = by ? rl_openssl.X509_get_pubkey(by) : NULL;
  bool issued = x && key && rl_openssl.X509_verify(x, key) == 1;
  rl_openssl.EVP_PKEY_free(key);
  rl_openssl.X509_free(by);
  rl_openssl.X509_free(x);
  rl_openssl.ERR_clear_error();
  return issued;
}
