import { expect, test } from "vitest";
import { remaining } from "../src/countdown.ts";

test.each([
  [52_000, "in 52 s"],
  [51_001, "in 52 s"],
  [300_000, "in 5 min"],
  [0, "now"],
  [-1_000, "now"],
])("what may be done in %d ms may be done %s", (left, words) => {
  expect(remaining(1_000_000 + left, 1_000_000)).toBe(words);
});
