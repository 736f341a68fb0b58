/* Adding up and writing out; see metrics.h. */
#include "server/metrics.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static rl_list open_ones = {&open_ones, &open_ones};
static rl_metrics ended; /* the sum of those that are closed: a counter never goes back */
static double started;   /* seconds since 1970 */

static const unsigned bounds_ms[RL_METRICS_BUCKETS - 1] = {5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000};

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

void rl_metrics_open(rl_metrics *m) {
  memset(m, 0, sizeof *m);
  pthread_mutex_lock(&lock);
  if (started == 0) started = now();
  rl_list_push(&open_ones, &m->node);
  pthread_mutex_unlock(&lock);
}

static uint64_t get(const uint64_t *counter) { return __atomic_load_n(counter, __ATOMIC_RELAXED); }

/* Counters only: what is now (connections, memory) ends with its worker. */
static void add_counters(rl_metrics *sum, const rl_metrics *m) {
  for (int i = 0; i < RL_METRICS_CLASSES; i++) rl_metrics_add(&sum->requests[i], get(&m->requests[i]));
  for (int i = 0; i < RL_METRICS_BUCKETS; i++) rl_metrics_add(&sum->took[i], get(&m->took[i]));
  rl_metrics_add(&sum->refused, get(&m->refused));
  rl_metrics_add(&sum->bytes, get(&m->bytes));
  rl_metrics_add(&sum->accepted, get(&m->accepted));
  rl_metrics_add(&sum->took_ms, get(&m->took_ms));
}

void rl_metrics_close(rl_metrics *m) {
  pthread_mutex_lock(&lock);
  add_counters(&ended, m);
  rl_list_remove(&m->node);
  pthread_mutex_unlock(&lock);
}

void rl_metrics_count(rl_metrics *m, bool is_request, const rl_exchange_report *how, uint64_t now_ms) {
  rl_metrics_add(&m->bytes, how->bytes);
  if (!is_request) {
    rl_metrics_add(&m->refused, 1);
    return;
  }
  int class = how->status / 100;
  rl_metrics_add(&m->requests[class < RL_METRICS_CLASSES ? class : 0], 1);
  uint64_t ms = now_ms > how->since_ms ? now_ms - how->since_ms : 0;
  int bucket = 0;
  while (bucket < RL_METRICS_BUCKETS - 1 && ms > bounds_ms[bucket]) bucket++;
  rl_metrics_add(&m->took[bucket], 1);
  rl_metrics_add(&m->took_ms, ms);
}

/* ---- the text --------------------------------------------------------------------------------------------------------------- */

static void head(rl_buf *out, const char *name, const char *type, const char *help) {
  rl_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(rl_buf *out, const char *name, const char *type, const char *help, double value) {
  head(out, name, type, help);
  rl_buf_addf(out, "%s %.15g\n", name, value);
}

static void write_requests(rl_buf *out, const rl_metrics *sum) {
  static const char *const classes[RL_METRICS_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
  head(out, "rille_requests_total", "counter", "Requests, by the class of their status; none: the client left before.");
  for (int i = 0; i < RL_METRICS_CLASSES; i++)
    rl_buf_addf(out, "rille_requests_total{class=\"%s\"} %llu\n", classes[i],
                (unsigned long long)get(&sum->requests[i]));
  head(out, "rille_request_seconds", "histogram", "From the head of a request to the end of its response.");
  uint64_t total = 0;
  for (int i = 0; i < RL_METRICS_BUCKETS; i++) {
    total += get(&sum->took[i]);
    if (i < RL_METRICS_BUCKETS - 1)
      rl_buf_addf(out, "rille_request_seconds_bucket{le=\"%g\"} %llu\n", bounds_ms[i] / 1000.0,
                  (unsigned long long)total);
    else rl_buf_addf(out, "rille_request_seconds_bucket{le=\"+Inf\"} %llu\n", (unsigned long long)total);
  }
  rl_buf_addf(out, "rille_request_seconds_sum %.15g\nrille_request_seconds_count %llu\n",
              (double)get(&sum->took_ms) / 1000, (unsigned long long)total);
}

static double resident_bytes(void) {
  unsigned long all, resident = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return 0;
  if (fscanf(file, "%lu %lu", &all, &resident) != 2) resident = 0;
  fclose(file);
  return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double open_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  if (!directory) return 0;
  int count = -1; /* the directory's own */
  for (const struct dirent *entry; (entry = readdir(directory));) count += entry->d_name[0] != '.';
  closedir(directory);
  return count;
}

/* The names that every Prometheus client library uses. */
static void write_process(rl_buf *out) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec +
               (double)usage.ru_stime.tv_usec / 1e6;
  one(out, "process_cpu_seconds_total", "counter", "Processor time, user and system.", cpu);
  one(out, "process_resident_memory_bytes", "gauge", "Memory that is in use.", resident_bytes());
  one(out, "process_open_fds", "gauge", "Open descriptors.", open_descriptors());
  one(out, "process_start_time_seconds", "gauge", "When it began, since 1970.", started);
}

static void sum_up(rl_metrics *sum, unsigned *workers) {
  memset(sum, 0, sizeof *sum);
  pthread_mutex_lock(&lock);
  add_counters(sum, &ended);
  RL_LIST_EACH(&open_ones, node) {
    const rl_metrics *m = RL_CONTAINER(node, rl_metrics, node);
    add_counters(sum, m);
    rl_metrics_add(&sum->connections, get(&m->connections));
    rl_metrics_add(&sum->lua_bytes, get(&m->lua_bytes));
    rl_metrics_add(&sum->lua_tasks, get(&m->lua_tasks));
    ++*workers;
  }
  pthread_mutex_unlock(&lock);
}

int rl_metrics_write(rl_buf *out) {
  rl_metrics sum;
  unsigned workers = 0;
  sum_up(&sum, &workers);
  write_requests(out, &sum);
  one(out, "rille_refused_total", "counter", "Answered with an error before they were a request.",
      (double)get(&sum.refused));
  one(out, "rille_sent_bytes_total", "counter", "Bytes of bodies that were sent.", (double)get(&sum.bytes));
  one(out, "rille_accepted_total", "counter", "Connections that were accepted.", (double)get(&sum.accepted));
  one(out, "rille_connections", "gauge", "Connections that are open.", (double)get(&sum.connections));
  one(out, "rille_workers", "gauge", "Workers of this process.", workers);
  one(out, "rille_lua_bytes", "gauge", "Memory of the Lua states of all workers.", (double)get(&sum.lua_bytes));
  one(out, "rille_tasks", "gauge", "Tasks that have not ended.", (double)get(&sum.lua_tasks));
  write_process(out);
  return out->error;
}
