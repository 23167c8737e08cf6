/** The REST API, by the cookies of this browser. */

export interface Title {
  title_id: string;
  name: string;
  synopsis?: string;
  state: "TITLE_STATE_DRAFT" | "TITLE_STATE_PUBLISHED";
  duration_seconds?: number;
  width?: number;
  height?: number;
  audio_languages?: string[];
}

export interface TitlePage {
  titles?: Title[];
  next_page_token?: string;
}

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

interface JobPage {
  jobs?: Job[];
  next_page_token?: string;
}

export interface Playback {
  hls: string;
  session_id: string;
}

/** A call that did not succeed; `status` is 0 when no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

const ROOT = "/api/v1";

async function send(path: string, method: string, body?: object): Promise<Response> {
  const headers: Record<string, string> = { "Matinee-Cookies": "1" };
  if (body) headers["Content-Type"] = "application/json";
  try {
    return await fetch(ROOT + path, { method, headers, body: body ? JSON.stringify(body) : null, keepalive: !!body });
  } catch {
    throw new ApiError(0, "no answer");
  }
}

/** The answer's JSON, or the error that its problem document (RFC 9457) describes. */
async function read<T>(answer: Response): Promise<T> {
  if (answer.ok) return (await answer.json()) as T;
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
  throw new ApiError(answer.status, problem.detail ?? answer.statusText);
}

let refreshing: Promise<boolean> | undefined;

/** Trades the refresh cookie for new cookies: once at a time in all tabs, because a refresh token works only once. */
function refresh(): Promise<boolean> {
  const trade = async () => (await send("/auth:refresh", "POST", {})).ok;
  const alone = () => (isSecureContext ? navigator.locks.request("matinee-refresh", trade) : trade());
  refreshing ??= alone().finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

async function call<T>(path: string, method = "GET", body?: object): Promise<T> {
  const answer = await send(path, method, body);
  if (answer.status !== 401 || !(await refresh())) return read(answer);
  return read(await send(path, method, body));
}

export async function signIn(email: string, password: string): Promise<void> {
  await read(await send("/auth:login", "POST", { email, password }));
}

export async function signOut(): Promise<void> {
  await read(await send("/auth:logout", "POST", {}));
}

export function listTitles(pageToken = ""): Promise<TitlePage> {
  return call(`/titles?page_token=${encodeURIComponent(pageToken)}`);
}

export async function getTitle(titleId: string): Promise<Title> {
  return (await call<{ title: Title }>(`/titles/${encodeURIComponent(titleId)}`)).title;
}

/** All jobs, newest first; for publishers only. */
async function* jobs(): AsyncGenerator<Job> {
  let token = "";
  do {
    const page = await call<JobPage>(`/jobs?page_size=100&page_token=${encodeURIComponent(token)}`);
    yield* page.jobs ?? [];
    token = page.next_page_token ?? "";
  } while (token);
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

/** Does what somebody else may have done just before: then the answer is `status`, and all is well. */
async function unlessDone(status: number, change: Promise<unknown>): Promise<void> {
  await change.catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === status)) throw error;
  });
}

/** Queues a failed or cancelled job again. */
export function retryJob(jobId: string): Promise<void> {
  return unlessDone(409, call(`/jobs/${encodeURIComponent(jobId)}:retry`, "POST", {}));
}

/** Removes a title, and whatever is kept of it. */
export function deleteTitle(titleId: string): Promise<void> {
  return unlessDone(404, call(`/titles/${encodeURIComponent(titleId)}`, "DELETE"));
}

export function posterUrl(titleId: string): string {
  return `${ROOT}/titles/${encodeURIComponent(titleId)}/poster`;
}

/** Opens a playback session. */
export function play(titleId: string): Promise<Playback> {
  return call(`/titles/${encodeURIComponent(titleId)}:play`, "POST", { device: "Web browser" });
}

/** Ends a playback session; outlives the page, and matters to nobody if it fails: the session ends by itself then. */
export async function stop(sessionId: string): Promise<void> {
  await send(`/playback/${encodeURIComponent(sessionId)}:stop`, "POST", {}).catch(() => undefined);
}
