import type { ReactNode } from "react";
import styles from "./Fault.module.css";

interface Props {
  title: string;
  message: ReactNode;
  details?: ReactNode;
  children?: ReactNode;
}

/** What went wrong, which stays until the reader does something about it. `children`: what can be done. */
export function Fault({ title, message, details, children }: Props) {
  return (
    <div className={styles.fault} role="alert">
      <strong>{title}</strong>
      <p>{message}</p>
      {details && <div className={styles.small}>{details}</div>}
      {children}
    </div>
  );
}
