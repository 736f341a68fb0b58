/*
 * Who may see what development shows: sources on error pages, requests and tasks in the panel, the events of live reload.
 *
 *   a page of another site, whose name was made to lead here (DNS rebinding)  ->  its name stands in Host: not one of ours
 *   a page of another site that asks us directly                              ->  Sec-Fetch-Site and Origin say so
 *   another machine                                                           ->  sees pages by a host that is ours, no panel
 *
 * Hosts that are ours: localhost and what ends with .localhost (RFC 6761), loopback addresses however they are written, the
 * addresses that `rille dev` listens on, and the names of --allow-host.
 */
#ifndef RL_CLI_DEV_ACCESS_H
#define RL_CLI_DEV_ACCESS_H

#include "cli/options.h"
#include "http/request.h"

/* A Host, with or without a port. */
bool rl_dev_host_is_ours(const rl_options *options, rl_slice host);
/* Whether this request may be answered with a page of development, or be told of a reload. */
bool rl_dev_may_see_pages(const rl_options *options, const rl_req *req);
/* Whether it may ask what stands below /_rille. */
bool rl_dev_may_ask_dashboard(const rl_options *options, const rl_req *req);

#endif
