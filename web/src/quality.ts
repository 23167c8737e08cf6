/** Lines by which people know a quality. */
const KNOWN = [4320, 2160, 1440, 1080, 720, 576, 540, 480, 432, 360, 270, 240, 234, 144];

/** How far from such a number a picture may be: its sides are even, and so a line or two short of its frame. */
const NEAR = 0.01;

/**
 * The name of a quality, from the size of its pictures in pixels: `1080p`.
 *
 * It counts, as the ladder does, the lines of the 16:9 frame that holds them, which stands on end for an upright film.
 */
export function quality(width: number, height: number): string {
  const lines = Math.max(Math.min(width, height), (Math.max(width, height) * 9) / 16);
  const known = KNOWN.find((number) => Math.abs(lines / number - 1) <= NEAR);
  return `${known ?? Math.round(lines)}p`;
}
