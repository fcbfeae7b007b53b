import { type ReactNode, useEffect } from "react";
import styles from "./Page.module.css";

interface Props {
  title: string;
  actions?: ReactNode;
  /** Whether it is as high and as wide as the window, and its parts scroll by themselves. */
  fills?: boolean;
  children: ReactNode;
}

/** A page: its heading, which is the tab's title too, what can be done, and its parts. */
export function Page({ title, actions, fills = false, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Headrace`;
  }, [title]);
  return (
    <div className={fills ? styles.fills : styles.page} data-fills={fills || undefined}>
      <div className={styles.head}>
        <h1>{title}</h1>
        {actions}
      </div>
      {children}
    </div>
  );
}
