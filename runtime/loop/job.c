/* Jobs on libuv's thread pool; see job.h. */
#include "loop/job.h"

static void on_work(uv_work_t *work) {
  rl_job *job = work->data;
  job->run(job);
}

static void on_done(uv_work_t *work, int status) {
  rl_job *job = work->data;
  job->loop->held--;
  rl_loop_touch(job->loop);
  job->done(job, status == 0);
}

void rl_job_start(rl_loop *loop, rl_job *job) {
  job->loop = loop;
  job->work.data = job;
  loop->held++;
  uv_queue_work(&loop->uv, &job->work, on_work, on_done); /* fails only for a NULL callback */
}

void rl_job_cancel(rl_job *job) { uv_cancel((uv_req_t *)&job->work); }
