import { html, nothing, render, type TemplateResult } from "lit-html";
import * as api from "../api.ts";
import { apology, askToSignIn, faultIn } from "../apology.ts";
import { entitle, frame } from "../frame.ts";
import { isUnderWay, preparation, type Remedies } from "../preparation.ts";
import { consentTo, type Question } from "../question.ts";
import { watchPath } from "../routes.ts";
import { runningTime } from "../running-time.ts";

/** Titles that were fetched, where the list goes on, and the newest job of each draft. */
interface Programme {
  titles: api.Title[];
  nextPageToken: string;
  jobs: Map<string, api.Job>;
}

/** How often the work on drafts is looked at, in milliseconds. */
const LOOK_MS = 3_000;

function isDraft(title: api.Title): boolean {
  return title.state === "TITLE_STATE_DRAFT";
}

/** Learns how far the drafts are; only publishers have any, and may ask. Those that are ready become films. */
async function lookAtDrafts(programme: Programme): Promise<void> {
  const drafts = programme.titles.filter(isDraft);
  programme.jobs = await api.newestJobs(drafts.map((title) => title.title_id));
  const isReady = (title: api.Title) => programme.jobs.get(title.title_id)?.state === "JOB_STATE_PUBLISHED";
  for (const title of drafts.filter(isReady)) Object.assign(title, await api.getTitle(title.title_id));
}

function hide(event: Event): void {
  (event.target as HTMLImageElement).remove(); // the card's own ground, with the initial on it, stands in
}

/** The place of a poster: `picture` over the title's first letter. */
function poster(title: api.Title, picture: TemplateResult | typeof nothing): TemplateResult {
  const initial = String.fromCodePoint(title.name.codePointAt(0) ?? 32);
  return html`<span class="poster" data-initial=${initial}>${picture}</span>`;
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

function grid(programme: Programme, more: () => void, remedies: Remedies): TemplateResult {
  const drafts = programme.titles.filter(isDraft);
  const films = programme.titles.filter((title) => !isDraft(title));
  return html`
    <h1>Now showing</h1>
    ${
      films.length > 0
        ? html`<ul class="grid">
            ${films.map(card)}
          </ul>`
        : html`<p class="soon">The first film appears here as soon as it is ready.</p>`
    }
    ${programme.nextPageToken ? html`<button class="more" type="button" @click=${more}>Show more</button>` : nothing}
    ${drafts.length > 0 ? preparation(drafts, programme.jobs, remedies) : nothing}
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

function removalOf(title: api.Title): Question {
  return {
    heading: `Remove “${title.name}”?`,
    text: "The file that was sent is deleted with it, and cannot be brought back.",
    consent: "Remove",
    refusal: "Keep it",
  };
}

/** The programme: every title with its poster, name and running time. */
export async function browse(root: HTMLElement): Promise<void> {
  const programme: Programme = { titles: [], nextPageToken: "", jobs: new Map() };
  let nextLook: ReturnType<typeof setTimeout>;

  async function show(): Promise<void> {
    await lookAtDrafts(programme);
    clearTimeout(nextLook);
    render(frame(programme.titles.length > 0 ? grid(programme, more, remedies) : emptyHouse()), root);
    const waiting = programme.titles.filter(isDraft).map((title) => programme.jobs.get(title.title_id));
    if (waiting.some((job) => job && isUnderWay(job))) nextLook = setTimeout(() => attempt(show), LOOK_MS);
  }

  async function more(): Promise<void> {
    await attempt(async () => {
      const page = await api.listTitles(programme.nextPageToken);
      programme.titles.push(...(page.titles ?? []));
      programme.nextPageToken = page.next_page_token ?? "";
      await attempt(show);
    });
  }

  /** Changes something about a draft, and shows it. Its button may be gone then: the focus stays on the page. */
  async function change(step: () => Promise<void>): Promise<void> {
    await attempt(async () => {
      await step();
      await attempt(show);
      root.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
    });
  }

  const remedies: Remedies = {
    retry: (job) => change(() => api.retryJob(job.job_id)),
    async remove(title) {
      if (!(await consentTo(removalOf(title)))) return;
      await change(async () => {
        await api.deleteTitle(title.title_id);
        programme.titles = programme.titles.filter((each) => each !== title);
      });
    },
  };

  async function attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      const fault = faultIn(error);
      if (fault === "signed-out") askToSignIn();
      else render(frame(apology(fault, () => attempt(step))), root);
    }
  }

  entitle("");
  render(frame(curtain()), root);
  await more();
}
