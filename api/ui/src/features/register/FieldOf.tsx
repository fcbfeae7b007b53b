import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { listOf, numberOf } from "./draft";
import styles from "./Form.module.css";
import { type FieldName, KINDS } from "./fields";
import { TemplateField } from "./TemplateField";

interface Props {
  name: FieldName;
  value: unknown;
  fault: ReactNode;
  onChange: (value: unknown) => void;
}

/** A field of a description, with what it means and what is wrong with it. */
export function FieldOf({ name, value, fault, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const help = i18n.exists(`register.help.${name}`) ? t(`register.help.${name as "model_name"}`) : null;
  const kind = KINDS[name];
  if (kind === "area")
    return <TemplateField label={t(`register.field.${name}`)} value={textOf(value)} fault={fault} onText={onChange} />;
  return (
    <div className={styles[kind]}>
      <Field label={t(`register.field.${name}`)} help={help} fault={fault}>
        {kind === "list" ? (
          <ListInput value={value} onChange={onChange} />
        ) : (
          <Input
            value={textOf(value)}
            inputMode={kind === "number" ? "decimal" : "text"}
            autoComplete="off"
            spellCheck={false}
            onChange={({ target }) => onChange(kind === "number" ? numberOf(target.value) : target.value || undefined)}
          />
        )}
      </Field>
    </div>
  );
}

/** Words between commas. What is being typed stays as it is, as long as it means the same. */
function ListInput({ value, onChange }: { value: unknown; onChange: (value: unknown) => void }) {
  const [typed, setTyped] = useState("");
  const words = Array.isArray(value) ? value.map(String) : [];
  const isSame = (listOf(typed) ?? []).join() === words.join();
  return (
    <Input
      value={isSame ? typed : words.join(", ")}
      autoComplete="off"
      spellCheck={false}
      onChange={({ target }) => {
        setTyped(target.value);
        onChange(listOf(target.value));
      }}
    />
  );
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" || typeof value === "number" ? String(value) : JSON.stringify(value);
}
