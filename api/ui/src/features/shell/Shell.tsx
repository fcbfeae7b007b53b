import { Outlet, useLocation } from "@tanstack/react-router";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { classes } from "../../lib/classes";
import { Button } from "../../ui/Button";
import { Links } from "./Links";
import styles from "./Shell.module.css";
import { useLanding } from "./useLanding";

/** What stands around every page: the way to the others, on a narrow screen behind a button, and what is under way. */
export function Shell({ activity }: { activity: ReactNode }) {
  const { t } = useTranslation();
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const content = useLanding();
  const here = useLocation({ select: ({ publicHref }) => publicHref.replace(/#.*/, "") });
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href={`${here}#content`}>
        {t("app.skip")}
      </a>
      <header className={styles.side}>
        <div className={styles.head}>
          <div className={styles.name}>{t("app.name")}</div>
          <Button className={styles.menu} aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
            {t("nav.menu")}
          </Button>
        </div>
        <nav id={id} className={classes(!isOpen && styles.closed)} aria-label={t("nav.label")}>
          <Links onChosen={() => setOpen(false)} />
        </nav>
      </header>
      <div className={styles.column}>
        {activity}
        <main ref={content} id="content" className={styles.main} tabIndex={-1}>
          <Outlet />
        </main>
      </div>
    </div>
  );
}
