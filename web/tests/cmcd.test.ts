import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Answer, PlaybackReporter, reportingUrl } from "../src/cmcd.ts";

const SOURCE = "https://films.example/v/abc;URISigningPackage=a.b-c_d.e/main.m3u8";
const SESSION = { source: SOURCE, sessionId: "s1", contentId: "t1" };

/** A video element whose state a test sets. */
class Film extends EventTarget {
  currentTime = 0;
  paused = true;
  ended = false;
  seeking = false;
  readyState = 4;
  playbackRate = 1;
  error: { code: number } | null = null;
  dropped: number | undefined = undefined;

  getVideoPlaybackQuality = () => (this.dropped === undefined ? undefined : { droppedVideoFrames: this.dropped });

  tell(...names: string[]): void {
    for (const name of names) this.dispatchEvent(new Event(name));
  }
}

/** A server that keeps what it is sent, and answers with what a test says. */
class Server {
  status = 204;
  wait: number | undefined;
  url = "";
  readonly bodies: string[] = [];
  readonly page = new EventTarget();

  now = () => Date.now();

  post = (url: string, body: string): Promise<Answer> => {
    this.url = url;
    this.bodies.push(body);
    return Promise.resolve({ status: this.status, wait: this.wait });
  };

  /** The keys of every event. */
  get events(): Record<string, string>[] {
    return this.bodies.flatMap((body) =>
      body.split("\n").map((line) =>
        Object.fromEntries(
          line.split(",").map((pair) => {
            const [key = "", value = ""] = pair.split("=");
            return [key, value];
          }),
        ),
      ),
    );
  }

  get states(): string {
    return this.events.flatMap(({ e, sta }) => (e === "ps" ? [sta] : [])).join("");
  }
}

let film: Film;
let server: Server;
let reporter: PlaybackReporter;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  film = new Film();
  server = new Server();
  reporter = new PlaybackReporter(film, SESSION, server);
});

afterEach(() => {
  reporter.close();
  vi.useRealTimers();
});

async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

async function start(): Promise<void> {
  film.paused = false;
  film.tell("play");
  await pass(700);
  film.tell("playing");
}

describe("where events go", () => {
  test.each([
    ["in the path", SOURCE],
    ["in the query", "https://films.example/v/abc/main.m3u8?URISigningPackage=a.b-c_d.e&x=y"],
  ])("the token %s comes along", (_, source) => {
    expect(reportingUrl(source)).toBe("https://films.example/cmcd?URISigningPackage=a.b-c_d.e");
  });

  test("a URL without a token has no such place", () => {
    expect(reportingUrl("https://films.example/v/abc/main.m3u8")).toBeUndefined();
  });
});

test("nothing is said before somebody wants to play", async () => {
  film.tell("waiting", "seeking");
  await pass(60_000);
  expect(server.bodies).toEqual([]);
});

test("the start is told with its delay, and what every event needs", async () => {
  await start();
  await pass(1_000);
  expect(server.url).toBe("https://films.example/cmcd?URISigningPackage=a.b-c_d.e");
  expect(server.states).toBe("sp");
  expect(server.events[1]).toEqual({
    ...{ cid: '"t1"', e: "ps", msd: "700", pt: "0", sf: "h", sid: '"s1"', sn: "1", st: "v", sta: "p" },
    ...{ ts: "1800000000700", v: "2" },
  });
});

test("keys stand in the order of the alphabet", async () => {
  await start();
  await pass(1_000);
  const keys = server.bodies[0]?.split("\n")[0]?.split(",");
  expect(keys).toEqual([...(keys ?? [])].sort());
});

test("a film that already plays has started", async () => {
  film.paused = false;
  const late = new PlaybackReporter(film, SESSION, server);
  await pass(1_000);
  late.close();
  expect(server.states.startsWith("s")).toBe(true);
});

test("a stall begins when the picture waits and ends when it goes on", async () => {
  await start();
  await pass(5_000);
  film.tell("waiting");
  await pass(2_500);
  film.tell("playing");
  await pass(1_000);
  const [began, ended] = server.events.filter(({ e }) => e === "ps").slice(2);
  expect([began?.sta, ended?.sta]).toEqual(["r", "p"]);
  expect(Number(ended?.ts) - Number(began?.ts)).toBe(2_500);
});

