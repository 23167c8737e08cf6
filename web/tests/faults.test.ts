import { expect, test } from "vitest";
import { faultOf, refusalOf, WORDS } from "../src/faults.ts";

test.each([
  [0, "offline"],
  [401, "signed-out"],
  [403, "stopped"],
  [410, "stopped"],
  [404, "missing"],
  [429, "busy"],
  [500, "away"],
  [503, "away"],
  [400, "missing"],
  [413, "broken"],
])("status %d is the fault %s", (status, fault) => {
  expect(faultOf(status)).toBe(fault);
});

test.each([
  ["PLAN_REQUIRED", "plan"],
  ["TITLE_UNAVAILABLE", "over"],
  ["SIGNED_OUT", "signed-out"],
  ["SOMETHING_NEW", "stopped"],
])("a film that is refused with the cause %s ends with the fault %s", (cause, fault) => {
  expect(faultOf(403, cause)).toBe(fault);
});

test("who is refused a film for another reason lacks a plan, or finds nothing", () => {
  const faults = [403, 404, 503].map((status) => refusalOf({ status, code: "" }));
  expect(faults).toEqual(["plan", "missing", "away"]);
});

test.each([
  ["a plan that is full", { code: "RESOURCE_EXHAUSTED" }, "crowded"],
  ["a limit of requests of our own", { code: "RESOURCE_EXHAUSTED", wait: 52 }, "busy"],
  ["the limit of a proxy before us", { code: "" }, "busy"],
])("%s is no other fault", (_, said, fault) => {
  expect(refusalOf({ status: 429, ...said })).toBe(fault);
});

test("every fault has words and a remedy", () => {
  for (const words of Object.values(WORDS)) {
    expect(words.heading && words.text && words.remedy).toBeTruthy();
  }
});
