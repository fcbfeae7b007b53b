import { useTranslation } from "react-i18next";
import type { CatalogueModel } from "../../api/types";
import { decimal } from "../../lib/numbers";
import { Fitting } from "./Fitting";
import styles from "./ModelFacts.module.css";
import { useWords } from "./useWords";

/** What a model is, and what it can do. */
export function ModelFacts({ model }: { model: CatalogueModel }) {
  const { t, i18n } = useTranslation();
  const words = useWords();
  const facts: [string, string | null][] = [
    [t("catalogue.type"), t(`type.${model.type}`)],
    [t("catalogue.abilities"), model.abilities.map(words.ability).join(", ")],
    [t("catalogue.languages"), model.languages.map(words.language).join(", ")],
    [t("catalogue.licence"), model.licences.join(", ")],
    [t("catalogue.context"), model.context_length ? decimal(model.context_length, i18n.language) : null],
    [t("catalogue.dimensions"), model.dimensions ? decimal(model.dimensions, i18n.language) : null],
    [t("catalogue.engines"), model.engines.join(", ")],
    [t("catalogue.aliases"), model.aliases.join(", ")],
  ];
  return (
    <dl className={styles.facts}>
      <div>
        <dt>{t("catalogue.onThisMachine")}</dt>
        <dd className={styles.state}>
          <Fitting model={model} />
        </dd>
      </div>
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
