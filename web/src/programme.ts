import { getAccount, mayPublish } from "./api/accounts.ts";
import * as history from "./api/history.ts";
import { type Job, newestJobs } from "./api/jobs.ts";
import { type Filter, getTitle, isDraft, listTitles, type Title } from "./api/titles.ts";
import { Listing } from "./listing.ts";
import { isReady, isUnderWay } from "./preparation.ts";

const FILMS = { kind: "TITLE_KIND_FILM", state: "TITLE_STATE_PUBLISHED" } as const;
const SERIES = { kind: "TITLE_KIND_SERIES", state: "TITLE_STATE_PUBLISHED" } as const;

function listing(filter: Filter): Listing {
  return new Listing((pageToken) => listTitles(filter, pageToken));
}

/** What the first page knows: titles as far as they were fetched, and what is for this person alone. */
export class Programme {
  readonly films = listing(FILMS);
  readonly series = listing(SERIES);
  unfinished: history.HistoryEntry[] = [];
  recommendations: history.Recommendation[] = [];
  /** Whether the person sees drafts: these, and the newest job of each that has no media yet. */
  publisher = false;
  drafts: Title[] = [];
  jobs = new Map<string, Job>();

  get isEmpty(): boolean {
    return this.films.titles.length + this.series.titles.length + this.drafts.length === 0;
  }

  /** Whether there is work on a draft to look at again. */
  get isUnderWay(): boolean {
    return [...this.jobs.values()].some(isUnderWay);
  }

  /** Fetches everything anew. */
  async load(): Promise<void> {
    await Promise.all([this.films.load(), this.series.load(), this.personalise(), this.#meet()]);
  }

  /** Fetches what was begun and what is recommended. Neither is worth an apology: what cannot be had is left out. */
  async personalise(): Promise<void> {
    const none = () => [];
    [this.unfinished, this.recommendations] = await Promise.all([
      history.listUnfinished().catch(none),
      history.listRecommendations().catch(none),
    ]);
  }

  /** Learns how far the drafts are; only publishers have any, and may ask. Those that are ready become films. */
  async lookAtDrafts(): Promise<void> {
    if (!this.publisher) return;
    const before = this.drafts;
    const page = await listTitles({ state: "TITLE_STATE_DRAFT", page_size: 100 });
    this.drafts = page.titles ?? [];
    this.jobs = await newestJobs(this.drafts.filter((title) => !isReady(title)).map((title) => title.title_id));
    const ids = new Set(this.drafts.map((title) => title.title_id));
    for (const { title_id } of before) if (!ids.has(title_id)) await this.welcome(title_id);
  }

  /** Takes a draft that was removed off the list: it has not become a film. */
  async drop(title: Title): Promise<void> {
    this.drafts = this.drafts.filter((draft) => draft.title_id !== title.title_id);
    await this.lookAtDrafts();
  }

  /** Takes in a title that is new, or new in some respect. */
  async welcome(titleId: string): Promise<void> {
    const title = await getTitle(titleId).catch(() => undefined); // it may be gone again
    if (!title || isDraft(title)) return;
    if (title.kind === FILMS.kind) this.films.welcome(title);
    if (title.kind === SERIES.kind) this.series.welcome(title);
  }

  /** Lets go of titles that viewers see no more. What was for this person may rest on them; drafts they may be now. */
  async dismiss(titleIds: string[]): Promise<void> {
    for (const list of [this.films, this.series]) list.dismiss(titleIds);
    const rested = [
      ...this.unfinished.map(({ title }) => title.title_id),
      ...this.recommendations.flatMap(({ title, because_title_id = "" }) => [title.title_id, because_title_id]),
    ];
    const isConcerned = rested.some((titleId) => titleIds.includes(titleId));
    await Promise.all([isConcerned ? this.personalise() : undefined, this.lookAtDrafts()]);
  }

  /** Learns who looks, and shows publishers their drafts. */
  async #meet(): Promise<void> {
    this.publisher = mayPublish(await getAccount());
    await this.lookAtDrafts();
  }
}
