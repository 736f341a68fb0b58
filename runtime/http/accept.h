/*
 * The Accept header (RFC 9110 section 12.5.1): how much a client likes a media type. Pure.
 */
#ifndef RL_HTTP_ACCEPT_H
#define RL_HTTP_ACCEPT_H

#include "http/header.h"

/* Returns the quality that `accept` gives the media type `type` ("text/html"): 0 (not at all) to 1000. The most specific range counts, of two
 * equally specific ones the better; parameters other than q are not looked at. A q that is none is 1. */
int rl_accept_quality(rl_slice accept, rl_slice type);
/* The same of the elements of Accept. */
int rl_accept_list_quality(rl_field_list accept, rl_slice type);

#endif
