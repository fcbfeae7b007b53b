import { Field as Base } from "@base-ui/react/field";
import type { ReactNode } from "react";
import { Field } from "../../ui/Field";
import styles from "./Form.module.css";

interface Props {
  label: string;
  value: string;
  fault: ReactNode;
  onText: (text: string | undefined) => void;
}

/** A text of several lines of code. */
export function TemplateField({ label, value, fault, onText }: Props) {
  return (
    <div className={styles.area}>
      <Field label={label} fault={fault}>
        <Base.Control
          render={<textarea rows={4} spellCheck={false} />}
          className={styles.code}
          value={value}
          onChange={({ target }) => onText(target.value || undefined)}
        />
      </Field>
    </div>
  );
}
