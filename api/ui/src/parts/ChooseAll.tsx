import type { ReactNode } from "react";
import styles from "./ListParts.module.css";
import type { Chosen } from "./useChosen";

interface Props {
  label: string;
  chosen: Pick<Chosen<unknown>, "all" | "chooseAll">;
  /** What can be done with those that are chosen. */
  children: ReactNode;
}

/** Chooses all things of a list's page. */
export function ChooseAll({ label, chosen: { all, chooseAll }, children }: Props) {
  return (
    <div className={styles.row}>
      <label className={styles.row}>
        <input type="checkbox" className={styles.box} checked={all} onChange={() => chooseAll(!all)} />
        {label}
      </label>
      {children}
    </div>
  );
}
