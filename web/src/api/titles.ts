import { type Page, ROOT, asking, call, pages, path } from "./calls.ts";

export type Kind = "TITLE_KIND_FILM" | "TITLE_KIND_SERIES" | "TITLE_KIND_SEASON" | "TITLE_KIND_EPISODE";

export interface Title {
  title_id: string;
  name: string;
  synopsis?: string;
  state: "TITLE_STATE_DRAFT" | "TITLE_STATE_PUBLISHED";
  /** Empty without media. */
  asset_id?: string;
  duration_seconds?: number;
  width?: number;
  height?: number;
  audio_languages?: string[];
  kind?: Kind;
  parent_id?: string;
  number?: number;
  genres?: string[];
  tags?: string[];
  year?: number;
  original_language?: string;
  cast?: CastMember[];
  rating?: string;
  minimum_age?: number;
  /** The least plan that may watch it; empty: every account may. */
  plan_id?: string;
  poster_version?: string;
  backdrop_version?: string;
}

export interface CastMember {
  name: string;
  role?: string;
}

export interface TitlePage extends Page {
  titles?: Title[];
}

export interface Filter {
  kind?: Kind;
  genre?: string;
  parent_id?: string;
  state?: Title["state"];
  order?: "TITLE_ORDER_NAME" | "TITLE_ORDER_NUMBER";
  page_size?: number;
}

export function isDraft(title: Title): boolean {
  return title.state === "TITLE_STATE_DRAFT";
}

/** Whether it is made of other titles, and has no media of its own. */
export function isShelf(title: Title): boolean {
  return title.kind === "TITLE_KIND_SERIES" || title.kind === "TITLE_KIND_SEASON";
}

export function listTitles(filter: Filter = {}, pageToken = ""): Promise<TitlePage> {
  return call(asking("/titles", { ...filter, page_token: pageToken }));
}

/** The seasons or episodes of a series, or the episodes of a season, in their order. */
export async function partsOf(titleId: string): Promise<Title[]> {
  const parts: Title[] = [];
  const filter = { parent_id: titleId, order: "TITLE_ORDER_NUMBER", page_size: 100 } as const;
  for await (const page of pages((token) => listTitles(filter, token))) parts.push(...(page.titles ?? []));
  return parts;
}

export function searchTitles(query: string, pageToken = ""): Promise<TitlePage> {
  return call(asking("/titles:search", { query, page_token: pageToken }));
}

export async function getTitle(titleId: string): Promise<Title> {
  return (await call<{ title: Title }>(path`/titles/${titleId}`)).title;
}

export async function publishTitle(titleId: string): Promise<Title> {
  return (await call<{ title: Title }>(path`/titles/${titleId}:publish`, "POST", {})).title;
}

export async function unpublishTitle(titleId: string): Promise<Title> {
  return (await call<{ title: Title }>(path`/titles/${titleId}:unpublish`, "POST", {})).title;
}

/** Removes a title, and whatever is kept of it; by `force` also while somebody watches, and a series with its parts. */
export function deleteTitle(titleId: string, force = false): Promise<unknown> {
  return call(asking(path`/titles/${titleId}`, { force: force ? "true" : "" }), "DELETE");
}

/** Whether a title may have a picture: one that was sent, or one of its film. */
export function mayHavePoster(title: Title): boolean {
  return !!title.poster_version || !!title.asset_id;
}

/** The picture of a title, about so many pixels wide. */
export function posterUrl(title: Title, width: number): string {
  return ROOT + asking(path`/titles/${title.title_id}/poster`, { width, version: title.poster_version });
}

/** The wide picture behind its page: the backdrop, or the poster where there is none. */
export function backdropUrl(title: Title, width: number): string {
  if (!title.backdrop_version) return posterUrl(title, width);
  return ROOT + asking(path`/titles/${title.title_id}/backdrop`, { width, version: title.backdrop_version });
}
