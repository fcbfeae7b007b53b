import { type ReactNode, type ToggleEvent, useState } from "react";
import styles from "./Launch.module.css";

interface Props {
  title: string;
  /** What is said of it while it is closed. */
  note?: string | null;
  /** Whether one of the fields is at fault, which opens them. */
  isAtFault?: boolean;
  children: ReactNode;
}

/** Fields that most leave alone. They are drawn when they are opened. */
export function Folded({ title, note = null, isAtFault = false, children }: Props) {
  const [isOpen, setOpen] = useState(isAtFault);
  const [wasAtFault, setWasAtFault] = useState(isAtFault);
  if (isAtFault !== wasAtFault) {
    setWasAtFault(isAtFault);
    if (isAtFault) setOpen(true);
  }
  return (
    <details
      className={styles.folded}
      open={isOpen}
      onToggle={(event: ToggleEvent<HTMLDetailsElement>) => setOpen(event.currentTarget.open)}
    >
      <summary>
        {title}
        {note && <span className={styles.note}> · {note}</span>}
      </summary>
      {isOpen && <div className={styles.fields}>{children}</div>}
    </details>
  );
}
