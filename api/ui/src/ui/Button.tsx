import type { ComponentProps } from "react";
import { classes } from "../lib/classes";
import styles from "./Button.module.css";

interface Props extends ComponentProps<"button"> {
  /** `quiet`: without a box, among many of its kind. */
  look?: "plain" | "primary" | "danger" | "quiet";
}

/** A button. It submits no form unless it is told to, and by a double click once. */
export function Button({ look = "plain", className, type = "button", onClick, ...rest }: Props) {
  return (
    <button
      type={type}
      className={classes(styles.button, look !== "plain" && styles[look], className)}
      onClick={(event) => {
        if (type === "submit" && event.detail > 1) event.preventDefault();
        else onClick?.(event);
      }}
      {...rest}
    />
  );
}
