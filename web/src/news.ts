import { refresh, ROOT } from "./api/calls.ts";
import type { PlaybackSession } from "./api/playback.ts";

/** One piece of news about the account; one of its fields is set. */
export interface News {
  playback?: PlaybackSession;
  subscription?: { state: string };
  title?: { title_id: string; name: string };
  sign_in?: { session_id: string; device: string };
  history?: { title_id: string };
  account?: object;
  withdrawal?: { title_ids: string[] };
}

export interface Listener {
  hear(news: News): unknown;
  /** News may have been missed, while the page was hidden or the connection gone. */
  catchUp(): unknown;
  /** It is heard from now on; what happened between the page's own questions and now was not. */
  settle?(): unknown;
  /** Whether a hidden page wants to hear too; the browser has few connections for all pages together. */
  always?: boolean;
}

const LONGEST_WAIT_MS = 60_000;

/** How long to wait before the connection is tried again, after so many tries that failed: 1 s, 2 s, 4 s … 1 min. */
export function waitBefore(failures: number): number {
  return Math.min(1_000 * 2 ** failures, LONGEST_WAIT_MS);
}

/** The page's one connection for news: open while somebody may see it. */
class Ear {
  #source: EventSource | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #wasOpen = false;

  constructor(readonly listener: Listener) {}

  /** Opens or closes it, as the page is seen or not. */
  attend(): void {
    const wanted = !document.hidden || this.listener.always;
    if (wanted && !this.#source) this.open();
    if (!wanted) this.close();
  }

  open(): void {
    this.close();
    const source = new EventSource(`${ROOT}/notices`);
    source.addEventListener("open", () => {
      this.#failures = 0;
      if (this.#wasOpen) this.listener.catchUp();
      else this.listener.settle?.();
      this.#wasOpen = true;
    });
    source.addEventListener("message", ({ data }) => this.listener.hear(JSON.parse(data as string) as News));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) this.#recover(); // else the browser tries again by itself
    });
    this.#source = source;
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = undefined;
  }

  /** The server refused: the access token may have expired. */
  #recover(): void {
    this.close();
    this.#retry = setTimeout(async () => {
      const renewed = await refresh().catch(() => undefined);
      if (renewed === false)
        this.listener.catchUp(); // signed out, perhaps in another tab: the page finds out
      else this.open();
    }, waitBefore(this.#failures++));
  }
}

/** Listens for news as long as the page is there. */
export function listen(listener: Listener): void {
  const ear = new Ear(listener);
  document.addEventListener("visibilitychange", () => {
    ear.attend();
  });
  addEventListener("pagehide", () => {
    ear.close();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) ear.attend();
  });
  ear.attend();
}
