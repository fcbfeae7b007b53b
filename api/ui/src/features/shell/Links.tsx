import { Link } from "@tanstack/react-router";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { apiUrl } from "../../api/address";
import styles from "./Links.module.css";
import { GROUPS } from "./links";

/** The way to every page, in groups. */
export function Links({ onChosen }: { onChosen: () => void }) {
  const { t } = useTranslation();
  const id = useId();
  return GROUPS.map(([group, pages]) => (
    <section key={group} aria-labelledby={`${id}${group}`}>
      <h2 className={styles.group} id={`${id}${group}`}>
        {t(`nav.group.${group}`)}
      </h2>
      <ul className={styles.links}>
        {pages.map(([name, path]) => (
          <li key={name}>
            <Link to={path} activeOptions={{ exact: path === "/" }} onClick={onChosen}>
              {t(`nav.page.${name}`)}
            </Link>
          </li>
        ))}
        {group === "server" && (
          <li>
            <a href={apiUrl("docs")}>{t("nav.docs")}</a>
          </li>
        )}
      </ul>
    </section>
  ));
}
