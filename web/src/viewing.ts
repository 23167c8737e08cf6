import { nothing, render } from "lit-html";
import { ApiError } from "./api/calls.ts";
import { getMembership } from "./api/plans.ts";
import { listDevices, play, type PlaybackSession, stop, tell } from "./api/playback.ts";
import { posterUrl, type Title } from "./api/titles.ts";
import { apology } from "./apology.ts";
import { deviceId, deviceName } from "./device.ts";
import { isTooMany } from "./entitlement.ts";
import { goesOn, type Outlook, TRYING, waitsForYou } from "./outlook.ts";
import { type Fault, PASSING, refusalOf } from "./faults.ts";
import { type Doing, mountPlayer, type Projector } from "./player.ts";
import { type Attempt, Recovery } from "./recovery.ts";
import { type Report, Reporting } from "./reporting.ts";
import { startOf } from "./start.ts";

/** How a viewing begins. */
export interface Wish {
  /** Where, in seconds; undefined: where the title was left. */
  from?: number | undefined;
  /** Without waiting for the viewer. */
  atOnce: boolean;
  /** End the session that was begun first, when this is one too many. */
  takeOver?: boolean;
}

/** How wide the poster before the film is asked for, in pixels. */
const POSTER_WIDTH = 1280;

/** How often a film begins anew in the qualities that its plan has left; more often something is wrong. */
const MOST_CHANGES = 10;

/** Statuses by which the server says that a session is over. */
const OVER = [403, 404, 409, 410];

/** Whether it is the device that is one too many, and not the stream. */
async function hasNoRoom(): Promise<boolean> {
  try {
    const [devices, { entitlement }] = await Promise.all([listDevices(), getMembership()]);
    return isTooMany(deviceId(), devices, entitlement?.max_devices ?? 0);
  } catch {
    return false; // then it is the stream, as far as anybody knows
  }
}

/** One viewing of a title: opens playback sessions, tells how they go, does as they are told, and ends them. */
export class Viewing {
  #sessionId = "";
  #projector: Projector | undefined;
  #reporting = new Reporting(Date.now());
  #telling: Promise<unknown> = Promise.resolve();
  #reports = 0;
  #tries = 0;
  #changes = 0;
  readonly #recovery = new Recovery();

  constructor(
    readonly title: Title,
    readonly screen: HTMLElement,
  ) {
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", (event) => {
      if (event.persisted) location.reload(); // back from the browser's history, whose session has ended
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#tell("ticked"); // a phone may drop a hidden page without a word
    });
  }

  async start(wish: Wish): Promise<void> {
    const number = ++this.#tries;
    this.#recovery.pause();
    try {
      const name = deviceName(navigator.userAgent);
      const playback = await play(this.title.title_id, name, deviceId(), wish.takeOver ?? false);
      const from = startOf(wish.from ?? playback.resume_seconds ?? 0, this.title.duration_seconds);
      if (number !== this.#tries) {
        await stop(playback.session_id, from);
        return;
      }
      this.#sessionId = playback.session_id;
      this.#reporting = new Reporting(Date.now());
      if (from > 0) this.#reporting.placed(from);
      if (!wish.atOnce) this.#tell("paused", from); // before anything is fetched, which would count as watching
      this.#projector = mountPlayer(this.screen, {
        source: new URL(playback.hls).pathname, // the door that served this page serves the media, by whatever name
        sessionId: playback.session_id,
        contentId: this.title.title_id,
        poster: posterUrl(this.title, POSTER_WIDTH),
        name: this.title.name,
        from,
        atOnce: wish.atOnce,
        onDoing: (doing, position) => {
          if (doing === "ticked") this.#recovery.end(); // only now: what can begin again may fail again at once
          this.#tell(doing, position);
        },
        onFault: async ({ fault, position, isPlaying, reason }) => {
          if (fault === "quality" && this.#changes++ < MOST_CHANGES) {
            await this.#end(position);
            return this.start({ from: position, atOnce: isPlaying });
          }
          const end = fault === "quality" ? "stopped" : fault;
          await this.#apologise(end, { from: position, atOnce: isPlaying }, end === "signed-out" ? "" : reason);
        },
      });
    } catch (error) {
      if (number === this.#tries) await this.#apologiseFor(error, wish);
    }
  }

  /** Hears of a session: this one does as it is told. */
  async hear(session: PlaybackSession): Promise<void> {
    if (session.session_id !== this.#sessionId || !this.#projector) return;
    const order = this.#reporting.heard(session, this.#projector.position, Date.now());
    if (order) await this.#projector.obey(order);
  }

  /** Asks whether the film may still be shown. */
  async check(): Promise<void> {
    if (this.#sessionId) await this.#projector?.look();
  }

  #tell(doing: Doing, position = this.#projector?.position ?? 0): void {
    const report = this.#reporting[doing](position, Date.now());
    if (!report || !this.#sessionId) return;
    const sessionId = this.#sessionId;
    this.#telling = this.#telling.then(() => this.#send(sessionId, report, ++this.#reports));
  }

  /** Sends a report. The answer to a plain one is news too, if there was nothing to tell since; most failures pass. */
  async #send(sessionId: string, { deed, position }: Report, number: number): Promise<void> {
    try {
      const { session } = await tell(sessionId, deed, position);
      if (deed === "report" && session && number === this.#reports) await this.hear(session);
    } catch (error) {
      if (error instanceof ApiError && OVER.includes(error.status)) await this.check();
    }
  }

  /** Says why no session could be opened; why the server refuses one is for the person to read. */
  async #apologiseFor(error: unknown, wish: Wish): Promise<void> {
    if (!(error instanceof ApiError)) return this.#apologise("broken", wish, "");
    const refusal = refusalOf(error);
    const fault = refusal === "crowded" && (await hasNoRoom()) ? "devices" : refusal;
    const isTold = fault === "plan" || fault === "crowded";
    await this.#apologise(fault, wish, isTold ? error.message : "", error.wait);
  }

  /** Says why there is no film. It goes on by itself after what passes: `wait` is in how many seconds, if known. */
  async #apologise(fault: Fault, wish: Wish, reason: string, wait?: number): Promise<void> {
    const isPassing = PASSING.has(fault);
    const say = (outlook: Outlook) => {
      render(apology(fault, retry, { reason: isPassing ? "" : reason, outlook }), this.screen);
    };
    const begin = (wish: Wish) => {
      say(TRYING);
      return this.start(wish);
    };
    const retry = () => {
      this.#recovery.end(); // somebody is here: if it fails again, half an hour begins anew
      return begin({ ...wish, atOnce: true, takeOver: fault === "crowded" });
    };
    const attempt: Attempt = {
      again: () => begin(wish),
      giveUp: () => {
        say(waitsForYou());
      },
    };
    const isNew = !this.screen.querySelector(".apology");
    const isExpected = isPassing && this.#recovery.expect(attempt, wait);
    if (isExpected) say(goesOn(wait, this.#recovery.duration));
    else {
      this.#recovery.end();
      say(isPassing ? waitsForYou(wait) : nothing);
    }
    if (isNew) this.screen.querySelector("button")?.focus();
    await this.#end(wish.from);
  }

  async #leave(): Promise<void> {
    await this.#end(this.#projector?.position);
  }

  async #end(position?: number): Promise<void> {
    const sessionId = this.#sessionId;
    this.#sessionId = "";
    this.#reporting.stopped();
    if (sessionId) await stop(sessionId, position ?? 0);
  }
}
