import { html, nothing, render, type TemplateResult } from "lit-html";
import { searchTitles, type Title } from "../api/titles.ts";
import { apology, askToSignIn, faultIn } from "../apology.ts";
import { card, waiting } from "../cards.ts";
import type { Fault } from "../faults.ts";
import { entitle, frame } from "../frame.ts";
import { searchPath } from "../routes.ts";

/** How long a person pauses when they have finished a word, in milliseconds. */
const PAUSE_MS = 180;

/** As long as a query may be. */
const LONGEST = 200;

/** What was found of some words, and where that goes on. */
interface Found {
  query: string;
  titles: Title[];
  nextPageToken: string;
}

function results({ query, titles, nextPageToken }: Found, more: () => unknown): TemplateResult {
  if (titles.length === 0)
    return html`
      <section class="empty">
        <h2>Nothing found for “${query}”</h2>
        <p>Fewer words find more. Names, casts, genres and what a film is about are all looked through.</p>
      </section>
    `;
  return html`
    <ul class="grid">
      ${titles.map(card)}
    </ul>
    ${nextPageToken ? html`<button class="more" type="button" @click=${more}>Show more</button>` : nothing}
  `;
}

/** How much was found, for those who do not see it. */
function tally({ titles, nextPageToken }: Found): string {
  const count = `${titles.length} ${titles.length === 1 ? "title" : "titles"}`;
  return nextPageToken ? `More than ${count}` : count;
}

/** Finds titles as one types. The address holds the words, so that it can be kept and shared. */
export async function search(root: HTMLElement): Promise<void> {
  let query = new URLSearchParams(location.search).get("q")?.slice(0, LONGEST).trim() ?? "";
  let found: Found | undefined;
  let pause: ReturnType<typeof setTimeout>;

  function show(outcome: TemplateResult | typeof nothing): void {
    render(
      frame(html`
        <form class="search" role="search" @submit=${submit}>
          <label for="query">Search</label>
          <input
            id="query"
            name="q"
            type="search"
            placeholder="A film, a name, a genre …"
            autocomplete="off"
            enterkeyhint="search"
            autofocus
            maxlength=${LONGEST}
            .value=${query}
            @input=${type}
          />
        </form>
        <p class="unseen" role="status">${found?.query === query ? tally(found) : ""}</p>
        ${outcome}
      `),
      root,
    );
  }

  function type(event: Event): void {
    const words = (event.target as HTMLInputElement).value;
    clearTimeout(pause);
    pause = setTimeout(() => seek(words.trim()), PAUSE_MS);
  }

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    clearTimeout(pause);
    const input = root.querySelector<HTMLInputElement>("#query");
    input?.blur(); // a phone's keyboard goes away
    void seek(input?.value.trim() ?? "");
  }

  /** Looks for some words; an answer that comes after the next words is not for them any more. */
  async function seek(words: string): Promise<void> {
    query = words;
    history.replaceState(null, "", searchPath(words));
    entitle(words ? `“${words}”` : "Search");
    found = words ? found : undefined;
    if (!words || !found) show(words ? waiting(3) : nothing);
    if (words) await fetchPage({ query: words, titles: [], nextPageToken: "" });
  }

  async function fetchPage(sofar: Found): Promise<void> {
    try {
      const page = await searchTitles(sofar.query, sofar.nextPageToken);
      if (query !== sofar.query) return;
      const titles = [...sofar.titles, ...(page.titles ?? [])];
      const next = { ...sofar, titles, nextPageToken: page.next_page_token ?? "" };
      found = next;
      show(results(next, () => fetchPage(next)));
    } catch (error) {
      if (query === sofar.query) apologise(faultIn(error), () => fetchPage(sofar));
    }
  }

  function apologise(fault: Fault, retry: () => unknown): void {
    if (fault === "signed-out") askToSignIn();
    else show(apology(fault, retry));
  }

  await seek(query);
  root.querySelector<HTMLInputElement>("#query")?.focus();
}
