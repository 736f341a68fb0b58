/*
 * What a certificate says (RFC 5280), as text for people and programs. Read when somebody asks, out of rl_security.certificate.
 */
#ifndef RL_NET_TLS_CERTIFICATE_H
#define RL_NET_TLS_CERTIFICATE_H

#include "base/buf.h"

typedef struct rl_certificate_text {
  rl_slice subject, issuer;       /* distinguished names, RFC 2253: "CN=ada,O=Example" */
  rl_slice serial;                /* hexadecimal, in lower case */
  rl_slice fingerprint;           /* SHA-256 of all of it, hexadecimal, in lower case */
  rl_slice not_before, not_after; /* "2026-11-30T20:37:00Z" */
  rl_slice names; /* alternative names, each after its kind, on lines: "DNS:a.example\nemail:ada@a.example" */
} rl_certificate_text;

/* Fills in `text`, which lies in `memory` (an initialised buffer, freed by the caller after it). `certificate` is that of an
 * rl_security. Returns 0 or RL_ENOMEM. */
int rl_certificate_read(const void *certificate, rl_buf *memory, rl_certificate_text *text);

#endif
