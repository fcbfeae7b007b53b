import { useTranslation } from "react-i18next";
import type { CatalogueEntry } from "../../api/types";
import { classes } from "../../lib/classes";
import styles from "./FavouriteButton.module.css";
import { toggleFavourite, useFavourites } from "./favourites";
import { keyOf } from "./passing";

/** Makes a model a favourite of this browser, or takes that back. */
export function FavouriteButton({ model }: { model: CatalogueEntry }) {
  const { t } = useTranslation();
  const key = keyOf(model);
  const isOne = useFavourites().has(key);
  return (
    <button
      type="button"
      className={classes(styles.star, isOne && styles.chosen)}
      aria-pressed={isOne}
      aria-label={t("catalogue.favourite", { name: model.name })}
      title={t("catalogue.favourite", { name: model.name })}
      onClick={() => toggleFavourite(key)}
    >
      <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
        <path d="M12 3.2l2.7 5.6 6.1.8-4.5 4.2 1.1 6.1L12 17l-5.4 2.9 1.1-6.1L3.2 9.6l6.1-.8z" />
      </svg>
    </button>
  );
}
