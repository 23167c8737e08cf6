import { getAccount, mayPublish } from "./api/accounts.ts";
import * as history from "./api/history.ts";
import { type Job, newestJobs } from "./api/jobs.ts";
import { getTitle, isDraft, listTitles, type Title } from "./api/titles.ts";
import { isReady, isUnderWay } from "./preparation.ts";

const FILMS = { kind: "TITLE_KIND_FILM", state: "TITLE_STATE_PUBLISHED" } as const;
const SERIES = { kind: "TITLE_KIND_SERIES", state: "TITLE_STATE_PUBLISHED" } as const;

/** What the first page knows: titles as far as they were fetched, and what is for this person alone. */
export class Programme {
  films: Title[] = [];
  nextPageToken = "";
  series: Title[] = [];
  unfinished: history.HistoryEntry[] = [];
  recommendations: history.Recommendation[] = [];
  /** Whether the person sees drafts: these, and the newest job of each that has no media yet. */
  publisher = false;
  drafts: Title[] = [];
  jobs = new Map<string, Job>();

  get isEmpty(): boolean {
    return this.films.length + this.series.length + this.drafts.length === 0;
  }

  /** Whether there is work on a draft to look at again. */
  get isUnderWay(): boolean {
    return [...this.jobs.values()].some(isUnderWay);
  }

  /** Fetches everything anew. */
  async load(): Promise<void> {
    const [films, series] = await Promise.all([
      listTitles(FILMS),
      listTitles(SERIES),
      this.personalise(),
      this.#meet(),
    ]);
    this.films = films.titles ?? [];
    this.nextPageToken = films.next_page_token ?? "";
    this.series = series.titles ?? [];
  }

  /** Fetches the next films. */
  async more(): Promise<void> {
    const page = await listTitles(FILMS, this.nextPageToken);
    this.films.push(...(page.titles ?? []));
    this.nextPageToken = page.next_page_token ?? "";
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
    const others = title.kind === FILMS.kind ? this.films : title.kind === SERIES.kind ? this.series : undefined;
    const index = others?.findIndex((other) => other.title_id === titleId) ?? -1;
    if (index < 0) others?.unshift(title);
    else others?.splice(index, 1, title);
  }

  /** Learns who looks, and shows publishers their drafts. */
  async #meet(): Promise<void> {
    this.publisher = mayPublish(await getAccount());
    await this.lookAtDrafts();
  }
}
