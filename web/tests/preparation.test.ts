import { expect, test } from "vitest";
import type { Job } from "../src/api/jobs.ts";
import { moment } from "../src/dates.ts";
import { standing } from "../src/preparation.ts";

const JOB: Job = { job_id: "j", title_id: "t", state: "JOB_STATE_QUEUED" };

test.each<[Partial<Job>, string]>([
  [{}, "Waiting for its turn."],
  [{ message: "its worker was killed" }, "Waiting for another try: its worker was killed."],
  [{ state: "JOB_STATE_RUNNING", progress: 0.429 }, "42 % done."],
  [{ state: "JOB_STATE_RUNNING", progress: 0.429, cancel_requested: true }, "Being cancelled."],
  [{ state: "JOB_STATE_FAILED", message: "the file is empty." }, "This film could not be prepared: the file is empty."],
  [{ state: "JOB_STATE_FAILED" }, "This film could not be prepared."],
  [{ state: "JOB_STATE_CANCELLED", message: "cancelled" }, "The work on this film was cancelled."],
])("a job of %o reads as: %s", (job, words) => {
  expect(standing({ ...JOB, ...job })).toBe(words);
});

test.each([
  ["2026-11-27T16:41:00Z", ", next in 4 min"],
  ["2026-11-27T17:00:00Z", ""],
])("a job that waits for a store says at %s since when, and until when while that is ahead", (now, next) => {
  const [waits_since, due_at] = ["2026-11-27T16:40:00Z", "2026-11-27T16:45:00Z"];
  const job: Job = { ...JOB, message: "the object store does not answer", waits_since, due_at };
  const words = `Waiting for another try since ${moment(waits_since)}${next}: the object store does not answer.`;
  expect(standing(job, Date.parse(now))).toBe(words);
});

test("a film without a job is waited for", () => {
  expect(standing(undefined)).toBe("Its film has not arrived yet.");
});
