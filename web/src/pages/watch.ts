import { html, nothing, render, type TemplateResult } from "lit-html";
import { getTitle, type Title } from "../api/titles.ts";
import { apologise } from "../apology.ts";
import { factsOf } from "../facts.ts";
import { entitle, frame } from "../frame.ts";
import { listen } from "../news.ts";
import { titlePath } from "../routes.ts";
import { Viewing, type Wish } from "../viewing.ts";

/** After how many milliseconds whatever serves a film has heard that it may not any more. */
const HEARD_MS = 1_000;

function billing(title: Title): TemplateResult {
  return html`
    <section class="billing">
      <h1><a href=${titlePath(title.title_id)}>${title.name}</a></h1>
      <ul class="facts">
        ${factsOf(title).map((fact) => html`<li>${fact}</li>`)}
      </ul>
      ${title.synopsis ? html`<p class="synopsis">${title.synopsis}</p>` : nothing}
    </section>
  `;
}

function theatre(title: Title): TemplateResult {
  return html`<div class="screen" id="screen"></div>
    ${billing(title)}`;
}

/** Gives the screen the film's shape; a draft has none yet. */
function shape(main: HTMLElement | null, { width, height }: Title): void {
  if (width && height) main?.style.setProperty("--aspect", `${width / height}`);
}

/** Where and how to begin, of the address: `?from=resume`, `?from=0`. A page that is loaded again waits instead. */
function takeWish(): Wish {
  const from = new URLSearchParams(location.search).get("from");
  history.replaceState(null, "", location.pathname);
  const seconds = from ? Number(from) : NaN;
  return { from: seconds >= 0 && seconds < Infinity ? seconds : undefined, atOnce: from !== null };
}

/** One title: the player, its name and its synopsis. */
export async function watch(root: HTMLElement, titleId: string): Promise<void> {
  render(frame(html`<div class="screen" aria-busy="true"></div>`), root);
  try {
    const title = await getTitle(titleId);
    entitle(title.name);
    render(frame(theatre(title)), root);
    shape(root.querySelector("main"), title);
    const screen = root.querySelector<HTMLElement>("#screen");
    if (screen) await view(new Viewing(title, screen));
  } catch (error) {
    apologise(root, error, () => watch(root, titleId));
  }
}

/** Begins a viewing, and lets it hear what is said of it. */
async function view(viewing: Viewing): Promise<void> {
  await viewing.start(takeWish());
  listen({
    always: true,
    hear({ playback, subscription, account }) {
      if (playback) void viewing.hear(playback);
      if (subscription) void viewing.check();
      if (account) setTimeout(() => viewing.check(), HEARD_MS);
    },
    catchUp: () => viewing.check(),
  });
}
