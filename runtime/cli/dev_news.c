/* JSON for the dashboard; see dev_news.h. */
#include "cli/dev_news.h"

#include "base/json.h"

static void add_field(rl_buf *out, const char *name, rl_slice text) {
  rl_buf_addf(out, "\"%s\":", name);
  rl_json_write_bytes(out, text);
  rl_buf_add_char(out, ',');
}

void rl_dev_news_exchange(rl_buf *out, rl_req *req, const rl_exchange_report *how, uint64_t took_ms, double ended_s) {
  rl_buf_add_char(out, '{');
  add_field(out, "id", rl_req_id(req));
  add_field(out, "method", req->method_name);
  add_field(out, "target", req->target);
  rl_buf_addf(out, "\"status\":%d,\"bytes\":%llu,\"ms\":%llu,\"ended\":%.6f}", how->status,
              (unsigned long long)how->bytes, (unsigned long long)took_ms, ended_s);
}

static void add_log_field(rl_buf *out, const rl_log_field *field) {
  rl_buf_add_char(out, '[');
  rl_json_write_bytes(out, rl_slice_str(field->key));
  rl_buf_add_char(out, ',');
  if (field->literal) rl_json_write_bytes(out, rl_slice_str(field->literal));
  else if (field->text.data) rl_json_write_bytes(out, field->text);
  else rl_buf_addf(out, "\"%lld\"", (long long)field->number);
  rl_buf_add_char(out, ']');
}

void rl_dev_news_log(rl_buf *out, rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count) {
  rl_buf_add_char(out, '{');
  add_field(out, "level", rl_slice_str(rl_log_level_name(level)));
  add_field(out, "message", message);
  rl_buf_add_str(out, "\"fields\":[");
  for (size_t i = 0; i < count; i++) {
    if (i) rl_buf_add_char(out, ',');
    add_log_field(out, &fields[i]);
  }
  rl_buf_add_str(out, "]}");
}

void rl_dev_news_loaded(rl_buf *out, const rl_load *load, unsigned number, unsigned states) {
  rl_buf_addf(out, "{\"ok\":%s,\"ms\":%llu,\"generation\":%u,\"states\":%u", load->ok ? "true" : "false",
              (unsigned long long)load->took_ms, number, states);
  if (load->failure.len) {
    rl_buf_add_str(out, ",\"failure\":");
    rl_buf_add_slice(out, load->failure);
  }
  rl_buf_add_char(out, '}');
}
