/*
 * OpenSSL 3, loaded when something first needs it: TLS on a listener or a link of the client, a key or a certificate that is made.
 * A server behind a proxy never loads it, which saves 2.5 ms at its start and 2 MB.
 *
 *   rl_openssl_load --> rl_openssl.SSL_new(context) …       nobody calls OpenSSL but through the table
 *
 * Its macros call functions by name, so they cannot be used where those are not linked: write what the macro stands for
 * (SSL_CTX_set_mode(c, m) is rl_openssl.SSL_CTX_ctrl(c, SSL_CTRL_MODE, m, NULL)).
 *
 * Errors are a queue for each thread. Whoever calls what can fail clears it before (ERR_clear_error), else an old error is
 * taken for a new one by SSL_get_error.
 *
 * Only net/tls/ and crypto/ include this file.
 */
#ifndef RL_CRYPTO_OPENSSL_H
#define RL_CRYPTO_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* One a line, sorted. */
#define RL_OPENSSL_FUNCTIONS(X)           \
  X(ASN1_OBJECT_free)                     \
  X(ASN1_OCTET_STRING_free)               \
  X(ASN1_OCTET_STRING_new)                \
  X(ASN1_OCTET_STRING_set)                \
  X(ASN1_STRING_get0_data)                \
  X(ASN1_STRING_length)                   \
  X(ASN1_TIME_set)                        \
  X(ASN1_TIME_to_tm)                      \
  X(BIO_clear_flags)                      \
  X(BIO_ctrl)                             \
  X(BIO_free)                             \
  X(BIO_get_data)                         \
  X(BIO_meth_new)                         \
  X(BIO_meth_set_create)                  \
  X(BIO_meth_set_ctrl)                    \
  X(BIO_meth_set_read_ex)                 \
  X(BIO_meth_set_write_ex)                \
  X(BIO_new)                              \
  X(BIO_new_mem_buf)                      \
  X(BIO_s_mem)                            \
  X(BIO_set_data)                         \
  X(BIO_set_flags)                        \
  X(BIO_set_init)                         \
  X(BN_bin2bn)                            \
  X(BN_bn2binpad)                         \
  X(BN_free)                              \
  X(BN_to_ASN1_INTEGER)                   \
  X(CRYPTO_clear_free)                    \
  X(CRYPTO_free)                          \
  X(ECDSA_SIG_free)                       \
  X(ECDSA_SIG_get0)                       \
  X(ERR_clear_error)                      \
  X(ERR_peek_error)                       \
  X(ERR_peek_last_error)                  \
  X(ERR_reason_error_string)              \
  X(EVP_DecryptInit_ex)                   \
  X(EVP_DigestSign)                       \
  X(EVP_DigestSignInit_ex)                \
  X(EVP_EncryptInit_ex)                   \
  X(EVP_MAC_CTX_set_params)               \
  X(EVP_MD_CTX_free)                      \
  X(EVP_MD_CTX_new)                       \
  X(EVP_PKEY2PKCS8)                       \
  X(EVP_PKEY_Q_keygen)                    \
  X(EVP_PKEY_free)                        \
  X(EVP_PKEY_get_bn_param)                \
  X(EVP_PKEY_get_group_name)              \
  X(EVP_PKEY_is_a)                        \
  X(EVP_aes_256_cbc)                      \
  X(EVP_sha256)                           \
  X(GENERAL_NAMES_free)                   \
  X(OBJ_txt2obj)                          \
  X(OPENSSL_init_ssl)                     \
  X(OPENSSL_sk_free)                      \
  X(OPENSSL_sk_new_null)                  \
  X(OPENSSL_sk_num)                       \
  X(OPENSSL_sk_pop_free)                  \
  X(OPENSSL_sk_push)                      \
  X(OPENSSL_sk_value)                     \
  X(OpenSSL_version)                      \
  X(PEM_read_bio_PrivateKey)              \
  X(PEM_read_bio_X509)                    \
  X(PKCS8_PRIV_KEY_INFO_free)             \
  X(SSL_CTX_ctrl)                         \
  X(SSL_CTX_free)                         \
  X(SSL_CTX_get_ex_data)                  \
  X(SSL_CTX_load_verify_locations)        \
  X(SSL_CTX_new)                          \
  X(SSL_CTX_sess_set_new_cb)              \
  X(SSL_CTX_set_alpn_protos)              \
  X(SSL_CTX_set_alpn_select_cb)           \
  X(SSL_CTX_set_cipher_list)              \
  X(SSL_CTX_set_ciphersuites)             \
  X(SSL_CTX_set_client_CA_list)           \
  X(SSL_CTX_set_client_hello_cb)          \
  X(SSL_CTX_set_default_verify_paths)     \
  X(SSL_CTX_set_ex_data)                  \
  X(SSL_CTX_set_options)                  \
  X(SSL_CTX_set_session_ticket_cb)        \
  X(SSL_CTX_set_timeout)                  \
  X(SSL_CTX_set_tlsext_ticket_key_evp_cb) \
  X(SSL_CTX_set_verify)                   \
  X(SSL_CTX_use_cert_and_key)             \
  X(SSL_SESSION_free)                     \
  X(SSL_SESSION_get0_peer)                \
  X(SSL_SESSION_get_protocol_version)     \
  X(SSL_SESSION_is_resumable)             \
  X(SSL_client_hello_get0_ext)            \
  X(SSL_ctrl)                             \
  X(SSL_do_handshake)                     \
  X(SSL_free)                             \
  X(SSL_free_buffers)                     \
  X(SSL_get0_alpn_selected)               \
  X(SSL_get0_param)                       \
  X(SSL_get0_peer_certificate)            \
  X(SSL_get0_verified_chain)              \
  X(SSL_get_SSL_CTX)                      \
  X(SSL_get_error)                        \
  X(SSL_get_ex_data)                      \
  X(SSL_get_servername)                   \
  X(SSL_get_verify_result)                \
  X(SSL_new)                              \
  X(SSL_pending)                          \
  X(SSL_read_ex)                          \
  X(SSL_select_next_proto)                \
  X(SSL_set1_host)                        \
  X(SSL_set_accept_state)                 \
  X(SSL_set_bio)                          \
  X(SSL_set_connect_state)                \
  X(SSL_set_ex_data)                      \
  X(SSL_set_hostflags)                    \
  X(SSL_set_info_callback)                \
  X(SSL_set_options)                      \
  X(SSL_set_session)                      \
  X(SSL_set_session_id_context)           \
  X(SSL_set_shutdown)                     \
  X(SSL_set_verify)                       \
  X(SSL_shutdown)                         \
  X(SSL_use_cert_and_key)                 \
  X(SSL_write_ex)                         \
  X(TLS_client_method)                    \
  X(TLS_server_method)                    \
  X(X509_EXTENSION_create_by_OBJ)         \
  X(X509_EXTENSION_free)                  \
  X(X509_NAME_add_entry_by_txt)           \
  X(X509_NAME_cmp)                        \
  X(X509_NAME_dup)                        \
  X(X509_NAME_free)                       \
  X(X509_NAME_get_text_by_NID)            \
  X(X509_NAME_print_ex)                   \
  X(X509_REQ_add_extensions)              \
  X(X509_REQ_free)                        \
  X(X509_REQ_new)                         \
  X(X509_REQ_set_pubkey)                  \
  X(X509_REQ_sign)                        \
  X(X509_STORE_add_cert)                  \
  X(X509_STORE_free)                      \
  X(X509_STORE_load_file)                 \
  X(X509_STORE_new)                       \
  X(X509_STORE_set_default_paths)         \
  X(X509_STORE_up_ref)                    \
  X(X509_VERIFY_PARAM_set1_ip_asc)        \
  X(X509_add_ext)                         \
  X(X509_check_private_key)               \
  X(X509_cmp_time)                        \
  X(X509_digest)                          \
  X(X509_free)                            \
  X(X509_get0_authority_key_id)           \
  X(X509_get0_notAfter)                   \
  X(X509_get0_notBefore)                  \
  X(X509_get0_serialNumber)               \
  X(X509_get0_subject_key_id)             \
  X(X509_get_default_cert_dir)            \
  X(X509_get_default_cert_dir_env)        \
  X(X509_get_default_cert_file)           \
  X(X509_get_default_cert_file_env)       \
  X(X509_get_ext_d2i)                     \
  X(X509_get_issuer_name)                 \
  X(X509_get_pubkey)                      \
  X(X509_get_serialNumber)                \
  X(X509_get_subject_name)                \
  X(X509_getm_notAfter)                   \
  X(X509_getm_notBefore)                  \
  X(X509_new)                             \
  X(X509_set_issuer_name)                 \
  X(X509_set_pubkey)                      \
  X(X509_set_version)                     \
  X(X509_sign)                            \
  X(X509_verify)                          \
  X(X509_verify_cert_error_string)        \
  X(d2i_AutoPrivateKey)                   \
  X(d2i_ECDSA_SIG)                        \
  X(d2i_X509)                             \
  X(i2d_ASN1_INTEGER)                     \
  X(i2d_PKCS8_PRIV_KEY_INFO)              \
  X(i2d_X509)                             \
  X(i2d_X509_REQ)

typedef struct rl_openssl_functions {
#define X(name) __typeof__(name) *name;
  RL_OPENSSL_FUNCTIONS(X)
#undef X
} rl_openssl_functions;

extern rl_openssl_functions rl_openssl;

/* Loads libssl and libcrypto. Returns 0, RL_ENOFILES or RL_EIO; then `*why` is a static line, which names the package if that is
 * missing. Any thread may call. */
int rl_openssl_load(const char **why);

#endif
