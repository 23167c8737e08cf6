import type { Deed, PlaybackSession } from "./api/playback.ts";

/** What the server is to be told. */
export interface Report {
  deed: Deed;
  position: number;
}

/** What the player is to do, because another device or an operator said so. */
export type Order = { to: "play" | "pause" | "stop" } | { to: "seek"; position: number };

type State = PlaybackSession["state"];

/** News of our own doing that is still to come back to us. */
interface Echo {
  state: State;
  position: number | undefined;
  until: number;
}

/** How long news of our own doing may take, in milliseconds; then the same news is somebody else's. */
const ECHO_MS = 5_000;

/** Positions that are no further apart, in seconds, are the same. */
const NEAR = 2;

function isNear(one: number, other: number): boolean {
  return Math.abs(one - other) <= NEAR;
}

/**
 * What a player and the server know of each other about one playback session. It knows no player, server or clock.
 *
 * The player's doings become reports, news becomes orders. What the player does on an order is reported to nobody, and
 * news of what was reported is no order. Positions are in seconds, `now` in milliseconds.
 */
export class Reporting {
  #state: State = "PLAYBACK_STATE_PLAYING"; // as the server takes it from the start
  #target: number | undefined;
  #echoes: Echo[];

  /** `now`: when the session was opened, which is news too. */
  constructor(now: number) {
    this.#echoes = [{ state: this.#state, position: undefined, until: now + ECHO_MS }];
  }

  /** The player was put to this position, by nobody's hand. */
  placed(position: number): void {
    this.#target = position;
  }

  played(position: number, now: number): Report | undefined {
    return this.#turn("PLAYBACK_STATE_PLAYING", "resume", position, now);
  }

  paused(position: number, now: number): Report | undefined {
    return this.#turn("PLAYBACK_STATE_PAUSED", "pause", position, now);
  }

  sought(position: number, now: number): Report | undefined {
    const target = this.#target;
    this.#target = undefined;
    if (this.#hasStopped() || (target !== undefined && isNear(target, position))) return undefined;
    this.#echoes.push({ state: this.#state, position, until: now + ECHO_MS });
    return { deed: "seek", position };
  }

  /** Time went by. */
  ticked(position: number): Report | undefined {
    return this.#state === "PLAYBACK_STATE_PLAYING" ? { deed: "report", position } : undefined;
  }

  /** The session ended here; what comes later is of no interest. */
  stopped(): void {
    this.#state = "PLAYBACK_STATE_STOPPED";
  }

  /** News of the session, while the player is at `position`. */
  heard(news: PlaybackSession, position: number, now: number): Order | undefined {
    if (this.#hasStopped() || this.#isEcho(news, now)) return undefined;
    const { state, position_seconds: wanted = 0 } = news;
    if (state === this.#state) return isNear(wanted, position) ? undefined : this.#seek(wanted);
    this.#state = state;
    if (state === "PLAYBACK_STATE_STOPPED") return { to: "stop" };
    return { to: state === "PLAYBACK_STATE_PAUSED" ? "pause" : "play" };
  }

  #turn(state: State, deed: Deed, position: number, now: number): Report | undefined {
    if (this.#hasStopped() || this.#state === state) return undefined;
    this.#state = state;
    this.#echoes.push({ state, position: undefined, until: now + ECHO_MS });
    return { deed, position };
  }

  #seek(position: number): Order {
    this.#target = position;
    return { to: "seek", position };
  }

  /** Whether news is of our own doing. News keeps its order: what we did before that is not waited for any more. */
  #isEcho({ state, position_seconds: position = 0 }: PlaybackSession, now: number): boolean {
    this.#echoes = this.#echoes.filter(({ until }) => now < until);
    const index = this.#echoes.findIndex(
      (echo) => echo.state === state && (echo.position === undefined || isNear(echo.position, position)),
    );
    this.#echoes.splice(0, index < 0 ? Infinity : index + 1);
    return index >= 0;
  }

  #hasStopped(): boolean {
    return this.#state === "PLAYBACK_STATE_STOPPED";
  }
}
