import type { ComponentProps } from "react";
import { classes } from "../lib/classes";
import { Button } from "./Button";
import { Icon, type IconName } from "./Icon";
import styles from "./IconButton.module.css";

interface Props extends Omit<ComponentProps<typeof Button>, "children" | "title" | "aria-label"> {
  icon: IconName;
  /** What it does. */
  label: string;
  /** Whether the label is seen where there is room. Else it is told on hover, and to screen readers. */
  hasWords?: boolean;
}

/** A button with a sign. */
export function IconButton({ icon, label, hasWords = false, className, look = "quiet", ...rest }: Props) {
  return (
    <Button {...rest} look={look} className={classes(styles.button, className)} title={hasWords ? undefined : label}>
      <Icon name={icon} />
      <span className={hasWords ? styles.words : styles.hidden}>{label}</span>
    </Button>
  );
}
