/*
 * Content codings: what a client accepts (Accept-Encoding with q-values, RFC 9110 section 12.5.3), and which to choose.
 */
#ifndef RL_HTTP_ENCODING_H
#define RL_HTTP_ENCODING_H

#include <stdbool.h>

#include "http/header.h"

typedef enum rl_encoding { RL_ENCODING_IDENTITY, RL_ENCODING_GZIP, RL_ENCODING_BROTLI, RL_ENCODING_COUNT } rl_encoding;

/* Qualities in thousandths, 0: not acceptable. Without a header only identity is. */
typedef struct rl_accepted {
  int quality[RL_ENCODING_COUNT];
} rl_accepted;

/* Of the elements of Accept-Encoding. */
rl_accepted rl_accept_encoding(rl_field_list list);
/* The best of those in the set (bit 1 << rl_encoding); of equal quality brotli, then gzip, then identity. */
rl_encoding rl_encoding_choose(const rl_accepted *accepted, unsigned set);
/* "gzip", "br", "identity". */
const char *rl_encoding_name(rl_encoding encoding);
/* Returns true if bodies of this type are worth compressing: text, JSON, XML, SVG and their like; not what is compressed already. */
bool rl_encoding_helps(rl_slice content_type);

#endif
