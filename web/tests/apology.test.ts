import { expect, test } from "vitest";
import { ApiError } from "../src/api/calls.ts";
import { reasonIn } from "../src/apology.ts";

test("who has tried too often is told when to try again", () => {
  const refused = new ApiError(429, "too many attempts to sign in have failed; try again in 59 s");
  expect(reasonIn(refused, { 401: "wrong" })).toBe("Too many attempts to sign in have failed; try again in 59 s.");
});

test("who is refused without a word reads ours", () => {
  expect(reasonIn(new ApiError(429, ""))).toContain("give it a little while");
});

test("who cannot be answered at the moment reads our own words, and not the server's", () => {
  expect(reasonIn(new ApiError(503, "control cannot be reached"))).not.toContain("control");
});
