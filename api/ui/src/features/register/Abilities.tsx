import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { ModelType } from "./draft";
import styles from "./Form.module.css";
import { ABILITIES } from "./fields";

interface Props {
  type: ModelType;
  value: unknown;
  fault: ReactNode;
  onChange: (value: unknown) => void;
}

/** What the model is able to do. Abilities that the form does not know stay. */
export function Abilities({ type, value, fault, onChange }: Props) {
  const { t } = useTranslation();
  const able: unknown[] = Array.isArray(value) ? value : [];
  const names = ABILITIES[type];
  if (names.length === 0) return null;
  const set = (name: string, isAble: boolean) => {
    const next = isAble ? [...able, name] : able.filter((one) => one !== name);
    onChange(next.length > 0 ? next : undefined);
  };
  return (
    <fieldset className={styles.checks}>
      <legend>{t("register.abilities")}</legend>
      {names.map((name) => (
        <label key={name}>
          <input type="checkbox" checked={able.includes(name)} onChange={({ target }) => set(name, target.checked)} />
          {t(`ability.${name}`)}
        </label>
      ))}
      {fault && <p role="alert">{fault}</p>}
    </fieldset>
  );
}
