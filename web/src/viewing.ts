import { ApiError } from "./api/calls.ts";
import { getMembership } from "./api/plans.ts";
import { listDevices, play, type PlaybackSession, stop, tell } from "./api/playback.ts";
import { posterUrl, type Title } from "./api/titles.ts";
import { apology } from "./apology.ts";
import { deviceId, deviceName } from "./device.ts";
import { isTooMany } from "./entitlement.ts";
import { type Fault, refusalOf } from "./faults.ts";
import { render } from "lit-html";
import { type Doing, mountPlayer, type Projector } from "./player.ts";
import { type Report, Reporting } from "./reporting.ts";

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
    try {
      const name = deviceName(navigator.userAgent);
      const playback = await play(this.title.title_id, name, deviceId(), wish.takeOver ?? false);
      this.#sessionId = playback.session_id;
      this.#reporting = new Reporting(Date.now());
      const from = wish.from ?? playback.resume_seconds ?? 0;
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
          this.#tell(doing, position);
        },
        onFault: (fault, position, reason) => this.#apologise(fault, { from: position, atOnce: true }, reason),
      });
    } catch (error) {
      await this.#apologiseFor(error, { ...wish, atOnce: true });
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
    const refusal = refusalOf(error.status);
    const fault = refusal === "crowded" && (await hasNoRoom()) ? "devices" : refusal;
    const isTold = ["plan", "crowded", "devices"].includes(fault);
    await this.#apologise(fault, wish, isTold ? error.message : "");
  }

  async #apologise(fault: Fault, wish: Wish, reason: string): Promise<void> {
    const retry = () => this.start({ ...wish, takeOver: fault === "crowded" });
    render(apology(fault, retry, reason), this.screen);
    this.screen.querySelector("button")?.focus();
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
