import { ErrorTypes, Events, type default as Hls } from "hls.js";
import type { HlsVideoElement } from "hls-video-element";
import { html, render } from "lit-html";
import "hls-video-element";
import "media-chrome";
import "media-chrome/menu";
import "./quality-menu.ts";
import { type Fault, faultOf } from "./faults.ts";

export interface Showing {
  /** The HLS main playlist. */
  source: string;
  poster: string;
  name: string;
  /** Start here and at once, in seconds; undefined waits for the viewer at the beginning. */
  from: number | undefined;
  /** Hears once why the film cannot go on, and how many seconds in; the player has stopped by then. */
  onFault(fault: Fault, position: number): unknown;
}

/** hls.js asks for the worker of its build as a blob: URL otherwise; our segments need no remuxing. */
const SETTINGS = { enableWorker: false, capLevelToPlayerSize: false };

/** How often a running film is checked for having been stopped elsewhere, in milliseconds. */
const LOOK_MS = 10_000;

/** What a menu is for, in place of media-chrome's button back, which stands unseen among the menu's items. */
function heading(name: string) {
  return html`<span slot="header" aria-hidden="true">${name}</span>`;
}

function controls(showing: Showing) {
  return html`
    <media-controller class="player" keyboardforwardseekoffset="10" keyboardbackwardseekoffset="10">
      <hls-video slot="media" playsinline preload="metadata" aria-label=${showing.name} .config=${SETTINGS}></hls-video>
      <media-poster-image slot="poster" src=${showing.poster}></media-poster-image>
      <media-loading-indicator slot="centered-chrome" noautohide></media-loading-indicator>
      <media-play-button slot="centered-chrome" class="big" notooltip></media-play-button>
      <media-captions-menu hidden anchor="auto" aria-label="Captions">${heading("Captions")}</media-captions-menu>
      <media-audio-track-menu hidden anchor="auto" aria-label="Audio">${heading("Audio")}</media-audio-track-menu>
      <media-playback-rate-menu hidden anchor="auto" rates="0.5 0.75 1 1.25 1.5 2" aria-label="Speed">
        ${heading("Speed")}
      </media-playback-rate-menu>
      <quality-menu id="quality" hidden anchor="auto" aria-label="Quality">${heading("Quality")}</quality-menu>
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

/** The status of a playlist, 0 when no answer came. */
async function statusOf(url: string): Promise<number> {
  return fetch(url, { method: "HEAD", cache: "no-store" }).then(
    (answer) => answer.status,
    () => 0,
  );
}

function isRefusal(status: number): boolean {
  return status === 401 || status === 403;
}

/** Plays one showing, until a fault ends it: with hls.js, or with the browser's own HLS (Safari on a phone). */
class Projector {
  readonly #watch: ReturnType<typeof setInterval>;

  constructor(
    readonly video: HlsVideoElement,
    readonly showing: Showing,
  ) {
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
  }

  async start(): Promise<void> {
    const { video, showing } = this;
    video.src = showing.source;
    await Promise.resolve(); // hls-video makes its hls.js in a microtask
    if (video.api) this.#watchHls(video.api);
    else
      video.addEventListener("error", async () => {
        this.#end(faultOf(await statusOf(showing.source)));
      });
    const { from } = showing;
    if (from !== undefined) video.addEventListener("loadedmetadata", () => this.#resume(from), { once: true });
  }

  #resume(from: number): Promise<void> {
    this.video.currentTime = from;
    return this.video.play();
  }

  #watchHls(hls: Hls): void {
    hls.on(Events.ERROR, (_, { fatal, type, response }) => {
      const status = response?.code ?? 0;
      if (fatal || isRefusal(status)) this.#end(type === ErrorTypes.NETWORK_ERROR ? faultOf(status) : "broken");
    });
  }

  /** Asks whether the film may still be shown: what is buffered would go on for long. */
  async #look(): Promise<void> {
    if (this.video.paused) return;
    const status = await statusOf(this.showing.source);
    if (isRefusal(status)) this.#end(faultOf(status));
  }

  #end(fault: Fault): void {
    clearInterval(this.#watch);
    const position = this.video.currentTime;
    this.video.removeAttribute("src"); // unloads, and so asks for nothing more
    this.showing.onFault(fault, position);
  }
}

/** Puts a new player on the screen. */
export function mountPlayer(screen: HTMLElement, showing: Showing): void {
  render(html``, screen); // a second showing gets new elements
  render(controls(showing), screen);
  const video = screen.querySelector<HlsVideoElement>("hls-video");
  if (video) void new Projector(video, showing).start();
  screen.querySelector<HTMLElement>("media-controller")?.focus();
}
