import type { Title } from "./api/titles.ts";
import { quality } from "./quality.ts";
import { runningTime } from "./running-time.ts";

const LANGUAGES = new Intl.DisplayNames(undefined, { type: "language", fallback: "none" });

/** The name of a language, of its ISO 639-2 code; empty for a code that has none. */
export function languageName(code: string): string {
  try {
    return LANGUAGES.of(code) ?? "";
  } catch {
    return ""; // no code of a language at all
  }
}

/** Who may see a title, as the board calls it, or else from which age. */
function audience({ rating, minimum_age }: Title): string {
  if (rating) return rating;
  return minimum_age ? `From ${minimum_age} years` : "";
}

/** Year, running time, audience, size of the picture and languages, as far as they are known. */
export function factsOf(title: Title): string[] {
  const { year, duration_seconds, width, height, audio_languages = [] } = title;
  return [
    year ? String(year) : "",
    duration_seconds ? runningTime(duration_seconds) : "",
    audience(title),
    width && height ? quality(width, height) : "",
    ...audio_languages.map(languageName),
  ].filter(Boolean);
}
