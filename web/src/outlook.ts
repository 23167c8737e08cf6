import { html, type nothing, type TemplateResult } from "lit-html";
import { countdown } from "./countdown.ts";

/** How it goes on after a fault, if anything is known of that. */
export type Outlook = TemplateResult | typeof nothing;

/** Every so many minutes of trying it is said for how long. */
const SPELL_MINUTES = 5;

export const TRYING = html`One moment, it is being tried …`;

/** When a film goes on by itself: in `wait` seconds, if that is known; it has been tried for so many milliseconds. */
export function goesOn(wait: number | undefined, tried: number): TemplateResult {
  if (wait !== undefined) return html`The film goes on by itself ${countdown(wait)}.`;
  const spells = Math.floor(tried / (SPELL_MINUTES * 60_000));
  const sofar = spells > 0 ? ` It has been tried for ${spells * SPELL_MINUTES} min.` : "";
  return html`The film goes on by itself as soon as it can.${sofar}`;
}

/** That it does not any more. */
export function waitsForYou(wait?: number): TemplateResult {
  const when = wait === undefined ? "when you like" : countdown(wait);
  return html`It took too long for the film to go on by itself: try again ${when}.`;
}
