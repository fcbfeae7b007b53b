import { type ComponentProps, useId } from "react";
import styles from "./TextArea.module.css";

interface Props extends Omit<ComponentProps<"textarea">, "onChange" | "value" | "id"> {
  label: string;
  /** Whether the label is for screen readers alone. */
  isLabelHidden?: boolean;
  value: string;
  onChange: (text: string) => void;
}

/** Text of several lines, which grows with what is typed. */
export function TextArea({ label, isLabelHidden = false, value, onChange, ...rest }: Props) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={isLabelHidden ? styles.hidden : styles.label}>
        {label}
      </label>
      <textarea
        {...rest}
        id={id}
        rows={2}
        className={styles.area}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
