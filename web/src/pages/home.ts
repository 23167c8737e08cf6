import { html, nothing, render, type TemplateResult } from "lit-html";
import { forget, type HistoryEntry } from "../api/history.ts";
import { retryJob } from "../api/jobs.ts";
import { apologise, askToSignIn, faultIn } from "../apology.ts";
import { begun, card, shelf, waiting } from "../cards.ts";
import { entitle, frame } from "../frame.ts";
import type { Listing } from "../listing.ts";
import { listen } from "../news.ts";
import { preparation, type Remedies } from "../preparation.ts";
import { Programme } from "../programme.ts";
import { rowsOf } from "../reasons.ts";
import { remove } from "../removal.ts";

/** How often the work on drafts is looked at, in milliseconds. */
const LOOK_MS = 3_000;

/** What the first page is called, for those who do not see it. */
const NAME = html`<h1 class="unseen">Programme</h1>`;

function emptyHouse(publisher: boolean): TemplateResult {
  const invitation = html`
    <h2>The screen is yours</h2>
    <p>There are no films yet. Bring the first one in from a terminal, and it appears here as soon as it is ready:</p>
    <pre><code>matinee ingest film.mkv --title "My first film"</code></pre>
  `;
  const patience = html`
    <h2>The lights are still on</h2>
    <p>There are no films yet. The first one appears here by itself.</p>
  `;
  return html`<section class="empty">${publisher ? invitation : patience}</section>`;
}

function grid({ titles, goesOn }: Listing, more: () => unknown): TemplateResult {
  const empty = html`<p class="soon">The first film appears here as soon as it is ready.</p>`;
  return html`
    <h2 class="showing">Now showing</h2>
    ${
      titles.length > 0
        ? html`<ul class="grid">
            ${titles.map(card)}
          </ul>`
        : empty
    }
    ${goesOn ? html`<button class="more" type="button" @click=${more}>Show more</button>` : nothing}
  `;
}

function seriesShelf({ titles, goesOn }: Listing, more: () => unknown): TemplateResult | typeof nothing {
  if (titles.length === 0) return nothing;
  const rest = html`
    <li class="rest"><button class="second" type="button" @click=${more}>Show more series</button></li>
  `;
  return shelf("Series", goesOn ? [...titles.map(card), rest] : titles.map(card));
}

/** The first page: what to go on with, what might please, and every title with its poster, name and running time. */
export async function home(root: HTMLElement): Promise<void> {
  const programme = new Programme();
  let nextLook: ReturnType<typeof setTimeout>;
  let isLoaded = false;

  function content(): TemplateResult {
    const { unfinished, recommendations, films, series, drafts, jobs } = programme;
    const goOn = unfinished.map((entry) => begun(entry, () => change(() => forgetEntry(entry))));
    return html`
      ${goOn.length > 0 ? shelf("Continue watching", goOn) : nothing}
      ${rowsOf(recommendations).map(({ heading, titles }) => shelf(heading, titles.map(card)))}
      ${seriesShelf(series, () => more(series, '[aria-label="Series"]'))} ${grid(films, () => more(films, ".grid"))}
      ${drafts.length > 0 ? preparation(drafts, jobs, remedies) : nothing}
    `;
  }

  function show(): void {
    clearTimeout(nextLook);
    entitle("");
    const page = programme.isEmpty ? emptyHouse(programme.publisher) : content();
    render(frame(html`${NAME}${page}`), root);
    if (programme.isUnderWay) nextLook = setTimeout(look, LOOK_MS);
  }

  /** Looks at the work on drafts again. While the house is on a short break, what was seen last stays. */
  async function look(): Promise<void> {
    await programme.lookAtDrafts().catch((error: unknown) => {
      if (faultIn(error) === "signed-out") askToSignIn();
    });
    show();
  }

  /** Fetches something again, and shows it. */
  const renew = (step: () => Promise<void>) =>
    attempt(async () => {
      await step();
      show();
    });

  const load = () =>
    renew(async () => {
      await programme.load();
      isLoaded = true;
    });
  /** Takes news in; a page that could not be loaded goes on saying so. */
  const learn = (step: () => Promise<void>) => (isLoaded ? renew(step) : undefined);

  /** Fetches the next titles of a list. The first of them gets the focus: the button may be gone. */
  async function more(listing: Listing, list: string): Promise<void> {
    const before = listing.titles.length;
    await renew(() => listing.more());
    root.querySelectorAll<HTMLElement>(`${list} .card a`)[before]?.focus();
  }

  /** Changes something about a title, and shows it. Its button may be gone then: the focus stays on the page. */
  async function change(step: () => Promise<void>): Promise<void> {
    await renew(step);
    root.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
  }

  async function forgetEntry(entry: HistoryEntry): Promise<void> {
    await forget(entry.title.title_id);
    programme.unfinished = programme.unfinished.filter((each) => each !== entry);
  }

  const remedies: Remedies = {
    retry: (job) =>
      change(async () => {
        await retryJob(job.job_id);
        await programme.lookAtDrafts();
      }),
    remove: (title) =>
      attempt(async () => {
        if (await remove(title)) await change(() => programme.drop(title));
      }),
  };

  async function attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      clearTimeout(nextLook);
      apologise(root, error, () => attempt(step));
    }
  }

  entitle("");
  render(frame(html`${NAME}${waiting(6)}`), root);
  await load();
  listen({
    hear({ title, withdrawal, history, subscription }) {
      if (title) void learn(() => programme.welcome(title.title_id));
      if (withdrawal) void learn(() => programme.dismiss(withdrawal.title_ids));
      if (history || subscription) void learn(() => programme.personalise()); // a plan decides what is recommended
    },
    catchUp: load,
    settle: () => learn(() => programme.personalise()), // who comes from a film is here before its end is noted
  });
}
