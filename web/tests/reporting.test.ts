import { expect, test } from "vitest";
import type { PlaybackSession } from "../src/api/playback.ts";
import { Reporting } from "../src/reporting.ts";

const LATER = 60_000; // milliseconds: news of what was done before has come by then

function news(state: "PLAYING" | "PAUSED" | "STOPPED", position_seconds = 0): PlaybackSession {
  return { session_id: "s", state: `PLAYBACK_STATE_${state}`, position_seconds };
}

test("a pause is told once, and so is going on", () => {
  const reporting = new Reporting(0);
  expect(reporting.paused(12, LATER)).toEqual({ deed: "pause", position: 12 });
  expect(reporting.paused(12, LATER)).toBeUndefined();
  expect(reporting.played(12, LATER)).toEqual({ deed: "resume", position: 12 });
  expect(reporting.played(12, LATER)).toBeUndefined();
});

test("who begins at once has nothing to tell: the server takes it so", () => {
  expect(new Reporting(0).played(0, 10)).toBeUndefined();
});

test("the position is told while the film plays, and not while it is paused", () => {
  const reporting = new Reporting(0);
  expect(reporting.ticked(10)).toEqual({ deed: "report", position: 10 });
  reporting.paused(12, LATER);
  expect(reporting.ticked(12)).toBeUndefined();
});

test("another device pauses and goes on, and the player's obeying is not told", () => {
  const reporting = new Reporting(0);
  expect(reporting.heard(news("PAUSED", 10), 14, LATER)).toEqual({ to: "pause" });
  expect(reporting.paused(14, LATER)).toBeUndefined();
  expect(reporting.heard(news("PLAYING", 10), 14, LATER)).toEqual({ to: "play" });
  expect(reporting.played(14, LATER)).toBeUndefined();
});

test("news of our own doing is no order, however late and in whatever state the player is by then", () => {
  const reporting = new Reporting(0);
  reporting.paused(5, LATER);
  reporting.played(5, LATER + 100);
  expect(reporting.heard(news("PAUSED", 5), 5, LATER + 200)).toBeUndefined();
  expect(reporting.heard(news("PLAYING", 5), 5, LATER + 300)).toBeUndefined();
});

test("news that the session was opened does not start a player that waits", () => {
  const reporting = new Reporting(0);
  reporting.paused(0, 10);
  expect(reporting.heard(news("PLAYING"), 0, 500)).toBeUndefined();
});

test("news of what we did before the last thing is not waited for", () => {
  const reporting = new Reporting(0);
  reporting.paused(5, LATER);
  reporting.played(5, LATER + 100);
  reporting.heard(news("PLAYING", 5), 5, LATER + 200); // news of the pause never came
  expect(reporting.heard(news("PAUSED", 5), 6, LATER + 300)).toEqual({ to: "pause" });
});

test("what another device says soon after the beginning holds, though news of the beginning never came", () => {
  const reporting = new Reporting(0);
  expect(reporting.heard(news("PAUSED"), 2, 1_000)).toEqual({ to: "pause" });
  expect(reporting.heard(news("PLAYING"), 2, 2_000)).toEqual({ to: "play" });
});

test("the same news is somebody else's once ours must have come", () => {
  const reporting = new Reporting(0);
  reporting.paused(5, 0);
  reporting.played(5, 0);
  expect(reporting.heard(news("PAUSED", 5), 9, LATER)).toEqual({ to: "pause" });
});

test("another position of a session that goes on is one to go to, and arriving there is not told", () => {
  const reporting = new Reporting(0);
  expect(reporting.heard(news("PLAYING", 300), 20, LATER)).toEqual({ to: "seek", position: 300 });
  expect(reporting.sought(300.4, LATER)).toBeUndefined();
  expect(reporting.sought(20, LATER)).toEqual({ deed: "seek", position: 20 });
});

test("a position that is about the player's own is none to go to", () => {
  expect(new Reporting(0).heard(news("PLAYING", 21.5), 20, LATER)).toBeUndefined();
});

test("being put to where the title was left is not told as a seek", () => {
  const reporting = new Reporting(0);
  reporting.placed(754);
  expect(reporting.sought(754.1, 50)).toBeUndefined();
});

test("a session that was stopped stays so, whoever stopped it", () => {
  const [there, here] = [new Reporting(0), new Reporting(0)];
  expect(there.heard(news("STOPPED"), 20, LATER)).toEqual({ to: "stop" });
  here.stopped();
  for (const reporting of [there, here]) {
    expect(reporting.heard(news("PLAYING"), 20, LATER)).toBeUndefined();
    expect(reporting.ticked(20)).toBeUndefined();
    expect(reporting.paused(20, LATER)).toBeUndefined();
    expect(reporting.sought(90, LATER)).toBeUndefined();
  }
});
