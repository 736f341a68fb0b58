/*
 * The gate of rille dev: the handler that connections are given. It decides who answers a request.
 *
 *   below /_rille     the dashboard, if dev_access.h lets the request ask it; else 404
 *   everything else   the program; the dashboard explains why there is none, or why the last save does not load, to those who may
 *                     see it; a plain 500 to all others if there is no program
 *
 * Both handlers are borrowed and change while it lives; each must outlive its requests.
 */
#ifndef RL_CLI_DEV_GATE_H
#define RL_CLI_DEV_GATE_H

#include "cli/options.h"
#include "server/worker.h"

typedef struct rl_dev_gate {
  rl_handler handler; /* first: what connections are given */
  const rl_options *options;
  rl_handler *dashboard; /* set before the first request */
  rl_handler *program;   /* NULL: none has loaded yet, or it has ended */
  bool broken;           /* the last load failed */
} rl_dev_gate;

void rl_dev_gate_init(rl_dev_gate *gate, const rl_options *options);
/* Returns true if the request is for the pages of development. */
bool rl_dev_gate_is_for_dashboard(const rl_req *req);

#endif
