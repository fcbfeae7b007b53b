import type { ReactNode } from "react";
import styles from "./Launch.module.css";

interface Props {
  label: string;
  on: boolean;
  fault: ReactNode;
  onChange: (on: boolean) => void;
}

/** Something that is so or not, and what is wrong with it. */
export function Switch({ label, on, fault, onChange }: Props) {
  return (
    <div>
      <label className={styles.option}>
        <input type="checkbox" checked={on} onChange={(event) => onChange(event.target.checked)} />
        {label}
      </label>
      {fault && <p className={styles.bad}>{fault}</p>}
    </div>
  );
}
