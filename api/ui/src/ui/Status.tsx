import { classes } from "../lib/classes";
import styles from "./Status.module.css";

/** A state in a word, with a dot whose colour says it again. */
export function Status({ tone, children }: { tone: "good" | "warn" | "bad" | "calm"; children: string }) {
  return <span className={classes(styles.status, tone !== "calm" && styles[tone])}>{children}</span>;
}
