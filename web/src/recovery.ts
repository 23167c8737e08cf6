import { waitBefore } from "./news.ts";

/** How long something is tried again, in milliseconds: whoever comes back after hours begins by hand. */
const LONGEST_MS = 30 * 60_000;

/** What is tried again, and what is done when the time for that came too late, as after a night with the lid closed. */
export interface Attempt {
  again(): unknown;
  giveUp(): unknown;
}

/** Tries again by itself what has failed for a while: as soon as the network is back, and else ever more rarely. */
export class Recovery {
  #attempt: Attempt | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #since = 0;
  #begun = 0;

  constructor() {
    addEventListener("online", () => {
      this.#try();
    });
  }

  /** How long it has been tried, in milliseconds. */
  get duration(): number {
    return this.#failures > 0 ? Date.now() - this.#since : 0;
  }

  /**
   * Has something tried later, and not before `wait` seconds have gone by, unless the network was gone and is back.
   * Tells whether it is: what would be too late is not tried.
   */
  expect(attempt: Attempt, wait = 0): boolean {
    const wentWell = Date.now() - this.#begun >= LONGEST_MS; // no try takes that long to fail
    if (this.#failures === 0 || wentWell) {
      this.#failures = 0;
      this.#since = Date.now();
    }
    const delay = Math.max(wait * 1_000, waitBefore(this.#failures++));
    const isInTime = this.duration + delay < LONGEST_MS;
    if (isInTime) this.#prepare(attempt, delay);
    else this.end();
    return isInTime;
  }

  /** Nothing is to be tried again: it goes well, or somebody is to decide. */
  end(): void {
    this.pause();
    this.#failures = 0;
  }

  /** A try has begun: nothing else is tried until it fails. */
  pause(): void {
    this.#begun = Date.now();
    clearTimeout(this.#timer);
    this.#attempt = undefined;
  }

  #prepare(attempt: Attempt, delay: number): void {
    this.pause();
    this.#attempt = attempt;
    this.#timer = setTimeout(() => {
      this.#try();
    }, delay);
  }

  #try(): void {
    const attempt = this.#attempt;
    if (!attempt) return; // all goes well, or it is being tried
    if (this.duration >= LONGEST_MS) {
      this.end();
      attempt.giveUp();
    } else {
      this.pause();
      attempt.again();
    }
  }
}
