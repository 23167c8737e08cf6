/** Calls of the REST API, by the cookies of this browser. */
import { faultOf, PASSING } from "../faults.ts";
import { secondsToWait } from "../retry-after.ts";

/** A call that did not succeed; `status` is 0 when no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
    /** What kind of problem it is to our server; empty when somebody before it has answered. */
    readonly code = "",
    /** For how many seconds it makes no sense to call again, if that is known. */
    readonly wait?: number,
  ) {
    super(detail);
  }
}

/** Part of a list, and where it goes on; empty at its end. */
export interface Page {
  next_page_token?: string;
}

export const ROOT = "/api/v1";

export async function send(path: string, method: string, body?: object): Promise<Response> {
  const headers: Record<string, string> = { "Matinee-Cookies": "1" };
  if (body) headers["Content-Type"] = "application/json";
  try {
    return await fetch(ROOT + path, { method, headers, body: body ? JSON.stringify(body) : null, keepalive: !!body });
  } catch {
    throw new ApiError(0, "no answer");
  }
}

/** The answer's JSON, or the error that its problem document (RFC 9457) describes. */
export async function read<T>(answer: Response): Promise<T> {
  if (answer.ok) return (await answer.json()) as T;
  const { detail, code } = await problemOf(answer);
  throw new ApiError(answer.status, detail, code, secondsToWait(answer.headers));
}

/** What the problem document of a refusal says; `cause` where the person can do something about it. */
export async function problemOf(answer: Response): Promise<{ detail: string; code: string; cause: string }> {
  const said = (await answer.json().catch(() => ({}))) as { detail?: string; code?: string; cause?: string };
  return { detail: said.detail ?? answer.statusText, code: said.code ?? "", cause: said.cause ?? "" };
}

let refreshing: Promise<boolean> | undefined;

/**
 * Trades the refresh cookie for new cookies: once at a time in all tabs, because a refresh token works only once. Over
 * plain http there are no locks; tabs that come at the same moment are given the same new token then.
 */
export function refresh(): Promise<boolean> {
  const trade = async () => {
    const answer = await send("/auth:refresh", "POST", {});
    if (PASSING.has(faultOf(answer.status))) await read(answer); // throws: nobody has said that the session is over
    return answer.ok;
  };
  const alone = () => (isSecureContext ? navigator.locks.request("matinee-refresh", trade) : trade());
  refreshing ??= alone().finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

export async function call<T>(path: string, method = "GET", body?: object): Promise<T> {
  const answer = await send(path, method, body);
  if (answer.status !== 401 || !(await refresh())) return read(answer);
  return read(await send(path, method, body));
}

/** A path with values filled in, each of them escaped: path`/titles/${titleId}`. */
export function path(parts: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: parts }, ...values.map(encodeURIComponent));
}

/** A path with what is set in `query`. */
export function asking(address: string, query: Record<string, string | number | undefined>): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return set.length > 0
    ? `${address}?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}`
    : address;
}

/** Does what somebody else may have done just before: then the answer is `status`, and all is well. */
export async function unlessDone(status: number, change: Promise<unknown>): Promise<void> {
  await change.catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === status)) throw error;
  });
}

/** Every page of a list, one after the other. */
export async function* pages<P extends Page>(ask: (pageToken: string) => Promise<P>): AsyncGenerator<P> {
  let token = "";
  do {
    const page = await ask(token);
    yield page;
    token = page.next_page_token ?? "";
  } while (token);
}
