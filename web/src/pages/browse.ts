import { html, nothing, render, type TemplateResult } from "lit-html";
import * as api from "../api.ts";
import { apology, askToSignIn, faultIn } from "../apology.ts";
import { entitle, frame } from "../frame.ts";
import { watchPath } from "../routes.ts";
import { runningTime } from "../running-time.ts";

/** Titles that were fetched, and where the list goes on. */
interface Programme {
  titles: api.Title[];
  nextPageToken: string;
}

function hide(event: Event): void {
  (event.target as HTMLImageElement).remove(); // the card's own ground, with the initial on it, stands in
}

/** The place of a poster: `picture` over the title's first letter. */
function poster(title: api.Title, picture: TemplateResult | typeof nothing): TemplateResult {
  const initial = String.fromCodePoint(title.name.codePointAt(0) ?? 32);
  return html`<span class="poster" data-initial=${initial}>${picture}</span>`;
}

function draft(title: api.Title): TemplateResult {
  return html`
    <li class="card draft">
      ${poster(title, nothing)}
      <h2>${title.name}</h2>
      <p>In preparation</p>
    </li>
  `;
}

function card(title: api.Title): TemplateResult {
  const address = api.posterUrl(title.title_id);
  return html`
    <li class="card">
      <a href=${watchPath(title.title_id)}>
        ${poster(title, html`<img src=${address} alt="" loading="lazy" decoding="async" @error=${hide} />`)}
        <h2>${title.name}</h2>
      </a>
      <p>${runningTime(title.duration_seconds ?? 0)}</p>
    </li>
  `;
}

function emptyHouse(): TemplateResult {
  return html`
    <section class="empty">
      <h1>The screen is yours</h1>
      <p>There are no films yet. Bring the first one in from a terminal, and it appears here as soon as it is ready:</p>
      <pre><code>matinee ingest film.mkv --title "My first film"</code></pre>
    </section>
  `;
}

function grid(programme: Programme, more: () => void): TemplateResult {
  return html`
    <h1>Now showing</h1>
    <ul class="grid">
      ${programme.titles.map((title) => (title.state === "TITLE_STATE_DRAFT" ? draft(title) : card(title)))}
    </ul>
    ${programme.nextPageToken ? html`<button class="more" type="button" @click=${more}>Show more</button>` : nothing}
  `;
}

/** Placeholders while the first titles are on their way. */
function curtain(): TemplateResult {
  return html`
    <h1>Now showing</h1>
    <div class="grid" aria-busy="true" aria-label="Loading films">
      ${Array.from({ length: 6 }, () => html`<span class="card"><span class="poster waiting"></span></span>`)}
    </div>
  `;
}

/** The programme: every title with its poster, name and running time. */
export async function browse(root: HTMLElement): Promise<void> {
  const programme: Programme = { titles: [], nextPageToken: "" };

  async function load(): Promise<void> {
    try {
      const page = await api.listTitles(programme.nextPageToken);
      programme.titles.push(...(page.titles ?? []));
      programme.nextPageToken = page.next_page_token ?? "";
      render(frame(programme.titles.length > 0 ? grid(programme, load) : emptyHouse()), root);
    } catch (error) {
      const fault = faultIn(error);
      if (fault === "signed-out") askToSignIn();
      else render(frame(apology(fault, load)), root);
    }
  }

  entitle("");
  render(frame(curtain()), root);
  await load();
}
