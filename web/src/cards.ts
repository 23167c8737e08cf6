import { html, nothing, type TemplateResult } from "lit-html";
import type { HistoryEntry } from "./api/history.ts";
import { type Kind, mayHavePoster, posterUrl, type Title } from "./api/titles.ts";
import { titlePath, watchPath } from "./routes.ts";
import { runningTime } from "./running-time.ts";

/** How wide posters are asked for, in pixels: a card's width on a screen of double density. */
const POSTER_WIDTH = 640;

/** Notes whether a picture came: the element may show another title's later. */
function note(event: Event): void {
  (event.target as HTMLImageElement).toggleAttribute("data-lacking", event.type === "error");
}

/** The place of a poster: the picture over the title's first letter, which is seen where it does not come. */
export function poster(title: Title, above: TemplateResult | typeof nothing = nothing): TemplateResult {
  const initial = String.fromCodePoint(title.name.codePointAt(0) ?? 32);
  const address = posterUrl(title, POSTER_WIDTH);
  const picture = html`<img src=${address} alt="" loading="lazy" decoding="async" @error=${note} @load=${note} />`;
  return html`
    <span class="poster" data-initial=${initial}>${mayHavePoster(title) ? picture : nothing}${above}</span>
  `;
}

/** What is not a film says so. */
const KINDS: Partial<Record<Kind, string>> = {
  TITLE_KIND_SERIES: "Series",
  TITLE_KIND_SEASON: "Season",
  TITLE_KIND_EPISODE: "Episode",
};

/** What a title is, in a few words: `Series · 2019`, `1942 · 1 h 42 min`. */
export function gist(title: Title): string {
  const kind = title.kind ? KINDS[title.kind] : undefined;
  const time = title.duration_seconds ? runningTime(title.duration_seconds) : "";
  return [kind, title.year ? String(title.year) : "", time].filter(Boolean).join(" · ");
}

/** A title in a grid or on a shelf; it leads to its page. */
export function card(title: Title): TemplateResult {
  return html`
    <li class="card">
      <a href=${titlePath(title.title_id)}>
        ${poster(title)}
        <h3>${title.name}</h3>
      </a>
      <p>${gist(title)}</p>
    </li>
  `;
}

/** How much of a title was seen, 0 to 1. */
export function seen({ title, position_seconds = 0 }: HistoryEntry): number {
  return title.duration_seconds ? Math.min(1, position_seconds / title.duration_seconds) : 0;
}

/** What is left to see: `34 min left`. */
export function left({ title, position_seconds = 0 }: HistoryEntry): string {
  return `${runningTime((title.duration_seconds ?? 0) - position_seconds)} left`;
}

/** Something that was begun; it goes on at once, and can be forgotten. */
export function begun(entry: HistoryEntry, forget: () => unknown): TemplateResult {
  const { title } = entry;
  const bar = html`<progress value=${seen(entry)} aria-label="Seen of ${title.name}"></progress>`;
  return html`
    <li class="card">
      <a href=${watchPath(title.title_id)} aria-label="Resume ${title.name}, ${left(entry)}">
        ${poster(title, bar)}
        <h3>${title.name}</h3>
      </a>
      <p>${left(entry)}</p>
      <button class="forget" type="button" aria-label="Forget ${title.name}" @click=${forget}>
        <svg class="sign" viewBox="0 0 24 24" aria-hidden="true"><path d="m6 6 12 12M18 6 6 18" /></svg>
      </button>
    </li>
  `;
}

/** A row of cards that can be scrolled sideways. */
export function shelf(name: string, cards: TemplateResult[]): TemplateResult {
  return html`
    <section class="shelf" aria-label=${name}>
      <h2>${name}</h2>
      <ul>
        ${cards}
      </ul>
    </section>
  `;
}

/** Placeholders while titles are on their way. */
export function waiting(count: number): TemplateResult {
  return html`
    <div class="grid" aria-busy="true" aria-label="Loading films">
      ${Array.from({ length: count }, () => html`<span class="card"><span class="poster waiting"></span></span>`)}
    </div>
  `;
}
