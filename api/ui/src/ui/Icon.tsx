import styles from "./Icon.module.css";

/** Lines in a square of 20 units. */
const LINES = {
  list: "M3 4h14v12H3zM8 4v12",
  add: "M10 4v12M4 10h12",
  sliders: "M3 6h6M13 6h4M3 14h3M10 14h7M11 4v4M8 12v4",
  pencil: "M4 16l1-4 8-8 3 3-8 8zM11 6l3 3",
  bin: "M4 6h12M8 6V4h4v2M6 6l1 11h6l1-11M9 9v5M11 9v5",
  close: "M5 5l10 10M15 5L5 15",
  compare: "M3 4h6v12H3zM11 4h6v12h-6z",
  down: "M10 4v12M5 11l5 5 5-5",
} as const;
export type IconName = keyof typeof LINES;

/** A sign beside a text, or in the place of one that screen readers are told. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className={styles.icon} viewBox="0 0 20 20" aria-hidden="true">
      <path d={LINES[name]} />
    </svg>
  );
}
