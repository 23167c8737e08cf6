/** How a film plays, told to the server as Common Media Client Data, version 2, in event mode (CTA-5004-B, 2.2). */
import { secondsToWait } from "./retry-after.ts";

/** What is needed of a video element. */
export interface Media extends EventTarget {
  readonly currentTime: number;
  readonly paused: boolean;
  readonly ended: boolean;
  readonly seeking: boolean;
  readonly readyState: number;
  readonly playbackRate: number;
  readonly error: { readonly code: number } | null;
  getVideoPlaybackQuality?(): { readonly droppedVideoFrames: number } | undefined;
}

/** The status of an answer, 0 when none came, and for how many seconds it says that nothing is wanted. */
export interface Answer {
  status: number;
  wait?: number | undefined;
}

/** What is around the player; a test puts its own in. */
export interface Surroundings {
  /** Milliseconds since 1970. */
  now(): number;
  /** Sends a body, which outlives the page. */
  post(url: string, body: string): Promise<Answer>;
  /** Where `pagehide` is heard. */
  readonly page: EventTarget;
}

export interface Session {
  /** The signed URL of the film. */
  source: string;
  sessionId: string;
  contentId: string;
}

/** starting, playing, seeking, rebuffering, paused, ended, fatal error, quit (table 1, key sta) */
type State = "s" | "p" | "k" | "r" | "a" | "e" | "f" | "q";
type Value = string | number;

/** How long events are gathered before they are sent, and how often a player at work tells that it is. */
const GATHER_MS = 1_000;
const INTERVAL_MS = 10_000;
const LONGEST_PAUSE_MS = 60_000;
/** Most events in a body, and most that are kept while the server is away. */
const BATCH = 100;
const KEPT = 500;

const HAVE_FUTURE_DATA = 3;
const AT_WORK: readonly (State | undefined)[] = ["p", "k", "r"];

