import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { Abilities } from "./Abilities";
import { at, type Draft, type Json, type ModelType, read, TYPES, withAt, written } from "./draft";
import { FieldOf } from "./FieldOf";
import styles from "./Form.module.css";
import { FIELDS, LISTED } from "./fields";
import { SpecFields } from "./SpecFields";

interface Props {
  draft: Draft;
  faultAt: (name: string) => ReactNode;
  onDraft: (draft: Draft) => void;
}

/** The description as a form. It changes the same text that is shown as JSON, and leaves in what it does not know. */
export function Form({ draft, faultAt, onDraft }: Props) {
  const { t } = useTranslation();
  const model = read(draft.text);
  const types = TYPES.map((type) => [type, t(`type.${type}`)] as const);
  const isOurs = model !== null && "specs" in model && !("model_name" in model);
  return (
    <>
      <Select<ModelType>
        label={t("models.type")}
        value={draft.type}
        options={types}
        onChange={(type) => onDraft({ ...draft, type })}
      />
      {!model && <p>{t("register.noJson")}</p>}
      {isOurs && <p>{t("register.ownForm")}</p>}
      {model && !isOurs && (
        <Described
          type={draft.type}
          model={model}
          faultAt={faultAt}
          onModel={(next) => onDraft({ ...draft, text: written(next) })}
        />
      )}
    </>
  );
}

interface DescribedProps {
  type: ModelType;
  model: Json;
  faultAt: (name: string) => ReactNode;
  onModel: (model: Json) => void;
}

function Described({ type, model, faultAt, onModel }: DescribedProps) {
  const { t } = useTranslation();
  const specs = at(model, ["model_specs"]);
  const count = Array.isArray(specs) ? specs.length : 0;
  return (
    <div className={styles.form}>
      <div className={styles.fields}>
        {FIELDS[type].map((name) => (
          <FieldOf
            key={name}
            name={name}
            value={model[name]}
            fault={faultAt(name)}
            onChange={(value) => onModel(withAt(model, [name], name === "model_name" ? (value ?? "") : value))}
          />
        ))}
      </div>
      <Abilities
        type={type}
        value={model["model_ability"]}
        fault={faultAt("model_ability")}
        onChange={(value) => onModel(withAt(model, ["model_ability"], value))}
      />
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: weights have no other name
        <SpecFields key={index} {...{ model, index, faultAt, onModel }} isOnly={count === 1} />
      ))}
      {LISTED.includes(type) && (
        <div className={styles.buttons}>
          <Button onClick={() => onModel(withAt(model, ["model_specs", count], { model_format: "pytorch" }))}>
            {t("register.addWeights")}
          </Button>
        </div>
      )}
    </div>
  );
}
