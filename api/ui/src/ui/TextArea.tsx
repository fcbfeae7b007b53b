import { type ComponentProps, type ReactNode, useId } from "react";
import { classes } from "../lib/classes";
import styles from "./TextArea.module.css";

interface Props extends Omit<ComponentProps<"textarea">, "onChange" | "value" | "id"> {
  label: string;
  /** Whether the label is for screen readers alone. */
  isLabelHidden?: boolean;
  /** Whether it holds code. */
  isCode?: boolean;
  /** What is wrong with what was typed. */
  fault?: ReactNode;
  value: string;
  onChange: (text: string) => void;
}

/** Text of several lines, which grows with what is typed. */
export function TextArea({ label, isLabelHidden, isCode, fault, value, onChange, ...rest }: Props) {
  const id = useId();
  const faultId = `${id}-fault`;
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={isLabelHidden ? styles.hidden : styles.label}>
        {label}
      </label>
      <textarea
        {...rest}
        id={id}
        rows={2}
        className={classes(styles.area, isCode && styles.code)}
        spellCheck={isCode ? false : undefined}
        aria-invalid={fault ? true : undefined}
        aria-describedby={fault ? faultId : undefined}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      {fault && (
        <p id={faultId} className={styles.fault}>
          {fault}
        </p>
      )}
    </div>
  );
}
