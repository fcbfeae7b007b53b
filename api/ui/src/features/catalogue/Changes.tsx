import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { CatalogueChange } from "../../api/types";
import { decimal } from "../../lib/numbers";
import { Notice } from "../../ui/Notice";
import styles from "./Catalogue.module.css";

const KINDS = ["added", "changed", "removed"] as const;

/** What another catalogue changed. It takes the focus, for what was pressed may be gone. */
export function Changes({ change }: { change: CatalogueChange }) {
  const { t, i18n } = useTranslation();
  const notice = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change is told
  useEffect(() => notice.current?.focus(), [change]);
  const found = KINDS.filter((kind) => change[kind].count > 0);
  const number = (count: number) => decimal(count, i18n.language);
  return (
    <Notice ref={notice} tabIndex={-1}>
      <div className={styles.changes}>
        <p>
          {t(found.length > 0 ? "catalogue.update.done" : "catalogue.update.same", {
            families: number(change.families),
          })}
        </p>
        {found.map((kind) => {
          const { count, names } = change[kind];
          return (
            <details key={kind} open={count <= 10}>
              <summary>{t(`catalogue.update.${kind}`, { number: number(count) })}</summary>
              <p>
                {names.join(", ")}
                {count > names.length && ` ${t("catalogue.update.more", { number: number(count - names.length) })}`}
              </p>
            </details>
          );
        })}
      </div>
    </Notice>
  );
}
