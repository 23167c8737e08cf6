/** A running time for people: `1 h 42 min`, `2 min 30 s`, `34 s`. From ten minutes on nobody counts the seconds. */
export function runningTime(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 600) return parts(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(seconds / 60);
  return parts(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

/** A count of large units and one of small ones, without what is nought. */
function parts(large: number, largeUnit: string, small: number, smallUnit: string): string {
  if (large === 0) return `${small} ${smallUnit}`;
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
