import { ErrorTypes, Events, type default as Hls, type HlsConfig } from "hls.js";
import type { HlsVideoElement } from "hls-video-element";
import { html, nothing, render } from "lit-html";
import "hls-video-element";
import "media-chrome";
import "media-chrome/menu";
import "./quality-menu.ts";
import { problemOf } from "./api/calls.ts";
import { clock } from "./clock.ts";
import { PlaybackReporter } from "./cmcd.ts";
import { type Fault, faultOf } from "./faults.ts";
import type { Order } from "./reporting.ts";

/** What a player tells of itself. */
export type Doing = "played" | "paused" | "sought" | "ticked";

/** How a film came to its end before its time. */
export interface Halt {
  /** "quality": what it played is not served any more, and the film is. */
  fault: Fault | "quality";
  /** How many seconds in. */
  position: number;
  /** Whether it ran, or was to begin by itself. */
  isPlaying: boolean;
  /** What the server says of it. */
  reason: string;
}

export interface Showing {
  /** The HLS main playlist. */
  source: string;
  /** The playback session, and the title, as what the player tells of itself names them. */
  sessionId: string;
  contentId: string;
  poster: string;
  name: string;
  /** Where to start, in seconds. */
  from: number;
  /** Start at once, as far as the browser lets it; else the viewer does. */
  atOnce: boolean;
  /** Hears what the player does; "ticked" every ten seconds while it plays. */
  onDoing(doing: Doing, position: number): unknown;
  /** Hears once why the film cannot go on; the player has stopped. */
  onFault(halt: Halt): unknown;
}

/** What hls.js is to do. It asks for the worker of its build as a blob: URL otherwise; our segments need no remuxing. */
function settings({ sessionId, contentId }: Showing): Partial<HlsConfig> {
  const cmcd = { version: 2, useHeaders: true, sessionId, contentId } as const;
  return { enableWorker: false, capLevelToPlayerSize: false, cmcd };
}

/** How often a running film says where it is, and is checked for having been stopped elsewhere, in milliseconds. */
const TICK_MS = 10_000;

/** How long a seek must stand before it is told: whoever drags along the film passes many places. */
const SEEK_MS = 400;

/** How often, and how long apart in milliseconds, it is asked why a session is over. */
const END_TRIES = 10;
const END_WAIT_MS = 200;

/** What a menu is for, in place of media-chrome's button back, which stands unseen among the menu's items. */
function heading(name: string) {
  return html`<span slot="header" aria-hidden="true">${name}</span>`;
}

/** Says where a film goes on, and offers its beginning. */
function resumption(from: number) {
  const restart = (event: Event) => {
    const video = (event.target as HTMLElement)
      .closest("media-controller")
      ?.querySelector<HlsVideoElement>("hls-video");
    if (!video) return;
    video.currentTime = 0;
    void video.play();
  };
  return html`
    <p slot="top-chrome" class="resumption">
      <span>${`From ${clock(from)}`}</span>
      <button type="button" @click=${restart}>From the beginning</button>
    </p>
  `;
}

function controls(showing: Showing) {
  return html`
    <media-controller class="player" keyboardforwardseekoffset="10" keyboardbackwardseekoffset="10">
      <hls-video
        slot="media"
        playsinline
        preload="metadata"
        aria-label=${showing.name}
        .config=${settings(showing)}
      ></hls-video>
      <media-poster-image slot="poster" src=${showing.poster}></media-poster-image>
      <media-loading-indicator slot="centered-chrome" noautohide></media-loading-indicator>
      <media-play-button slot="centered-chrome" class="big" notooltip></media-play-button>
      <media-captions-menu hidden anchor="auto" aria-label="Captions">${heading("Captions")}</media-captions-menu>
      <media-audio-track-menu hidden anchor="auto" aria-label="Audio">${heading("Audio")}</media-audio-track-menu>
      <media-playback-rate-menu hidden anchor="auto" rates="0.5 0.75 1 1.25 1.5 2" aria-label="Speed">
        ${heading("Speed")}
      </media-playback-rate-menu>
      <quality-menu id="quality" hidden anchor="auto" aria-label="Quality">${heading("Quality")}</quality-menu>
      ${showing.from > 0 ? resumption(showing.from) : nothing}
      <div class="console">
        <media-time-range></media-time-range>
        <media-control-bar>
          <media-play-button></media-play-button>
          <media-seek-backward-button seekoffset="10"></media-seek-backward-button>
          <media-seek-forward-button seekoffset="10"></media-seek-forward-button>
          <media-mute-button></media-mute-button>
          <media-volume-range></media-volume-range>
          <media-time-display showduration notoggle></media-time-display>
          <span class="spacer"></span>
          <media-captions-menu-button></media-captions-menu-button>
          <media-audio-track-menu-button></media-audio-track-menu-button>
          <media-playback-rate-menu-button>
            <svg slot="icon" viewBox="0 0 24 24" aria-hidden="true">
              <path d="M4.9 18.2a9 9 0 1 1 14.2 0M12 13l4-5" />
            </svg>
          </media-playback-rate-menu-button>
          <media-rendition-menu-button invoketarget="quality"></media-rendition-menu-button>
          <media-pip-button></media-pip-button>
          <media-fullscreen-button></media-fullscreen-button>
        </media-control-bar>
      </div>
    </media-controller>
  `;
}

/** What the server says of a playlist: the status, 0 when no answer came, and what a refusal means. */
interface Said {
  status: number;
  fault: Fault;
  reason: string;
}

