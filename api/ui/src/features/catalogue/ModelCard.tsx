import { Link } from "@tanstack/react-router";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { CatalogueEntry } from "../../api/types";
import { decimal } from "../../lib/numbers";
import { FavouriteButton } from "./FavouriteButton";
import { Fitting } from "./Fitting";
import styles from "./ModelCard.module.css";
import { mayTry } from "./passing";
import { useWords } from "./useWords";

const MOST_ABILITIES = 4;

/** A model in the catalogue, and the ways to all of it and to its launch. */
export const ModelCard = memo(function ModelCard({ model, admin }: { model: CatalogueEntry; admin: boolean }) {
  const { t, i18n } = useTranslation();
  const words = useWords();
  const ends = [...new Set([model.sizes[0], model.sizes.at(-1)])].filter((one) => one !== undefined);
  const facts = [
    t(`type.${model.type}`),
    ends.map(words.size).join(" – "),
    model.context_length && t("catalogue.tokens", { number: decimal(model.context_length, i18n.language) }),
    model.origin === "registered" && t("catalogue.registered"),
  ];
  return (
    <li className={styles.card}>
      <div className={styles.head}>
        <h2>
          <Link to="/catalogue/$name" params={{ name: model.name }} search={{ type: model.type }}>
            {model.name}
          </Link>
        </h2>
        <FavouriteButton model={model} />
      </div>
      <p className={styles.facts}>{facts.filter(Boolean).join(" · ")}</p>
      {model.said && <p className={styles.said}>{model.said}</p>}
      {model.abilities.length > 0 && (
        <ul className={styles.abilities}>
          {model.abilities.slice(0, MOST_ABILITIES).map((ability) => (
            <li key={ability}>{words.ability(ability)}</li>
          ))}
          {model.abilities.length > MOST_ABILITIES && <li>+{model.abilities.length - MOST_ABILITIES}</li>}
        </ul>
      )}
      <div className={styles.state}>
        <Fitting model={model} />
      </div>
      {admin && mayTry(model) && (
        <Link
          className={styles.launch}
          to="/launch"
          search={{ name: model.name, type: model.type }}
          aria-label={t("catalogue.launchCard", { name: model.name })}
        >
          {t("catalogue.launch")}
        </Link>
      )}
    </li>
  );
});
