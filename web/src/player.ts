import { ErrorTypes, Events, type default as Hls } from "hls.js";
import type { HlsVideoElement } from "hls-video-element";
import { html, render } from "lit-html";
import "hls-video-element";
import "media-chrome";
import "media-chrome/menu";
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

function controls(showing: Showing) {
  return html`
    <media-controller class="player" keyboardforwardseekoffset="10" keyboardbackwardseekoffset="10">
      <hls-video slot="media" playsinline preload="metadata" aria-label=${showing.name} .config=${SETTINGS}></hls-video>
      <media-poster-image slot="poster" src=${showing.poster}></media-poster-image>
      <media-loading-indicator slot="centered-chrome" noautohide></media-loading-indicator>
      <media-play-button slot="centered-chrome" class="big" notooltip></media-play-button>
      <media-captions-menu hidden anchor="auto"></media-captions-menu>
      <media-audio-track-menu hidden anchor="auto"></media-audio-track-menu>
      <media-playback-rate-menu hidden anchor="auto" rates="0.5 0.75 1 1.25 1.5 2"></media-playback-rate-menu>
      <media-rendition-menu hidden anchor="auto"></media-rendition-menu>
      <media-time-range></media-time-range>
      <media-control-bar>
        <media-play-button></media-play-button>
        <media-seek-backward-button seekoffset="10"></media-seek-backward-button>
        <media-seek-forward-button seekoffset="10"></media-seek-forward-button>
        <media-mute-button></media-mute-button>
        <media-volume-range></media-volume-range>
        <media-time-display showduration></media-time-display>
        <span class="spacer"></span>
        <media-captions-menu-button></media-captions-menu-button>
        <media-audio-track-menu-button></media-audio-track-menu-button>
        <media-playback-rate-menu-button></media-playback-rate-menu-button>
        <media-rendition-menu-button></media-rendition-menu-button>
        <media-pip-button></media-pip-button>
        <media-fullscreen-button></media-fullscreen-button>
      </media-control-bar>
    </media-controller>
  `;
}

/** The status of a playlist; tells why the browser's own player failed. */
async function statusOf(url: string): Promise<number> {
  return fetch(url, { method: "HEAD" }).then(
    (answer) => answer.status,
    () => 0,
  );
}

/** Plays with hls.js where it runs, with the browser's own HLS elsewhere (Safari on a phone). */
export function mountPlayer(screen: HTMLElement, showing: Showing): void {
  render(html``, screen);
  render(controls(showing), screen);
  const video = screen.querySelector<HlsVideoElement>("hls-video");
  if (video) void start(video, showing);
  screen.querySelector<HTMLElement>("media-controller")?.focus();
}

async function start(video: HlsVideoElement, showing: Showing): Promise<void> {
  video.src = showing.source;
  await Promise.resolve(); // hls-video makes its hls.js in a microtask
  if (video.api) watchHls(video, video.api, showing);
  else watchNative(video, showing);
  if (showing.from === undefined) return;
  video.currentTime = showing.from;
  await video.play();
}

function watchHls(video: HlsVideoElement, hls: Hls, showing: Showing): void {
  hls.on(Events.ERROR, (_, { fatal, type, response }) => {
    const status = response?.code ?? 0;
    const refused = status === 401 || status === 403;
    if (refused || fatal) end(video, type === ErrorTypes.NETWORK_ERROR ? faultOf(status) : "broken", showing);
  });
}

function watchNative(video: HlsVideoElement, showing: Showing): void {
  video.addEventListener("error", async () => {
    end(video, faultOf(await statusOf(showing.source)), showing);
  });
}

function end(video: HlsVideoElement, fault: Fault, showing: Showing): void {
  const position = video.currentTime;
  video.removeAttribute("src"); // unloads, and so asks for nothing more
  showing.onFault(fault, position);
}
