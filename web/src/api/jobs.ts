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
