import { type Page, asking, call, pages, path, unlessDone } from "./calls.ts";

/** The work on one upload. */
export interface Job {
  job_id: string;
  title_id: string;
  state: "JOB_STATE_QUEUED" | "JOB_STATE_RUNNING" | "JOB_STATE_PUBLISHED" | "JOB_STATE_FAILED" | "JOB_STATE_CANCELLED";
  /** Of the whole job, 0 to 1. */
  progress?: number;
  /** Why it failed, or what is being tried again. */
  message?: string;
  /** While it runs: whether somebody has asked for it to stop. */
  cancel_requested?: boolean;
  /** Since when it waits for what is no fault of its own. */
  waits_since?: string;
  /** From when on it may be tried again. */
  due_at?: string;
  /** Whether the film itself is to blame, so that it cannot be tried again. */
  refused?: boolean;
}

interface JobPage extends Page {
  jobs?: Job[];
}

/** All jobs, newest first; for publishers only. */
async function* jobs(): AsyncGenerator<Job> {
  const ask = (token: string) => call<JobPage>(asking("/jobs", { page_size: 100, page_token: token }));
  for await (const page of pages(ask)) yield* page.jobs ?? [];
}

/** The newest job of each of these titles. Titles and their jobs are of the same age: few pages are looked at. */
export async function newestJobs(titleIds: Iterable<string>): Promise<Map<string, Job>> {
  const sought = new Set(titleIds);
  const found = new Map<string, Job>();
  if (sought.size === 0) return found;
  for await (const job of jobs()) {
    if (sought.delete(job.title_id)) found.set(job.title_id, job);
    if (sought.size === 0) break;
  }
  return found;
}

/** Queues a failed or cancelled job again. */
export function retryJob(jobId: string): Promise<void> {
  return unlessDone(409, call(path`/jobs/${jobId}:retry`, "POST", {}));
}
