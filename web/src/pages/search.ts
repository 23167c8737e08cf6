import { html, nothing, render, type TemplateResult } from "lit-html";
import { getAccount } from "../api/accounts.ts";
import { searchTitles } from "../api/titles.ts";
import { apologyFor, askToSignIn, faultIn } from "../apology.ts";
import { card, waiting } from "../cards.ts";
import { entitle, frame } from "../frame.ts";
import { Listing } from "../listing.ts";
import { listen } from "../news.ts";
import { searchPath } from "../routes.ts";

/** How long a person pauses when they have finished a word, in milliseconds. */
const PAUSE_MS = 180;

/** As long as a query may be. */
const LONGEST = 200;

/** What was found of some words. */
interface Found {
  query: string;
  list: Listing;
}

function results({ query, list: { titles, goesOn } }: Found, more: () => unknown): TemplateResult {
  if (titles.length === 0)
    return html`
      <section class="empty">
        <h2>Nothing found for “${query}”</h2>
        <p>Fewer words find more. Names, casts, genres and what a film is about are all looked through.</p>
      </section>
    `;
  return html`
    <h2 class="unseen">Results</h2>
    <ul class="grid">
      ${titles.map(card)}
    </ul>
    ${goesOn ? html`<button class="more" type="button" @click=${more}>Show more</button>` : nothing}
  `;
}

/** How much was found, for those who do not see it. */
function tally({ list: { titles, goesOn } }: Found): string {
  const count = `${titles.length} ${titles.length === 1 ? "title" : "titles"}`;
  return goesOn ? `More than ${count}` : count;
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
          <h1><label for="query">Search</label></h1>
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
    if (words) await fetchInto({ query: words, list: new Listing((token) => searchTitles(words, token)) }, "load");
  }

  /** Fetches the first titles of what is found, or anew what is shown of it; or more of them. */
  async function fetchInto(next: Found, step: "load" | "more"): Promise<void> {
    try {
      await next.list[step]();
      if (query !== next.query) return;
      found = next;
      showFound(next);
    } catch (error) {
      if (query === next.query) apologise(error, () => fetchInto(next, step));
    }
  }

  function showFound(of: Found): void {
    show(results(of, () => fetchInto(of, "more")));
  }

  /** Takes in that titles are shown no more. */
  function miss(titleIds: string[]): void {
    found?.list.dismiss(titleIds);
    if (found?.query === query) showFound(found);
  }

  function apologise(error: unknown, retry: () => unknown): void {
    if (faultIn(error) === "signed-out") askToSignIn();
    else show(apologyFor(error, retry));
  }

  /** Who has not signed in is asked to before they type. */
  async function meet(): Promise<void> {
    await getAccount().catch((error: unknown) => {
      if (faultIn(error) === "signed-out") askToSignIn();
    });
  }

  if (!query) void meet();
  await seek(query);
  root.querySelector<HTMLInputElement>("#query")?.focus();
  listen({
    hear({ withdrawal }) {
      if (withdrawal) miss(withdrawal.title_ids);
    },
    catchUp: () => found && fetchInto(found, "load"),
  });
}
