import { expect, test } from "vitest";
import { secondsToWait } from "../src/retry-after.ts";

const NOON = Date.parse("2026-11-27T12:00:00Z");

test.each([
  ["52", 52],
  ["Fri, 27 Nov 2026 12:01:30 GMT", 90],
  ["Fri, 27 Nov 2026 11:59:00 GMT", undefined],
  ["0", undefined],
  ["soon", undefined],
])("Retry-After: %s is %s s", (said, seconds) => {
  expect(secondsToWait(new Headers({ "Retry-After": said }), NOON)).toBe(seconds);
});

test("an answer that does not say when has no such time", () => {
  expect(secondsToWait(new Headers())).toBeUndefined();
});
