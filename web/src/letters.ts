/** The token of an e-mail's link, which then stands in the address no more: it is a key. */
export function takeToken(): string {
  const token = new URLSearchParams(location.search).get("token") ?? "";
  history.replaceState(null, "", location.pathname);
  return token;
}
