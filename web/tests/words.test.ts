import { expect, test } from "vitest";
import { clock, span } from "../src/clock.ts";
import { ago, day } from "../src/dates.ts";
import { deviceName } from "../src/device.ts";
import { sentence } from "../src/faults.ts";

test.each([
  [0, "0:00"],
  [7.9, "0:07"],
  [754, "12:34"],
  [3723, "1:02:03"],
  [-1, "0:00"],
])("%d seconds in stands as %s", (seconds, words) => {
  expect(clock(seconds)).toBe(words);
});

const NOW = Date.parse("2026-11-27T12:00:00Z");

test.each([
  ["2026-11-27T11:59:30Z", "just now"],
  ["2026-11-27T12:00:10Z", "just now"], // the server's clock may be ahead
  ["2026-11-27T11:55:00Z", "5 minutes ago"],
  ["2026-11-27T09:00:00Z", "3 hours ago"],
  ["2026-11-26T11:00:00Z", "yesterday"],
])("%s was %s", (timestamp, words) => {
  expect(ago(timestamp, NOW)).toBe(words);
});

test("what is long ago has a date", () => {
  expect(ago("2026-06-01T12:00:00Z", NOW)).toBe(day("2026-06-01T12:00:00Z"));
});

const WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)";

test.each([
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/130.0 Safari/537.36 Edg/130.0`, "Edge on Windows"],
  [`Mozilla/5.0 (Linux; Android 14) ${WEBKIT} Chrome/130.0 Mobile Safari/537.36`, "Chrome on Android"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"],
  [`Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ${WEBKIT} Version/17.5 Safari/604.1`, "Safari on iPhone"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.5 Safari/605.1", "Safari on Mac"],
  [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/130.0 Safari/537.36`, "Chrome on Linux"],
  ["curl/8.5", "Web browser"],
])("%s is called %s", (userAgent, name) => {
  expect(deviceName(userAgent)).toBe(name);
});

test.each([
  ["this title needs the plan 'Family'", "This title needs the plan 'Family'."],
  ["Done!", "Done!"],
  ["éteint", "Éteint."],
  ["  ", ""],
])("the reason %j reads as %j", (reason, words) => {
  expect(sentence(reason)).toBe(words);
});

test.each([
  [5, "5 s"],
  [119, "119 s"],
  [120, "2 min"],
  [901, "16 min"],
])("%d seconds are a wait of %s", (seconds, words) => {
  expect(span(seconds)).toBe(words);
});