test("waiting while seeking is no stall", async () => {
  await start();
  film.seeking = true;
  film.tell("seeking", "waiting");
  film.seeking = false;
  film.readyState = 2;
  film.tell("seeked");
  film.tell("waiting", "playing");
  await pass(1_000);
  expect(server.states).toBe("spkp");
});

test("a seek inside the buffer goes on at once, and one in a pause stays paused", async () => {
  await start();
  film.tell("seeking", "seeked");
  film.paused = true;
  film.tell("pause", "seeking", "seeked");
  await pass(1_000);
  expect(server.states).toBe("spkpaka");
});

test("the end is no pause", async () => {
  await start();
  film.ended = film.paused = true;
  film.tell("pause", "ended");
  reporter.close();
  expect(server.states).toBe("spe");
});

test("a player at work says so regularly, and one that is paused does not", async () => {
  await start();
  await pass(31_000);
  expect(server.events.filter(({ e }) => e === "t")).toHaveLength(3);
  film.paused = true;
  film.tell("pause");
  await pass(60_000);
  expect(server.events.filter(({ e }) => e === "t")).toHaveLength(3);
});

test("another bitrate and another speed are told once", async () => {
  await start();
  reporter.bitrate(3_000_400);
  reporter.bitrate(3_000_300);
  film.playbackRate = 1.5;
  film.tell("ratechange");
  await pass(1_000);
  expect(server.events.map(({ e }) => e)).toEqual(["ps", "ps", "bc", "pr"]);
  expect(server.events.at(-1)).toMatchObject({ br: "(3000;v)", pr: "1.50" });
});

test("dropped frames are counted on when the film is loaded anew", async () => {
  film.dropped = 0;
  await start();
  film.dropped = 7;
  film.tell("waiting");
  film.dropped = 2;
  film.tell("playing");
  await pass(1_000);
  expect(server.events.map(({ dfa }) => dfa)).toEqual(["0", "0", "7", "9"]);
});

test("a fatal error ends playback", async () => {
  await start();
  film.error = { code: 3 };
  film.tell("error");
  reporter.close();
  await pass(1_000);
  expect(server.states).toBe("spf");
  expect(server.events.at(-1)).toMatchObject({ e: "e", ec: '("MediaError 3")', sta: "f" });
});

test("what a structured field cannot hold is replaced", async () => {
  await start();
  reporter.error('a "b" \\ ü\n');
  await pass(1_000);
  expect(server.bodies.join("\n")).toContain('ec=("a \\"b\\" \\\\ ??")');
});

test("who leaves the page says so at once", async () => {
  await start();
  server.page.dispatchEvent(new Event("pagehide"));
  expect(server.states).toBe("spq");
});

test("who leaves does not wait for an answer that is on its way", async () => {
  server.post = (_, body) => {
    server.bodies.push(body);
    return new Promise(() => undefined);
  };
  await start();
  await pass(1_000);
  server.page.dispatchEvent(new Event("pagehide"));
  expect(server.states).toBe("spq");
});

test.each([401, 403, 410])("a session that answers %d is told nothing more", async (status) => {
  server.status = status;
  await start();
  await pass(60_000);
  expect(server.bodies).toHaveLength(1);
});

test("nothing is said after the end", async () => {
  await start();
  reporter.close();
  film.tell("waiting", "playing");
  await pass(60_000);
  expect(server.states).toBe("spq");
});

test("what an absent server did not take is sent again, ever more rarely, and in order", async () => {
  server.status = 0;
  await start();
  await pass(9_000);
  expect(server.bodies.length).toBeLessThanOrEqual(4);
  server.status = 204;
  server.bodies.length = 0;
  await pass(20_000);
  expect(server.states).toBe("sp");
  expect(server.events.map(({ sn }) => Number(sn))).toEqual(server.events.map((_, place) => place));
});

test("a server that says when it can take more is not asked before", async () => {
  server.status = 429;
  server.wait = 30;
  await start();
  await pass(1_000);
  await pass(29_000);
  expect(server.bodies).toHaveLength(1);
  server.status = 204;
  await pass(1_000);
  expect(server.bodies).toHaveLength(2);
});

test("what a malformed answer refuses is not sent again", async () => {
  server.status = 400;
  await start();
  await pass(5_000);
  expect(server.bodies).toHaveLength(1);
});

test("events that cannot be sent do not pile up", async () => {
  server.status = 503;
  await start();
  for (let error = 0; error < 2_000; error++) reporter.error("again");
  server.status = 204;
  await pass(120_000);
  expect(server.events.length).toBeLessThan(800);
});