async function inquire(url: string): Promise<Said> {
  try {
    const answer = await fetch(url, { cache: "no-store" });
    const { status } = answer;
    const { detail, cause } = answer.ok ? { detail: "", cause: "" } : await problemOf(answer);
    return { status, fault: faultOf(status, cause), reason: detail };
  } catch {
    return { status: 0, fault: faultOf(0), reason: "" };
  }
}

/** How a session ended: what serves the film may hear of it a moment later than the page. */
async function endOf(url: string): Promise<{ fault: Fault; reason: string }> {
  for (let tries = 0; tries < END_TRIES; tries++) {
    const said = await inquire(url);
    if (isRefusal(said.status)) return said;
    await new Promise((resolve) => setTimeout(resolve, END_WAIT_MS));
  }
  return { fault: "stopped", reason: "" };
}

function isRefusal(status: number): boolean {
  return status === 401 || status === 403;
}

/** Plays one showing, until a fault ends it: with hls.js, or with the browser's own HLS (Safari on a phone). */
export class Projector {
  readonly #reporter: PlaybackReporter;
  readonly #tick: ReturnType<typeof setInterval>;
  #seek: ReturnType<typeof setTimeout> | undefined;
  #over = false;
  #hasBegun = false;
  #isPlaying: boolean;

  constructor(
    readonly video: HlsVideoElement,
    readonly showing: Showing,
  ) {
    this.#isPlaying = showing.atOnce;
    const { sessionId, contentId } = showing;
    const source = new URL(showing.source, location.href).href;
    this.#reporter = new PlaybackReporter(video, { source, sessionId, contentId });
    this.#tick = setInterval(() => this.#tickOnce(), TICK_MS);
    this.#listen();
  }

  /** How many seconds in it is; before it is loaded, where it begins. */
  get position(): number {
    return this.#hasBegun ? this.video.currentTime : this.showing.from;
  }

  async start(): Promise<void> {
    const { video, showing } = this;
    video.src = showing.source;
    await Promise.resolve(); // hls-video makes its hls.js in a microtask
    if (video.api) this.#watchHls(video.api);
    else video.addEventListener("error", () => this.look("broken"));
    video.addEventListener("loadedmetadata", () => this.#begin(), { once: true });
  }

  /** Does as another device or an operator says. */
  async obey(order: Order): Promise<void> {
    const { video } = this;
    if (order.to === "seek") video.currentTime = order.position;
    if (order.to === "pause") video.pause();
    if (order.to === "play") await this.#play();
    if (order.to !== "stop") return;
    video.pause();
    const { fault, reason } = await endOf(this.showing.source);
    this.end(fault, reason);
  }

  /** Asks whether the film may still be shown: what is buffered would go on for long. */
  async look(otherwise?: Halt["fault"]): Promise<void> {
    const { status, fault, reason } = await inquire(this.showing.source);
    if (isRefusal(status)) this.end(fault, reason);
    else if (otherwise) this.end(status === 200 ? otherwise : fault, reason);
  }

  /** Ends the showing. Whoever is already told why hears nothing more. */
  end(fault: Halt["fault"], reason: string): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#tick);
    clearTimeout(this.#seek);
    const { position } = this;
    this.#reporter.close();
    this.video.removeAttribute("src"); // unloads, and so asks for nothing more
    this.showing.onFault({ fault, position, isPlaying: this.#isPlaying, reason });
  }

  async #begin(): Promise<void> {
    this.#hasBegun = true;
    if (this.showing.from > 0) this.video.currentTime = this.showing.from;
    if (this.showing.atOnce) await this.#play();
    this.#isPlaying = !this.video.paused;
    if (!this.#isPlaying) this.#tell("paused");
  }

  /** Plays, if the browser lets it: else the big button waits for the viewer. */
  #play(): Promise<void> {
    return this.video.play().catch(() => undefined);
  }

  #listen(): void {
    const { video } = this;
    video.addEventListener("play", () => {
      this.#isPlaying = true;
      this.#tell("played");
    });
    video.addEventListener("pause", () => {
      this.#isPlaying = false;
      this.#tell("paused");
    });
    video.addEventListener("seeked", () => {
      clearTimeout(this.#seek);
      this.#seek = setTimeout(() => {
        this.#tell("sought");
      }, SEEK_MS);
    });
  }

  #tell(doing: Doing): void {
    if (!this.#over) this.showing.onDoing(doing, this.video.currentTime);
  }

  #watchHls(hls: Hls): void {
    hls.on(Events.LEVEL_SWITCHED, (_, { level }) => {
      this.#reporter.bitrate(hls.levels[level]?.bitrate ?? 0);
    });
    hls.on(Events.ERROR, (_, { fatal, type, details, response }) => {
      this.#reporter.error(details, fatal);
      const status = response?.code ?? 0;
      if (isRefusal(status)) void this.look("quality");
      else if (fatal) this.end(type === ErrorTypes.NETWORK_ERROR ? faultOf(status) : "broken", "");
    });
  }

  async #tickOnce(): Promise<void> {
    if (this.video.paused) return;
    this.video.parentElement?.querySelector(".resumption")?.remove();
    this.#tell("ticked");
    await this.look();
  }
}

/** Puts a new player on the screen. */
export function mountPlayer(screen: HTMLElement, showing: Showing): Projector | undefined {
  render(html``, screen); // a second showing gets new elements
  render(controls(showing), screen);
  const video = screen.querySelector<HlsVideoElement>("hls-video");
  const projector = video ? new Projector(video, showing) : undefined;
  void projector?.start();
  screen.querySelector<HTMLElement>("media-controller")?.focus();
  return projector;
}
