import type { Title, TitlePage } from "./api/titles.ts";

/** A list of titles, as far as it was fetched. */
export class Listing {
  titles: Title[] = [];
  #nextPageToken = "";

  /** `ask` gives the page that a token stands for, the first one for none. */
  constructor(readonly ask: (pageToken: string) => Promise<TitlePage>) {}

  /** Whether there is more than what was fetched. */
  get goesOn(): boolean {
    return this.#nextPageToken !== "";
  }

  /** Fetches it anew, as far as it was shown: whoever comes back to a page finds their place on it. */
  async load(): Promise<void> {
    await this.#fetch([], "", Math.max(1, this.titles.length));
  }

  /** Fetches the next titles. */
  async more(): Promise<void> {
    await this.#fetch(this.titles, this.#nextPageToken, this.titles.length + 1);
  }

  /** Takes in a title that is new, or new in some respect. */
  welcome(title: Title): void {
    const index = this.titles.findIndex(({ title_id }) => title_id === title.title_id);
    if (index < 0) this.titles.unshift(title);
    else this.titles.splice(index, 1, title);
  }

  /** Lets go of titles that are shown no more. */
  dismiss(titleIds: string[]): void {
    this.titles = this.titles.filter(({ title_id }) => !titleIds.includes(title_id));
  }

  /** Adds pages to `before`, until there are `enough` titles: a page may be empty, and the next one not. */
  async #fetch(before: Title[], token: string, enough: number): Promise<void> {
    const titles = [...before];
    let next = token;
    do {
      const page = await this.ask(next);
      titles.push(...(page.titles ?? []));
      next = page.next_page_token ?? "";
    } while (next && titles.length < enough);
    this.titles = titles;
    this.#nextPageToken = next;
  }
}
