import { expect, test } from "vitest";
import { runningTime } from "../src/running-time.ts";

test.each([
  [0, "1 s"],
  [34.2, "34 s"],
  [59.4, "59 s"],
  [59.9, "1 min"],
  [90, "1 min 30 s"],
  [150, "2 min 30 s"],
  [180.2, "3 min"],
  [599.4, "9 min 59 s"],
  [599.6, "10 min"],
  [750, "13 min"],
  [3569, "59 min"],
  [3599, "1 h"],
  [6120, "1 h 42 min"],
  [7200, "2 h"],
])("%d seconds read as %s", (seconds, words) => {
  expect(runningTime(seconds)).toBe(words);
});
