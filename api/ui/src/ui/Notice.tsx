import type { ComponentProps } from "react";
import styles from "./Notice.module.css";

/** Something that was done, beside what closes the notice. */
export function Notice(props: Omit<ComponentProps<"div">, "className">) {
  return <div {...props} className={styles.notice} />;
}
