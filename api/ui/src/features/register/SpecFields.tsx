import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { at, type Json, nameOf, withAt } from "./draft";
import { FieldOf } from "./FieldOf";
import styles from "./Form.module.css";
import { type FieldName, SPEC_FIELDS } from "./fields";

const HUBS = [
  ["", "–"],
  ["huggingface", "Hugging Face"],
  ["modelscope", "ModelScope"],
] as const;
type Hub = (typeof HUBS)[number][0];

interface Props {
  model: Json;
  index: number;
  isOnly: boolean;
  faultAt: (name: string) => ReactNode;
  onModel: (model: Json) => void;
}

/** Weights of one size in one format: where they are. */
export function SpecFields({ model, index, isOnly, faultAt, onModel }: Props) {
  const { t } = useTranslation();
  const path = (name: string) => ["model_specs", index, name];
  const set = (name: FieldName, value: unknown) => {
    const changed = withAt(model, path(name), value);
    // Xinference has one name for one and another for several: both at once would be two answers.
    onModel(name === "quantizations" ? withAt(changed, path("quantization"), undefined) : changed);
  };
  const valueAt = (name: FieldName) => {
    const one = at(model, path("quantization"));
    if (name === "quantizations" && typeof one === "string") return [one];
    return at(model, path(name));
  };
  const hub = HUBS.find(([name]) => name === at(model, path("model_hub")))?.[0] ?? "";
  return (
    <fieldset className={styles.spec}>
      <legend>{t("register.weightsNumber", { number: index + 1 })}</legend>
      <div className={styles.fields}>
        {SPEC_FIELDS.map((name) => (
          <FieldOf
            key={name}
            name={name}
            value={valueAt(name)}
            fault={
              faultAt(nameOf(path(name))) ?? (name === "quantizations" ? faultAt(nameOf(path("quantization"))) : null)
            }
            onChange={(value) => set(name, value)}
          />
        ))}
        <Select<Hub>
          label={t("register.hub")}
          value={hub}
          options={HUBS}
          onChange={(chosen) => onModel(withAt(model, path("model_hub"), chosen || undefined))}
        />
      </div>
      {!isOnly && (
        <div className={styles.buttons}>
          <Button
            aria-label={t("register.removeWeightsNumber", { number: index + 1 })}
            onClick={() => onModel(withAt(model, ["model_specs", index], undefined))}
          >
            {t("register.removeWeights")}
          </Button>
        </div>
      )}
    </fieldset>
  );
}
