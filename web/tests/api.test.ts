import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as accounts from "../src/api/accounts.ts";
import * as history from "../src/api/history.ts";
import * as jobs from "../src/api/jobs.ts";
import * as titles from "../src/api/titles.ts";

const fetch = vi.fn<typeof globalThis.fetch>();

function answer(status: number, body: object = {}): Response {
  return new Response(JSON.stringify(body), { status });
}

function asked(): string[] {
  return fetch.mock.calls.map(([address, options]) => `${options?.method ?? "GET"} ${address as string}`);
}

beforeEach(() => {
  vi.stubGlobal("fetch", fetch);
  vi.stubGlobal("isSecureContext", false);
});

afterEach(() => {
  fetch.mockReset();
  vi.unstubAllGlobals();
});

test("every call says that it comes by cookie", async () => {
  fetch.mockResolvedValue(answer(200, { titles: [] }));
  await titles.listTitles();
  expect(fetch.mock.calls[0]?.[1]?.headers).toMatchObject({ "Matinee-Cookies": "1" });
});

test("an expired access token is refreshed once, and the call made again", async () => {
  fetch.mockResolvedValueOnce(answer(401)).mockResolvedValueOnce(answer(200));
  fetch.mockResolvedValueOnce(answer(200, { title: { title_id: "t1" } }));
  expect(await titles.getTitle("t1")).toEqual({ title_id: "t1" });
  expect(asked()).toEqual(["GET /api/v1/titles/t1", "POST /api/v1/auth:refresh", "GET /api/v1/titles/t1"]);
});

test("a person whose refresh token is spent is not signed in", async () => {
  fetch.mockImplementation(() => Promise.resolve(answer(401, { detail: "sign in first" })));
  await expect(titles.getTitle("t1")).rejects.toMatchObject({ status: 401, message: "sign in first" });
  expect(asked()).toHaveLength(2);
});

test("a house on a short break has not signed anybody out", async () => {
  fetch.mockResolvedValueOnce(answer(401)).mockResolvedValueOnce(answer(503));
  await expect(titles.getTitle("t1")).rejects.toMatchObject({ status: 503 });
});

test("calls that expire together share one refresh", async () => {
  let fresh = false;
  fetch.mockImplementation((address) => {
    if (address === "/api/v1/auth:refresh") fresh = true;
    return Promise.resolve(answer(fresh ? 200 : 401, { title: {} }));
  });
  await Promise.all([titles.getTitle("t1"), titles.getTitle("t2")]);
  expect(asked().filter((call) => call.endsWith("auth:refresh"))).toHaveLength(1);
});

test("a wrong password is not answered with a refresh", async () => {
  fetch.mockResolvedValue(answer(401, { detail: "wrong" }));
  await expect(accounts.signIn("a@b.example", "x")).rejects.toMatchObject({ status: 401 });
  expect(asked()).toEqual(["POST /api/v1/auth:login"]);
});

test("a refusal tells what it is, and for how long", async () => {
  const problem = JSON.stringify({ detail: "too often", code: "RESOURCE_EXHAUSTED" });
  fetch.mockResolvedValue(new Response(problem, { status: 429, headers: { "Retry-After": "52" } }));
  await expect(titles.listTitles()).rejects.toMatchObject({ status: 429, code: "RESOURCE_EXHAUSTED", wait: 52 });
});

test("no answer at all is status 0", async () => {
  fetch.mockRejectedValue(new TypeError("Failed to fetch"));
  await expect(titles.listTitles()).rejects.toMatchObject({ status: 0 });
});

test("an error without a problem document still has a status", async () => {
  fetch.mockResolvedValue(new Response("<html>", { status: 502 }));
  await expect(titles.listTitles()).rejects.toMatchObject({ status: 502 });
});

test("jobs are looked for page by page, until the newest one of each title is found", async () => {
  const job = (title_id: string, state: string) => ({ title_id, state });
  const first = [job("t2", "JOB_STATE_RUNNING"), job("t9", "JOB_STATE_PUBLISHED"), job("t2", "JOB_STATE_FAILED")];
  fetch.mockResolvedValueOnce(answer(200, { jobs: first, next_page_token: "a b" }));
  fetch.mockResolvedValueOnce(answer(200, { jobs: [job("t1", "JOB_STATE_FAILED")], next_page_token: "more" }));
  const found = await jobs.newestJobs(["t1", "t2"]);
  expect([...found].map(([titleId, { state }]) => [titleId, state])).toEqual([
    ["t2", "JOB_STATE_RUNNING"],
    ["t1", "JOB_STATE_FAILED"],
  ]);
  expect(asked()).toEqual(["GET /api/v1/jobs?page_size=100", "GET /api/v1/jobs?page_size=100&page_token=a+b"]);
});

test("the search for a job that is nowhere ends with the last page", async () => {
  fetch.mockResolvedValue(answer(200, {}));
  expect(await jobs.newestJobs(["t1"])).toEqual(new Map());
  expect(asked()).toHaveLength(1);
});

test.each([
  ["what somebody else has forgotten already", 404, () => history.forget("t/1"), "DELETE /api/v1/history/t%2F1"],
  ["a job that somebody else has queued already", 409, () => jobs.retryJob("j/1"), "POST /api/v1/jobs/j%2F1:retry"],
])("%s is as good as done", async (_, status, change, call) => {
  fetch.mockResolvedValue(answer(status));
  await expect(change()).resolves.toBeUndefined();
  expect(asked()).toEqual([call]);
});

test("a change that the server refuses is told of", async () => {
  fetch.mockResolvedValue(answer(403));
  await expect(titles.deleteTitle("t1")).rejects.toMatchObject({ status: 403 });
});
