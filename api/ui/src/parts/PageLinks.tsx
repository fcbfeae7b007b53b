import type { ReactNode } from "react";
import styles from "./ListParts.module.css";

interface Props {
  /** The page of a list that the server gave. */
  page: { has_more: boolean; last_id?: string | null } | undefined;
  /** Where it begins; undefined for the first. */
  after: string | undefined;
  first: ReactNode;
  next: (after: string) => ReactNode;
}

/** The ways to the first page of a list, and to the next. */
export function PageLinks({ page, after, first, next }: Props) {
  return (
    <div className={styles.row}>
      {after && first}
      {page?.has_more && page.last_id && next(page.last_id)}
    </div>
  );
}
