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
    const [titles, next] = await this.#fetch("", Math.max(1, this.titles.length));
    this.titles = titles;
    this.#nextPageToken = next;
  }

  /** Fetches the next titles. They are left out when the list has come further meanwhile: it has them by then. */
  async more(): Promise<void> {
    const token = this.#nextPageToken;
    const [titles, next] = await this.#fetch(token, 1);
    if (token !== this.#nextPageToken) return;
    this.titles.push(...titles); // behind what is shown by now, which may have changed meanwhile
    this.#nextPageToken = next;
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

  /** Asks for pages until there are `enough` titles: a page may be empty, and the next one not. Tells how it goes on. */
  async #fetch(token: string, enough: number): Promise<[Title[], string]> {
    const titles: Title[] = [];
    let next = token;
    do {
      const page = await this.ask(next);
      titles.push(...(page.titles ?? []));
      next = page.next_page_token ?? "";
    } while (next && titles.length < enough);
    return [titles, next];
  }
}
