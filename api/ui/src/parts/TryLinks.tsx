import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Model } from "../api/types";
import styles from "./TryLinks.module.css";
import { tryPages } from "./trying";

interface Props {
  model: Model;
  /** How many there are at most. */
  most?: number;
}

/** The ways to the pages on which a model can be tried. */
export function TryLinks({ model, most = 4 }: Props) {
  const { t } = useTranslation();
  return (
    <span className={styles.links}>
      {tryPages(model.model_ability)
        .slice(0, most)
        .map(([name, to]) => (
          <Link
            key={to}
            to={to}
            search={{ model: model.id }}
            aria-label={t("try.at", { model: model.id, page: t(`nav.page.${name}`) })}
          >
            {t(`nav.page.${name}`)}
          </Link>
        ))}
    </span>
  );
}
