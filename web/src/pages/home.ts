import { html, nothing, render, type TemplateResult } from "lit-html";
import { forget, type HistoryEntry } from "../api/history.ts";
import { retryJob } from "../api/jobs.ts";
import { apology, askToSignIn, faultIn } from "../apology.ts";
import { begun, card, shelf, waiting } from "../cards.ts";
import { entitle, frame } from "../frame.ts";
import { listen } from "../news.ts";
import { preparation, type Remedies } from "../preparation.ts";
import { Programme } from "../programme.ts";
import { rowsOf } from "../reasons.ts";
import { remove } from "../removal.ts";

/** How often the work on drafts is looked at, in milliseconds. */
const LOOK_MS = 3_000;

function emptyHouse(publisher: boolean): TemplateResult {
  const invitation = html`
    <h1>The screen is yours</h1>
    <p>There are no films yet. Bring the first one in from a terminal, and it appears here as soon as it is ready:</p>
    <pre><code>matinee ingest film.mkv --title "My first film"</code></pre>
  `;
  const patience = html`
    <h1>The lights are still on</h1>
    <p>There are no films yet. The first one appears here by itself.</p>
  `;
  return html`<section class="empty">${publisher ? invitation : patience}</section>`;
}

function grid({ films, nextPageToken }: Programme, more: () => unknown): TemplateResult {
  const empty = html`<p class="soon">The first film appears here as soon as it is ready.</p>`;
  return html`
    <h1>Now showing</h1>
    ${
      films.length > 0
        ? html`<ul class="grid">
            ${films.map(card)}
          </ul>`
        : empty
    }
    ${nextPageToken ? html`<button class="more" type="button" @click=${more}>Show more</button>` : nothing}
  `;
}

/** The first page: what to go on with, what might please, and every title with its poster, name and running time. */
export async function home(root: HTMLElement): Promise<void> {
  const programme = new Programme();
  let nextLook: ReturnType<typeof setTimeout>;
  let isLoaded = false;

  function content(): TemplateResult {
    const { unfinished, recommendations, series, drafts, jobs } = programme;
    const goOn = unfinished.map((entry) => begun(entry, () => change(() => forgetEntry(entry))));
    return html`
      ${goOn.length > 0 ? shelf("Continue watching", goOn) : nothing}
      ${rowsOf(recommendations).map(({ heading, titles }) => shelf(heading, titles.map(card)))}
      ${series.length > 0 ? shelf("Series", series.map(card)) : nothing} ${grid(programme, more)}
      ${drafts.length > 0 ? preparation(drafts, jobs, remedies) : nothing}
    `;
  }

  function show(): void {
    clearTimeout(nextLook);
    render(frame(programme.isEmpty ? emptyHouse(programme.publisher) : content()), root);
    if (programme.isUnderWay) nextLook = setTimeout(() => renew(() => programme.lookAtDrafts()), LOOK_MS);
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
  const more = () => renew(() => programme.more());

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
      const fault = faultIn(error);
      if (fault === "signed-out") askToSignIn();
      else render(frame(apology(fault, () => attempt(step))), root);
    }
  }

  entitle("");
  render(
    frame(html`
      <h1>Now showing</h1>
      ${waiting(6)}
    `),
    root,
  );
  await load();
  listen({
    hear({ title, history }) {
      if (title) void learn(() => programme.welcome(title.title_id));
      if (history) void learn(() => programme.personalise());
    },
    catchUp: load,
    settle: () => learn(() => programme.personalise()), // who comes from a film is here before its end is noted
  });
}
