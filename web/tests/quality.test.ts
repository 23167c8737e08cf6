import { expect, test } from "vitest";
import { quality } from "../src/quality.ts";

test.each([
  ["a film in 16:9", 1920, 1080, "1080p"],
  ["a wide one", 1920, 804, "1080p"],
  ["one in 4:3", 960, 720, "720p"],
  ["an upright one", 1080, 1920, "1080p"],
  ["a narrow strip", 96, 1920, "1080p"],
  ["one whose sides were made even", 414, 172, "234p"],
  ["one of a size of its own", 176, 144, "144p"],
  ["one of a size that nobody has a name for", 512, 288, "288p"],
])("%s, %d × %d, is %s", (_, width, height, name) => {
  expect(quality(width, height)).toBe(name);
});
