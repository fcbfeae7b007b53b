import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { TextArea } from "../../ui/TextArea";
import { type Draft, type FieldName, MODES, type Mode } from "./draft";
import styles from "./Images.module.css";

interface Props {
  mode: Mode;
  draft: Draft;
  /** What the model does where nothing is asked for. */
  usual: Model["defaults"] | undefined;
  fault: { field: keyof Draft; message: string } | null;
  onChange: (draft: Draft) => void;
}

const HELPED = ["size", "lora", "strength", "seconds"] as const;

function isHelped(name: FieldName): name is (typeof HELPED)[number] {
  return HELPED.some((one) => one === name);
}

/** What is to be drawn, and how. A field that is empty is left to the model; what it then does stands in it. */
export function Fields({ mode, draft, usual, fault, onChange }: Props) {
  const { t } = useTranslation();
  const faultOf = (name: keyof Draft) => (fault?.field === name ? fault.message : null);
  const usualOf = (name: FieldName) => {
    const value = name === "n" ? 1 : name === "seed" ? t("images.any") : usual?.[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  return (
    <>
      {(["prompt", "negative_prompt"] as const).map((name) => (
        <TextArea
          key={name}
          label={t(`images.field.${name}`)}
          value={draft[name]}
          fault={faultOf(name)}
          onChange={(text) => onChange({ ...draft, [name]: text })}
        />
      ))}
      <div className={styles.fields}>
        {MODES[mode].fields.map((name) => (
          <Field
            key={name}
            label={t(`images.field.${name}`)}
            help={isHelped(name) ? t(`images.help.${name}`) : undefined}
            fault={faultOf(name)}
          >
            <Input
              value={draft[name]}
              inputMode={name === "size" || name === "lora" ? "text" : "decimal"}
              placeholder={usualOf(name)}
              autoComplete="off"
              onChange={(event) => onChange({ ...draft, [name]: event.target.value })}
            />
          </Field>
        ))}
      </div>
    </>
  );
}
