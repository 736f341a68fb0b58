/* The table of fault.h as look-ups. */
#include "http/fault.h"

static const struct {
  const char *name, *text;
  int status;
} rows[] = {{"NONE", "", 200},
#define X(name, status, text) {#name, text, status},
            RL_FAULT_MAP(X)
#undef X
};

const char *rl_fault_name(rl_fault fault) { return rows[fault].name; }
int rl_fault_status(rl_fault fault) { return rows[fault].status; }
const char *rl_fault_text(rl_fault fault) { return rows[fault].text; }
