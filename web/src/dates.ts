const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** From when on nobody counts days, in seconds. */
const LONG_AGO = 30 * 86_400;

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** A day in the reader's own way: `27 November 2026`. */
export function day(timestamp: string): string {
  return DAY.format(new Date(timestamp));
}

/** A moment in the reader's own way: `27 Nov 2026, 16:40`. */
export function moment(timestamp: string): string {
  return MOMENT.format(new Date(timestamp));
}

/** How long ago: `just now`, `5 minutes ago`, `yesterday`; a day when that is long ago. `now` is in milliseconds. */
export function ago(timestamp: string, now: number): string {
  const seconds = (now - Date.parse(timestamp)) / 1000;
  if (seconds >= LONG_AGO) return day(timestamp);
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? [];
  return unit && length ? AGO.format(-Math.floor(seconds / length), unit) : "just now";
}
