import { expect, test } from "vitest";
import type { Job } from "../src/api/jobs.ts";
import { standing } from "../src/preparation.ts";

const JOB: Job = { job_id: "j", title_id: "t", state: "JOB_STATE_QUEUED" };

test.each<[Partial<Job>, string]>([
  [{}, "Waiting for its turn."],
  [{ message: "its worker was killed" }, "Waiting for another try: its worker was killed."],
  [{ state: "JOB_STATE_RUNNING", progress: 0.429 }, "42 % done."],
  [{ state: "JOB_STATE_FAILED", message: "the file is empty." }, "This film could not be prepared: the file is empty."],
  [{ state: "JOB_STATE_FAILED" }, "This film could not be prepared."],
  [{ state: "JOB_STATE_CANCELLED", message: "cancelled" }, "The work on this film was cancelled."],
])("a job of %o reads as: %s", (job, words) => {
  expect(standing({ ...JOB, ...job })).toBe(words);
});

test("a film whose job is not known is on its way", () => {
  expect(standing(undefined)).toBe("On its way.");
});
