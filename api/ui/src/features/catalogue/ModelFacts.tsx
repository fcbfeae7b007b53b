import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { CatalogueModel } from "../../api/types";
import { decimal } from "../../lib/numbers";
import { FactList } from "../../ui/FactList";
import { Fitting } from "./Fitting";
import { tonguesOf } from "./tongues";
import { useWords } from "./useWords";

/** What a model is, and what it can do. */
export function ModelFacts({ model }: { model: CatalogueModel }) {
  const { t, i18n } = useTranslation();
  const words = useWords();
  const facts: [string, ReactNode][] = [
    [t("catalogue.onThisMachine"), <Fitting key="fitting" model={model} />],
    [t("catalogue.type"), t(`type.${model.type}`)],
    [t("catalogue.abilities"), model.abilities.map(words.ability).join(", ")],
    [t("catalogue.languages"), tonguesOf(model).map(words.language).join(", ")],
    [t("catalogue.licence"), model.licences.join(", ")],
    [t("catalogue.context"), model.context_length ? decimal(model.context_length, i18n.language) : null],
    [t("catalogue.dimensions"), model.dimensions ? decimal(model.dimensions, i18n.language) : null],
    [t("catalogue.engines"), model.engines.join(", ")],
    [t("catalogue.aliases"), model.aliases.join(", ")],
  ];
  return <FactList facts={facts} />;
}
