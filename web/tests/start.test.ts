import { expect, test } from "vitest";
import { startOf } from "../src/start.ts";

test.each([
  [0, 40, 0],
  [12.5, 40, 12.5],
  [38.9, 40, 38.9],
  [39.9, 40, 0],
  [40, 40, 0],
  [1e9, 40, 0],
  [0.2, 0.5, 0],
  [90, undefined, 90],
  [90, 0, 90],
])("at %d s of a film of %s s it begins at %d s", (place, duration, start) => {
  expect(startOf(place, duration)).toBe(start);
});
