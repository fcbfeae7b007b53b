import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import { FaultOf } from "../../parts/FaultOf";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { TextArea } from "../../ui/TextArea";
import type { Draft } from "./draft";
import styles from "./Images.module.css";
import { type FieldName, type Files, fieldsOf, type Mode } from "./modes";

interface Props {
  mode: Mode;
  files: Files;
  draft: Draft;
  /** The one that is asked: what it does where nothing is asked for stands in the fields. */
  model: Model | undefined;
  fault: { field: keyof Draft; error: Error } | null;
  onChange: (draft: Draft) => void;
}

const HELPED = ["size", "lora", "strength", "seconds", "control_scale", "true_cfg_scale", "scheduler"] as const;
const TYPED: readonly FieldName[] = ["size", "lora", "scheduler"];

function isHelped(name: FieldName): name is (typeof HELPED)[number] {
  return HELPED.some((one) => one === name);
}

/** What is to be drawn, and how. A field that is empty is left to the model; what it then does stands in it. */
export function Fields({ mode, files, draft, model, fault, onChange }: Props) {
  const { t } = useTranslation();
  const faultOf = (name: keyof Draft) => (fault?.field === name ? <FaultOf error={fault.error} /> : null);
  const usualOf = (name: FieldName) => {
    const always = { n: 1, control_scale: 1, seed: t("images.any") };
    const value = name in always ? always[name as keyof typeof always] : model?.defaults?.[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  const helpOf = (name: FieldName) => {
    if (name === "strength" && model?.controlnet && mode !== "guide") return t("images.help.strengthUnderControl");
    return isHelped(name) ? t(`images.help.${name}`) : undefined;
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
        {fieldsOf(mode, files).map((name) => (
          <Field key={name} label={t(`images.field.${name}`)} help={helpOf(name)} fault={faultOf(name)}>
            <Input
              value={draft[name]}
              inputMode={TYPED.includes(name) ? "text" : "decimal"}
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
