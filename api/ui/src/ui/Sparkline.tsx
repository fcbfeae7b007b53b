import styles from "./Sparkline.module.css";

export interface Point {
  atMs: number;
  /** From 0 to 1; null: not known. */
  value: number | null;
}

interface Props {
  points: readonly Point[];
  /** The moment at the right edge, and how long before it the left edge is. */
  toMs: number;
  spanMs: number;
}

/** A value between 0 and 1 over time, as an area. It says nothing to those who do not see it: words stand beside it. */
export function Sparkline({ points, toMs, spanMs }: Props) {
  const lines = runs(points).map((run) =>
    run.map(({ atMs, value }) => `${100 + (100 * (atMs - toMs)) / spanMs} ${100 - 100 * value}`),
  );
  const ends = (line: readonly string[]) => [line[0], line.at(-1)].map((point) => point?.split(" ")[0]);
  return (
    <svg className={styles.chart} viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      <path className={styles.grid} d="M0 0H100M0 50H100M0 100H100" />
      {lines.map((line) => {
        const [left, right] = ends(line);
        return (
          <g key={line[0]}>
            <path className={styles.area} d={`M${left} 100L${line.join("L")}L${right} 100Z`} />
            <path className={styles.line} d={`M${line.join("L")}`} />
          </g>
        );
      })}
    </svg>
  );
}

/** The points between which the value is known. Pure. */
export function runs(points: readonly Point[]): { atMs: number; value: number }[][] {
  const found: { atMs: number; value: number }[][] = [[]];
  for (const { atMs, value } of points) {
    if (value === null) found.push([]);
    else found.at(-1)?.push({ atMs, value });
  }
  return found.filter((run) => run.length > 0);
}
