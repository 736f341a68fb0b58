/* Carries transfers over HTTP/1.1 connections of our own (client/connection.h), with TLS or without. */
#ifndef RL_CLIENT_CARRIER_HTTP1_H
#define RL_CLIENT_CARRIER_HTTP1_H

#include "client/transfer.h"

extern const rl_carrier rl_carrier_http1;

#endif
