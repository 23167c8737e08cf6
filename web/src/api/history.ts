import { asking, call, path, unlessDone } from "./calls.ts";
import type { Title } from "./titles.ts";

export interface HistoryEntry {
  title: Title;
  /** Where the viewer left it; 0 or none when it was finished. */
  position_seconds?: number;
  finished?: boolean;
}

export interface Recommendation {
  title: Title;
  /** The title that was watched and speaks for this one; empty when it is simply popular. */
  because_title_id?: string;
  because_name?: string;
}

/** What was begun and not finished, latest first. */
export async function listUnfinished(): Promise<HistoryEntry[]> {
  return (await call<{ entries?: HistoryEntry[] }>(asking("/history:unfinished", { page_size: 100 }))).entries ?? [];
}

/** Forgets that a title was watched. */
export function forget(titleId: string): Promise<void> {
  return unlessDone(404, call(path`/history/${titleId}`, "DELETE"));
}

/** What the viewer might like, best first. */
export async function listRecommendations(): Promise<Recommendation[]> {
  const answer = await call<{ recommendations?: Recommendation[] }>(asking("/recommendations", { page_size: 48 }));
  return answer.recommendations ?? [];
}