/** Where the events of a signed URL's session are sent, or undefined when the URL has no token. */
export function reportingUrl(source: string): string | undefined {
  const token = /[;?&](URISigningPackage=[^;/?&#]+)/.exec(source)?.[1];
  return token && `${new URL(source).origin}/cmcd?${token}`;
}

export const BROWSER: Surroundings = {
  now: () => Date.now(),
  page: globalThis,
  post: (url, body) =>
    fetch(url, {
      method: "POST",
      body,
      headers: { "Content-Type": "application/cmcd" },
      credentials: "omit",
      keepalive: true,
    }).then(
      ({ status, headers }) => ({ status, wait: secondsToWait(headers) }),
      () => ({ status: 0 }),
    ),
};

/** Listens to a video element from now on, until `close`. */
export class PlaybackReporter {
  #url: string | undefined;
  readonly #closing = new AbortController();
  readonly #interval: ReturnType<typeof setInterval>;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #waiting: string[] = [];
  #sending = false;
  #pause = GATHER_MS;
  #sequence = 0;
  #state: State | undefined;
  #asked: number | undefined;
  #started = false;
  #kilobits: number | undefined;
  #dropped = 0;
  #droppedBefore = 0;

  constructor(
    readonly media: Media,
    readonly session: Session,
    readonly around: Surroundings = BROWSER,
  ) {
    this.#url = reportingUrl(session.source);
    this.#interval = setInterval(() => {
      if (AT_WORK.includes(this.#state)) this.#say("t");
    }, INTERVAL_MS);
    this.#listen();
    if (!media.paused) this.#play();
  }

  /** Tells of the bitrate of what is shown, in bits per second. */
  bitrate(bits: number): void {
    const kilobits = Math.round(bits / 1000);
    if (kilobits === this.#kilobits) return;
    this.#kilobits = kilobits;
    if (this.#state) this.#say("bc");
  }

  /** Tells of an error, by a code of the player's own; a fatal one ends playback. */
  error(code: string, fatal = false): void {
    if (fatal) this.#enter("f");
    this.#say("e", { ec: `(${quoted(code)})` });
  }

  /** Tells that the viewer leaves, unless the film has ended, and sends what is left. */
  close(): void {
    this.#leave();
    this.#closing.abort();
    clearInterval(this.#interval);
  }

  #listen(): void {
    const { media, around } = this;
    const { signal } = this.#closing;
    const hear = (name: string, listener: () => void) => {
      media.addEventListener(name, listener, { signal });
    };
    hear("play", () => {
      this.#play();
    });
    hear("playing", () => {
      this.#playing();
    });
    hear("waiting", () => {
      if (this.#state === "p") this.#enter(media.seeking ? "k" : "r");
    });
    hear("seeking", () => {
      if (this.#started) this.#enter("k");
    });
    hear("seeked", () => {
      if (media.paused) this.#paused();
      else if (media.readyState >= HAVE_FUTURE_DATA) this.#playing();
    });
    hear("pause", () => {
      this.#paused();
    });
    hear("ended", () => {
      this.#enter("e");
    });
    hear("ratechange", () => {
      if (this.#state === "p") this.#say("pr");
    });
    hear("error", () => {
      this.error(`MediaError ${media.error?.code ?? 0}`, true);
    });
    around.page.addEventListener(
      "pagehide",
      () => {
        this.#leave();
      },
      { signal },
    );
  }

  #play(): void {
    this.#asked ??= this.around.now();
    if (!this.#started) this.#enter("s");
  }

  #playing(): void {
    const first = !this.#started && this.#asked !== undefined;
    this.#started = true;
    this.#enter("p", first ? { msd: this.around.now() - (this.#asked ?? 0) } : {});
  }

  #paused(): void {
    if (this.#started && !this.media.ended) this.#enter("a");
  }

  #leave(): void {
    if (this.#state && !"efq".includes(this.#state)) this.#enter("q");
    void this.#send(true);
  }

  #enter(state: State, more: Record<string, Value> = {}): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#say("ps", more);
  }

  #say(event: string, more: Record<string, Value> = {}): void {
    const { media, session, around } = this;
    const keys: Record<string, Value | undefined> = {
      br: this.#kilobits === undefined ? undefined : `(${this.#kilobits};v)`,
      cid: quoted(session.contentId),
      dfa: this.#droppedFrames(),
      e: event,
      pr: media.playbackRate === 1 ? undefined : media.playbackRate.toFixed(2),
      pt: Math.round(media.currentTime * 1000),
      sf: "h",
      sid: quoted(session.sessionId),
      sn: this.#sequence++,
      st: "v",
      sta: this.#state,
      ts: around.now(),
      v: 2,
      ...more,
    };
    const pairs = Object.entries(keys).filter(([, value]) => value !== undefined);
    this.#waiting.push(
      pairs
        .map(([key, value]) => `${key}=${value ?? ""}`)
        .sort()
        .join(","),
    );
    this.#waiting.splice(0, this.#waiting.length - KEPT);
    this.#gathering ??= setTimeout(() => void this.#send(), this.#pause);
  }

  /** How many frames were dropped since the session began: an element that is loaded anew counts from 0 again. */
  #droppedFrames(): number | undefined {
    const dropped = this.media.getVideoPlaybackQuality?.()?.droppedVideoFrames;
    if (dropped === undefined) return undefined;
    if (dropped < this.#dropped) this.#droppedBefore += this.#dropped;
    this.#dropped = dropped;
    return this.#droppedBefore + dropped;
  }

  /** Sends what waits. What an overloaded or absent server did not take is sent again, when it says or ever more rarely. */
  async #send(leaving = false): Promise<void> {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#url === undefined || this.#waiting.length === 0 || (this.#sending && !leaving)) return;
    this.#sending = true;
    const batch = this.#waiting.splice(0, BATCH);
    const { status, wait = 0 } = await this.around.post(this.#url, batch.join("\n"));
    this.#sending = false;
    const again = status === 0 || status === 429 || status >= 500;
    this.#pause = again ? Math.max(Math.min(this.#pause * 2, LONGEST_PAUSE_MS), wait * 1_000) : GATHER_MS;
    if (again) this.#waiting.unshift(...batch);
    if (status === 401 || status === 403 || status === 410) this.#url = undefined;
    if (this.#waiting.length > 0) this.#gathering ??= setTimeout(() => void this.#send(), this.#pause);
  }
}

/** A string of structured fields (RFC 9651, 3.3.3), which holds printable ASCII alone. */
function quoted(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, "?").slice(0, 64);
  return `"${printable.replace(/["\\]/g, "\\$&")}"`;
}
