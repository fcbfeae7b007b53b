import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { apiUrl } from "../../api/address";
import styles from "./Shell.module.css";

/** What stands around every page: the way to the others. */
export function Shell() {
  const { t } = useTranslation();
  const here = useLocation({ select: ({ publicHref }) => publicHref.replace(/#.*/, "") });
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href={`${here}#content`}>
        {t("app.skip")}
      </a>
      <header className={styles.side}>
        <div className={styles.name}>{t("app.name")}</div>
        <nav aria-label={t("nav.label")}>
          <ul className={styles.links}>
            <li>
              <Link to="/" activeOptions={{ exact: true }}>
                {t("nav.overview")}
              </Link>
            </li>
            <li>
              <Link to="/models">{t("nav.models")}</Link>
            </li>
            <li>
              <Link to="/chat">{t("nav.chat")}</Link>
            </li>
            <li>
              <Link to="/settings">{t("nav.settings")}</Link>
            </li>
            <li>
              <a href={apiUrl("docs")}>{t("nav.docs")}</a>
            </li>
          </ul>
        </nav>
      </header>
      <main id="content" className={styles.main} tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}
