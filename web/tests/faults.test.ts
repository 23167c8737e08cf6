import { expect, test } from "vitest";
import { faultOf, WORDS } from "../src/faults.ts";

test.each([
  [0, "offline"],
  [401, "signed-out"],
  [403, "stopped"],
  [410, "stopped"],
  [404, "missing"],
  [429, "away"],
  [500, "away"],
  [503, "away"],
  [400, "missing"],
  [413, "broken"],
])("status %d is the fault %s", (status, fault) => {
  expect(faultOf(status)).toBe(fault);
});

test("every fault has words and a remedy", () => {
  for (const words of Object.values(WORDS)) {
    expect(words.heading && words.text && words.remedy).toBeTruthy();
  }
});
