import type { ReactNode } from "react";
import styles from "./Table.module.css";

interface Props {
  label: string;
  columns: readonly string[];
  children: ReactNode;
}

/** A table; where it is wider than the page, it is scrolled by itself, with the keyboard too. */
export function Table({ label, columns, children }: Props) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
    <div role="group" className={styles.scroll} aria-label={label} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
