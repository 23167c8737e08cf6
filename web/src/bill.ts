import { getAccount, mayPublish } from "./api/accounts.ts";
import { listUnfinished } from "./api/history.ts";
import { type Job, newestJobs } from "./api/jobs.ts";
import { getMembership, listPlans, type Plan } from "./api/plans.ts";
import { getTitle, isShelf, listTitles, partsOf, type Title } from "./api/titles.ts";
import { inheriting, missingPlan } from "./entitlement.ts";
import { isReady } from "./preparation.ts";

/** Episodes that stand together; without a season of their own they are the series' own. */
export interface Season {
  season?: Title;
  episodes: Title[];
}

/** What the page of a title knows. */
export interface Bill {
  title: Title;
  /** What it belongs to, the nearest last: series, season. */
  ancestors: Title[];
  seasons: Season[];
  /** Where the viewer left titles that were begun, in seconds, by title_id; latest first. */
  begun: Map<string, number>;
  /** The plan that it needs and the viewer does not have. */
  missing?: Plan | undefined;
  publisher: boolean;
  /** The work on its upload, for publishers, while it has no media. */
  job?: Job | undefined;
  /** Others of its first genre. */
  similar: Title[];
}

/** A part that plays next, or the title itself; and where it goes on. */
export interface Next {
  title: Title;
  from: number;
}

/** Fetches the bill of a title. Only the title and its parts are worth an apology: what else cannot be had is left out. */
export async function billOf(titleId: string): Promise<Bill> {
  const [title, publisher] = await Promise.all([getTitle(titleId), getAccount().then(mayPublish, () => false)]);
  const above = ancestorsOf(title);
  const [ancestors, seasons, begun, missing, jobs, similar] = await Promise.all([
    above,
    isShelf(title) ? seasonsOf(title) : [],
    listUnfinished().catch(() => []),
    publisher ? undefined : planFor(title, above).catch(() => undefined), // publishers may watch everything
    publisher && !isReady(title) ? newestJobs([titleId]) : undefined,
    similarTo(title).catch(() => []),
  ]);
  const positions = begun.map(({ title: { title_id }, position_seconds = 0 }) => [title_id, position_seconds] as const);
  const job = jobs?.get(titleId);
  return { title, ancestors, seasons, begun: new Map(positions), missing, publisher, job, similar };
}

/** Whether another title is a part of this one: a season, or an episode of it or of its seasons. */
export function isPart(other: Title, { title, seasons }: Bill): boolean {
  const shelves = [title, ...seasons.flatMap(({ season }) => season ?? [])];
  return shelves.some(({ title_id }) => title_id === other.parent_id);
}

/** Whether a title stands on the page: it is this one, or something above, below or beside it. */
export function isShown(titleId: string, { title, ancestors, seasons, similar }: Bill): boolean {
  const parts = seasons.flatMap(({ season, episodes }) => (season ? [season, ...episodes] : episodes));
  return [title, ...ancestors, ...parts, ...similar].some(({ title_id }) => title_id === titleId);
}

async function ancestorsOf({ parent_id }: Title): Promise<Title[]> {
  const parent = parent_id ? await getTitle(parent_id).catch(() => undefined) : undefined;
  return parent ? [...(await ancestorsOf(parent)), parent] : [];
}

async function seasonsOf(title: Title): Promise<Season[]> {
  const parts = await partsOf(title.title_id);
  const own = parts.filter((part) => !isShelf(part));
  const seasons = parts.filter(isShelf);
  const filled = await Promise.all(
    seasons.map(async (season) => ({ season, episodes: await partsOf(season.title_id) })),
  );
  return own.length > 0 ? [{ episodes: own }, ...filled] : filled;
}

async function similarTo({ title_id, genres = [] }: Title): Promise<Title[]> {
  const [genre] = genres;
  if (!genre) return [];
  const { titles = [] } = await listTitles({ genre, state: "TITLE_STATE_PUBLISHED" });
  return titles.filter((other) => other.title_id !== title_id && !other.parent_id);
}

/** The plan that a title needs and the caller, who is no publisher, does not have. */
async function planFor(title: Title, ancestors: Promise<Title[]>): Promise<Plan | undefined> {
  const wanted = inheriting(title, await ancestors);
  if (!wanted.plan_id) return undefined;
  const [plans, { subscription }] = await Promise.all([listPlans(), getMembership()]);
  return missingPlan(wanted, plans, subscription);
}

/** What plays at a click: the film, or the episode that was begun last, or the first one; undefined without media. */
export function nextOf({ title, seasons, begun }: Bill): Next | undefined {
  const playable = [title, ...seasons.flatMap(({ episodes }) => episodes)].filter(({ asset_id }) => asset_id);
  const latest = [...begun.keys()].find((titleId) => playable.some(({ title_id }) => title_id === titleId));
  const next = playable.find(({ title_id }) => title_id === latest) ?? playable[0];
  return next && { title: next, from: begun.get(next.title_id) ?? 0 };
}
