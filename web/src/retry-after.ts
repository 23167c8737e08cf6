/** For how many seconds an answer says not to ask again: its Retry-After, a number or a date (RFC 9110, 10.2.3). */
export function secondsToWait(headers: Headers, now = Date.now()): number | undefined {
  const said = headers.get("Retry-After") ?? "";
  const seconds = /^\d+$/.test(said) ? Number(said) : (Date.parse(said) - now) / 1000;
  return seconds > 0 ? Math.ceil(seconds) : undefined;
}
