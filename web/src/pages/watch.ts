import { html, nothing, render, type TemplateResult } from "lit-html";
import * as api from "../api.ts";
import { apology, askToSignIn, faultIn } from "../apology.ts";
import type { Fault } from "../faults.ts";
import { entitle, frame } from "../frame.ts";
import { mountPlayer } from "../player.ts";
import { quality } from "../quality.ts";
import { runningTime } from "../running-time.ts";

const LANGUAGES = new Intl.DisplayNames(undefined, { type: "language", fallback: "none" });

/** Running time, size of the picture and languages, as far as they are known. */
function facts(title: api.Title): string[] {
  const languages = (title.audio_languages ?? []).flatMap((code) => LANGUAGES.of(code) ?? []);
  const qualities = title.width && title.height ? [quality(title.width, title.height)] : [];
  const times = title.duration_seconds ? [runningTime(title.duration_seconds)] : [];
  return [...times, ...qualities, ...languages];
}

function billing(title: api.Title): TemplateResult {
  return html`
    <section class="billing">
      <h1>${title.name}</h1>
      <ul class="facts">
        ${facts(title).map((fact) => html`<li>${fact}</li>`)}
      </ul>
      ${title.synopsis ? html`<p class="synopsis">${title.synopsis}</p>` : nothing}
    </section>
  `;
}

function theatre(title: api.Title): TemplateResult {
  return html`<div class="screen" id="screen"></div>
    ${billing(title)}`;
}

/** One viewing of a title: opens playback sessions, and ends them. */
class Viewing {
  #sessionId = "";

  constructor(
    readonly title: api.Title,
    readonly screen: HTMLElement,
  ) {
    addEventListener("pagehide", () => this.#end());
    addEventListener("pageshow", (event) => {
      if (event.persisted) location.reload(); // back from the browser's history, whose session has ended
    });
  }

  /** Puts the player on the screen; `from` seconds in, and running, when it is a second start. */
  async start(from?: number): Promise<void> {
    try {
      const playback = await api.play(this.title.title_id);
      this.#sessionId = playback.session_id;
      mountPlayer(this.screen, {
        source: new URL(playback.hls).pathname, // the door that served this page serves the media, by whatever name
        poster: api.posterUrl(this.title.title_id),
        name: this.title.name,
        from,
        onFault: (fault, position) => this.#apologise(fault, position),
      });
    } catch (error) {
      await this.#apologise(faultIn(error), from ?? 0);
    }
  }

  async #apologise(fault: Fault, position: number): Promise<void> {
    const retry = () => this.start(position);
    render(apology(fault, retry), this.screen);
    this.screen.querySelector("button")?.focus();
    await this.#end();
  }

  async #end(): Promise<void> {
    const sessionId = this.#sessionId;
    this.#sessionId = "";
    if (sessionId) await api.stop(sessionId);
  }
}

/** Gives the screen the film's shape; a draft has none yet. */
function shape(main: HTMLElement | null, { width, height }: api.Title): void {
  if (width && height) main?.style.setProperty("--aspect", `${width / height}`);
}

/** One title: the player, its name and its synopsis. */
export async function watch(root: HTMLElement, titleId: string): Promise<void> {
  try {
    const title = await api.getTitle(titleId);
    entitle(title.name);
    render(frame(theatre(title)), root);
    shape(root.querySelector("main"), title);
    const screen = root.querySelector<HTMLElement>("#screen");
    if (screen) await new Viewing(title, screen).start();
  } catch (error) {
    const fault = faultIn(error);
    if (fault === "signed-out") askToSignIn();
    else render(frame(apology(fault, () => watch(root, titleId))), root);
  }
}
