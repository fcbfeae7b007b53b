import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import { ModelPicker } from "../../parts/ModelPicker";
import { IconButton } from "../../ui/IconButton";
import { Select } from "../../ui/Select";
import styles from "./ComparePickers.module.css";
import { MOST_BESIDE } from "./models";

interface Props {
  models: readonly Model[] | undefined;
  /** Those that are asked; the first is the conversation's own. */
  asked: readonly string[];
  onModels: (asked: readonly string[]) => void;
}

/** Which models are asked at once. */
export function ComparePickers({ models, asked, onModels }: Props) {
  const { t } = useTranslation();
  const [first = "", ...beside] = asked;
  const free = (models ?? []).map((one) => one.id).filter((id) => !asked.includes(id));
  const next = free[0];
  const changed = (at: number, model: string) => onModels(asked.map((one, index) => (index === at ? model : one)));
  return (
    <div className={styles.pickers}>
      <ModelPicker models={models} model={first} onModel={(model) => changed(0, model)} />
      {beside.map((model, index) => (
        <div key={model} className={styles.beside}>
          <Select
            label={t("chat.besideModel", { number: index + 2 })}
            value={model}
            options={[model, ...free].map((id) => [id, id] as const)}
            onChange={(other) => changed(index + 1, other)}
          />
          <IconButton
            icon="close"
            label={t("chat.removeThis", { name: model })}
            onClick={() => onModels(asked.filter((one) => one !== model))}
          />
        </div>
      ))}
      {first && next && asked.length < MOST_BESIDE && (
        <IconButton icon="compare" label={t("chat.compare")} hasWords onClick={() => onModels([...asked, next])} />
      )}
    </div>
  );
}
