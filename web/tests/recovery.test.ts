import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Recovery } from "../src/recovery.ts";

const HOUR = 3_600_000;

let recovery: Recovery;
const network = new EventTarget();
const again = vi.fn();
const giveUp = vi.fn();
const attempt = { again, giveUp };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("addEventListener", network.addEventListener.bind(network));
  recovery = new Recovery();
  again.mockReset();
  giveUp.mockReset();
});

afterEach(() => {
  recovery.end();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function comeBack(): void {
  network.dispatchEvent(new Event("online"));
}

test("what failed is tried again as soon as the network is back, and once", () => {
  recovery.expect(attempt);
  comeBack();
  comeBack();
  vi.advanceTimersByTime(HOUR);
  expect(again).toHaveBeenCalledTimes(1);
});

test("what fails again and again is tried ever more rarely", () => {
  again.mockImplementation(() => {
    recovery.expect(attempt);
  });
  recovery.expect(attempt);
  vi.advanceTimersByTime(10_000);
  expect(again.mock.calls.length).toBe(3);
  vi.advanceTimersByTime(600_000);
  expect(again.mock.calls.length).toBeLessThan(20);
});

test("a server that says when is not asked before", () => {
  recovery.expect(attempt, 52);
  vi.advanceTimersByTime(51_900);
  expect(again).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100);
  expect(again).toHaveBeenCalledTimes(1);
});

test("whoever comes back after hours begins by hand, and is told so", () => {
  recovery.expect(attempt);
  vi.setSystemTime(Date.now() + HOUR);
  comeBack();
  expect(again).not.toHaveBeenCalled();
  expect(giveUp).toHaveBeenCalledTimes(1);
});

test("for half an hour it is said that something is tried again, and no longer", () => {
  again.mockImplementation(() => recovery.expect(attempt));
  recovery.expect(attempt);
  vi.advanceTimersByTime(HOUR);
  expect(again.mock.results.map(({ value }) => value as boolean).indexOf(false)).toBe(again.mock.calls.length - 1);
  expect(giveUp).not.toHaveBeenCalled();
});

test("what may not be tried for hours is not waited for", () => {
  expect(recovery.expect(attempt, 3_600)).toBe(false);
  vi.advanceTimersByTime(2 * HOUR);
  expect(again).not.toHaveBeenCalled();
});

test("a try that takes so long to fail that the half hour is over is the last one", () => {
  recovery.expect(attempt);
  vi.advanceTimersByTime(29 * 60_000);
  recovery.pause();
  vi.advanceTimersByTime(2 * 60_000);
  expect(recovery.expect(attempt)).toBe(false);
});

test("it is known for how long something has been tried", () => {
  again.mockImplementation(() => recovery.expect(attempt));
  recovery.expect(attempt);
  vi.advanceTimersByTime(HOUR / 6);
  expect(recovery.duration).toBe(HOUR / 6);
});

test("what fails hours after it went well again is tried anew", () => {
  recovery.expect(attempt);
  comeBack();
  vi.setSystemTime(Date.now() + HOUR);
  recovery.expect(attempt);
  comeBack();
  expect(again).toHaveBeenCalledTimes(2);
});

test("a network that comes back while all goes well begins no try", () => {
  recovery.expect(attempt);
  comeBack();
  vi.advanceTimersByTime(10 * 60_000);
  comeBack();
  vi.advanceTimersByTime(25 * 60_000);
  expect(recovery.expect(attempt)).toBe(true);
});

test("what somebody is to decide is not tried", () => {
  recovery.expect(attempt);
  recovery.end();
  comeBack();
  vi.advanceTimersByTime(HOUR);
  expect(again).not.toHaveBeenCalled();
});
