import { AsyncDirective } from "lit-html/async-directive.js";
import { directive } from "lit-html/directive.js";
import { html, type TemplateResult } from "lit-html";
import { span } from "./clock.ts";

/** In how long something may be done, as people say it: `in 52 s`, and `now` when there is nothing left. */
export function remaining(until: number, now: number): string {
  return until > now ? `in ${span((until - now) / 1_000)}` : "now";
}

/** Words for the time until a moment, in milliseconds, that are true as long as they stand there. */
class Remaining extends AsyncDirective {
  #tick: ReturnType<typeof setInterval> | undefined;

  override render(until: number): string {
    clearInterval(this.#tick);
    this.#tick = setInterval(() => {
      this.setValue(remaining(until, Date.now()));
    }, 1_000);
    return remaining(until, Date.now());
  }

  protected override disconnected(): void {
    clearInterval(this.#tick);
  }
}

const ticking = directive(Remaining);

/** A countdown of so many seconds: `in 52 s`. As a timer it is not read out every second. */
export function countdown(seconds: number): TemplateResult {
  return html`<span role="timer">${ticking(Date.now() + seconds * 1_000)}</span>`;
}
