/*
 * News for the dashboard of rille dev, as JSON that lua/rille/dev/dashboard.lua reads: a request was answered, a line was logged, a load
 * has ended. Each function appends one object. If memory runs out, out->error says so.
 */
#ifndef RL_CLI_DEV_NEWS_H
#define RL_CLI_DEV_NEWS_H

#include "base/log.h"
#include "cli/generation.h"

/* How an exchange ended; took_ms is its duration, ended_s the time of the monotonic clock. */
void rl_dev_news_exchange(rl_buf *out, rl_req *req, const rl_exchange_report *how, uint64_t took_ms, double ended_s);
/* A line of the log. */
void rl_dev_news_log(rl_buf *out, rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count);
/* How load `number` ended, and how many states are alive now. */
void rl_dev_news_loaded(rl_buf *out, const rl_load *load, unsigned number, unsigned states);

#endif
