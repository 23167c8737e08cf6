import { html, nothing, render, type TemplateResult } from "lit-html";
import {
  backdropUrl,
  getTitle,
  isDraft,
  isShelf,
  mayHavePoster,
  publishTitle,
  type Title,
  unpublishTitle,
} from "../api/titles.ts";
import { apologise, reasonIn } from "../apology.ts";
import { type Bill, billOf, isPart, isShown, nextOf } from "../bill.ts";
import { card, shelf, waiting } from "../cards.ts";
import { clock } from "../clock.ts";
import { episodes } from "../episodes.ts";
import { factsOf, languageName } from "../facts.ts";
import { entitle, frame } from "../frame.ts";
import { listen } from "../news.ts";
import { isReady, standing } from "../preparation.ts";
import { remove } from "../removal.ts";
import { titlePath, watchPath } from "../routes.ts";

/** How wide the picture is asked for, in pixels. */
const BACKDROP_WIDTH = 1920;

/** What publishers do with a title. */
interface Tools {
  publish: () => unknown;
  unpublish: () => unknown;
  remove: () => unknown;
}

function hide(event: Event): void {
  (event.target as HTMLImageElement).remove(); // the page's own ground stands in
}

function belongings({ ancestors, title }: Bill): TemplateResult | typeof nothing {
  if (ancestors.length === 0) return nothing;
  const number = title.number
    ? html`<li>${title.kind === "TITLE_KIND_SEASON" ? "Season" : "Episode"} ${title.number}</li>`
    : nothing;
  return html`
    <ul class="facts belongings" aria-label="Part of">
      ${ancestors.map(({ title_id, name }) => html`<li><a href=${titlePath(title_id)}>${name}</a></li>`)}${number}
    </ul>
  `;
}

/** The ways into the film, or what stands before it. */
function ways(bill: Bill): TemplateResult {
  const next = nextOf(bill);
  if (bill.missing)
    return html`
      <p class="lead">
        ${
          bill.missing.name
            ? `This is part of the plan ${bill.missing.name}, and of those above it.`
            : "This is part of a plan that is not on offer any more; those above it have it too."
        }
      </p>
      <a class="primary" href="/plans">See the plans</a>
    `;
  if (!next)
    return html`<p class="lead">${isShelf(bill.title) ? "There is no episode yet." : "It is not ready yet."}</p>`;
  const { title, from } = next;
  const which = title === bill.title ? "" : ` “${title.name}”`;
  if (from <= 0) return html`<a class="primary" href=${watchPath(title.title_id)}>Play${which}</a>`;
  return html`
    <a class="primary" href=${watchPath(title.title_id)}>Resume${which} at ${clock(from)}</a>
    <a class="second" href=${watchPath(title.title_id, 0)}>From the beginning</a>
  `;
}

function tools({ title, job }: Bill, { publish, unpublish, remove }: Tools): TemplateResult {
  const ready = isReady(title);
  const show = html`<button class="second" type="button" ?disabled=${!ready} @click=${publish}>Publish</button>`;
  const hidden = ready ? "Viewers do not see it." : standing(job);
  return html`
    <section class="tools" aria-label="For publishers">
      <p>${isDraft(title) ? hidden : "Viewers see it."}</p>
      ${isDraft(title) ? show : html`<button class="second" type="button" @click=${unpublish}>Unpublish</button>`}
      <button class="second" type="button" @click=${remove}>Remove</button>
    </section>
  `;
}

function row(name: string, values: string[]): TemplateResult | typeof nothing {
  if (values.length === 0) return nothing;
  return html`
    <dt>${name}</dt>
    <dd>${values.join(", ")}</dd>
  `;
}

function credits({ genres = [], cast = [], original_language = "" }: Title): TemplateResult | typeof nothing {
  const language = languageName(original_language);
  if (genres.length + cast.length === 0 && !language) return nothing;
  return html`
    <dl class="credits">
      ${row(genres.length === 1 ? "Genre" : "Genres", genres)}
      ${row(
        "With",
        cast.map(({ name, role }) => (role ? `${name} (${role})` : name)),
      )}
      ${row("Original language", language ? [language] : [])}
    </dl>
  `;
}

function page(bill: Bill, does: Tools, failure: string): TemplateResult {
  const { title, publisher, similar } = bill;
  const hasPicture = !!title.backdrop_version || mayHavePoster(title);
  const picture = html`<img src=${backdropUrl(title, BACKDROP_WIDTH)} alt="" @error=${hide} />`;
  return html`
    <article class="bill">
      <div class="backdrop">${hasPicture ? picture : nothing}</div>
      <div class="words">
        ${belongings(bill)}
        <h1>${title.name}</h1>
        <ul class="facts">
          ${factsOf(title).map((fact) => html`<li>${fact}</li>`)}
        </ul>
        <div class="ways-in">${ways(bill)}</div>
        <p class="failure" role="alert">${failure}</p>
        ${title.synopsis ? html`<p class="synopsis">${title.synopsis}</p>` : nothing} ${credits(title)}
        ${publisher ? tools(bill, does) : nothing}
      </div>
    </article>
    ${bill.seasons.map((season) => episodes(season, bill))}
    ${similar.length > 0 ? shelf(`More ${title.genres?.[0] ?? ""}`, similar.map(card)) : nothing}
  `;
}

/** One title: what it is, and the ways into it. */
export async function title(root: HTMLElement, titleId: string): Promise<void> {
  let bill: Bill | undefined;

  function show(failure = ""): void {
    if (bill) render(frame(page(bill, does, failure)), root);
  }

  async function load(): Promise<void> {
    try {
      bill = await billOf(titleId);
      entitle(bill.title.name);
      show();
    } catch (error) {
      apologise(root, error, load);
    }
  }

  /** Takes in a title that is new, if it is a part of this one; it may be gone again. */
  async function meet(newId: string): Promise<void> {
    const title = await getTitle(newId).catch(() => undefined);
    if (title && bill && isPart(title, bill)) await load();
  }

  /** Takes in that titles are shown no more. */
  async function miss(titleIds: string[]): Promise<void> {
    const shown = bill;
    if (shown && titleIds.some((gone) => isShown(gone, shown))) await load();
  }

  /** Changes something, and says why if that fails. */
  async function attempt(step: (bill: Bill) => Promise<unknown>): Promise<void> {
    if (!bill) return;
    try {
      await step(bill);
    } catch (error) {
      show(reasonIn(error));
    }
  }

  async function change(step: (titleId: string) => Promise<Title>): Promise<void> {
    await attempt(async (before) => {
      bill = { ...before, title: await step(titleId) };
      show();
    });
  }

  const does: Tools = {
    publish: () => change(publishTitle),
    unpublish: () => change(unpublishTitle),
    remove: () =>
      attempt(async ({ title, ancestors }) => {
        if (!(await remove(title))) return;
        const above = ancestors.at(-1);
        location.assign(above ? titlePath(above.title_id) : "/");
      }),
  };

  render(frame(waiting(1)), root);
  await load();
  listen({
    hear({ title, withdrawal, subscription, history }) {
      if (title?.title_id === titleId || subscription || history) void load();
      else if (title) void meet(title.title_id);
      if (withdrawal) void miss(withdrawal.title_ids);
    },
    catchUp: load,
  });
}
