/** How much must be left to begin there, in seconds: a player that begins behind the last picture waits for ever. */
const LEAST_LEFT = 1;

/** Where a film of this length begins that is to begin at a place: at its beginning, where nothing is left behind it. */
export function startOf(place: number, duration = 0): number {
  return place < (duration || Infinity) - LEAST_LEFT ? place : 0;
}
