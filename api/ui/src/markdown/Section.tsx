import type { Token } from "marked";
import { memo } from "react";
import { classes } from "../lib/classes";
import { Block } from "./Block";
import styles from "./markdown.module.css";

interface Props {
  tokens: readonly Token[];
  /** Of headings among them, 0 for what is none; see levels. */
  headings: readonly number[];
  /** Whether the last of them is not finished. */
  growing: boolean;
  /** Whether more sections follow, so that it may be left undrawn while it is far from the screen. */
  isSolid: boolean;
}

/** Some blocks of a text, one below the other. It is drawn anew only where one of them has changed. */
export const Section = memo(
  function Section({ tokens, headings, growing, isSolid }: Props) {
    return (
      <div className={classes(styles.section, isSolid && styles.solid)}>
        {tokens.map((token, at) => (
          <Block key={at} token={token} level={headings[at] ?? 0} growing={growing && at === tokens.length - 1} />
        ))}
      </div>
    );
  },
  (before, after) =>
    before.growing === after.growing &&
    before.isSolid === after.isSolid &&
    isSame(before.tokens, after.tokens) &&
    isSame(before.headings, after.headings),
);

function isSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((one, at) => one === others[at]);
}
