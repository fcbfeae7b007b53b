import { Field as Base } from "@base-ui/react/field";
import type { ReactNode } from "react";
import styles from "./Field.module.css";

interface Props {
  label: string;
  help?: ReactNode;
  fault?: ReactNode;
  children: ReactNode;
}

/** A control with its label, what it means, and what is wrong with it; they are tied together for screen readers. */
export function Field({ label, help, fault, children }: Props) {
  return (
    <Base.Root className={styles.field} invalid={Boolean(fault)}>
      <Base.Label className={styles.label}>{label}</Base.Label>
      {children}
      {help && <Base.Description className={styles.help}>{help}</Base.Description>}
      <Base.Error className={styles.fault} match={Boolean(fault)}>
        {fault}
      </Base.Error>
    </Base.Root>
  );
}
