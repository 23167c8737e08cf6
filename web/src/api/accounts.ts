import { type Page, asking, call, pages, path, read, send, unlessDone } from "./calls.ts";

export interface Account {
  account_id: string;
  email: string;
  role: "ROLE_VIEWER" | "ROLE_PUBLISHER" | "ROLE_ADMIN";
  /** Names of the OpenID providers by which it can sign in. */
  providers?: string[];
}

/** A sign-in. */
export interface Session {
  session_id: string;
  device?: string;
  address?: string;
  created_at: string;
  last_used_at?: string;
  /** The one of this browser. */
  current?: boolean;
}

/** A sign-in of the past, whose session may be over. */
export interface SignIn {
  session_id: string;
  /** "password", or the name of an OpenID provider. */
  method: string;
  device?: string;
  address?: string;
  time: string;
  active?: boolean;
}

interface SessionPage extends Page {
  sessions?: Session[];
}

export interface Provider {
  provider: string;
  display_name: string;
}

/** Where a sign-in at a provider goes on, and the state that it must come back with. */
export interface Errand {
  authorization_url: string;
  state: string;
}

/** A call of somebody who need not be signed in: an answer of 401 is an answer. */
async function post<T>(address: string, body: object): Promise<T> {
  return read(await send(address, "POST", body));
}

export function signIn(email: string, password: string): Promise<unknown> {
  return post("/auth:login", { email, password });
}

export function signOut(): Promise<unknown> {
  return post("/auth:logout", {});
}

export function register(email: string, password: string): Promise<unknown> {
  return post("/auth:register", { email, password });
}

/** Opens the account that an e-mail's token confirms, and signs in. */
export function confirmEmail(token: string): Promise<unknown> {
  return post("/auth:confirmEmail", { token });
}

export function requestPasswordReset(email: string): Promise<unknown> {
  return post("/auth:requestPasswordReset", { email });
}

export function resetPassword(token: string, newPassword: string): Promise<unknown> {
  return post("/auth:resetPassword", { token, new_password: newPassword });
}

export async function listProviders(): Promise<Provider[]> {
  return (await read<{ providers?: Provider[] }>(await send("/auth/providers", "GET"))).providers ?? [];
}

export function beginSignIn(provider: string): Promise<Errand> {
  return post(path`/auth/providers/${provider}:begin`, {});
}

export function completeSignIn(state: string, code: string, iss: string): Promise<unknown> {
  return post("/auth:completeSignIn", { state, code, iss });
}

export async function getAccount(): Promise<Account> {
  return (await call<{ account: Account }>("/account")).account;
}

export function mayPublish({ role }: Account): boolean {
  return role === "ROLE_PUBLISHER" || role === "ROLE_ADMIN";
}

export function changePassword(password: string, newPassword: string): Promise<unknown> {
  return call("/account:changePassword", "POST", { password, new_password: newPassword });
}

/** Where the account is signed in: here first, then the newest. */
export async function listSessions(): Promise<Session[]> {
  const ask = (token: string) => call<SessionPage>(asking("/account/sessions", { page_size: 100, page_token: token }));
  const sessions: Session[] = [];
  for await (const page of pages(ask)) sessions.push(...(page.sessions ?? []));
  return sessions.sort((one, other) => Number(other.current ?? false) - Number(one.current ?? false));
}

/** The latest sign-ins of the account, newest first. */
export async function recentSignIns(most: number): Promise<SignIn[]> {
  return (await call<{ sign_ins?: SignIn[] }>(asking("/account/signIns", { page_size: most }))).sign_ins ?? [];
}

export function revokeSession(sessionId: string): Promise<void> {
  return unlessDone(404, call(path`/account/sessions/${sessionId}`, "DELETE"));
}
