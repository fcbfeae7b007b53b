import { Field as Base } from "@base-ui/react/field";
import type { ComponentProps } from "react";
import styles from "./Field.module.css";

/** A line of text, in a Field. */
export function Input(props: Omit<ComponentProps<typeof Base.Control>, "className">) {
  return <Base.Control {...props} className={styles.input} />;
}
