import type { Recommendation } from "./api/history.ts";
import type { Title } from "./api/titles.ts";

/** Recommendations that have one reason. */
export interface Row {
  heading: string;
  titles: Title[];
}

/** Fewer than these are no row of their own. */
const ENOUGH = 2;

const POPULAR = "Popular";

/** Rows of recommendations, each with its reason, the best first; reasons for hardly anything go together at the end. */
export function rowsOf(recommendations: Recommendation[]): Row[] {
  const rows = Map.groupBy(recommendations, ({ because_title_id }) => because_title_id ?? "");
  const found = [...rows].map(([reason, members]) => ({
    heading: reason ? `Because you watched ${members[0]?.because_name ?? ""}` : POPULAR,
    titles: members.map(({ title }) => title),
  }));
  const isLarge = ({ heading, titles }: Row) => heading === POPULAR || titles.length >= ENOUGH;
  const rest = found.filter((row) => !isLarge(row));
  if (rest.length < 2) return found;
  return [...found.filter(isLarge), { heading: "You may like", titles: rest.flatMap(({ titles }) => titles) }];
}
