import { type ReactNode, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { type Adapter, adaptersOf, fieldOf } from "./adapters";
import styles from "./Launch.module.css";
import { TextField } from "./TextField";

interface Props {
  value: string;
  fault: ReactNode;
  onChange: (text: string) => void;
}

/** The LoRA adapters that are loaded with a model. What is no list of them is shown as it was given. */
export function Adapters({ value, fault, onChange }: Props) {
  const { t } = useTranslation();
  const add = useRef<HTMLButtonElement>(null);
  const list = adaptersOf(value);
  if (!list) return <TextField label={t("launch.adapters")} value={value} fault={fault} onChange={onChange} />;
  const change = (at: number, part: Partial<Adapter>) =>
    onChange(fieldOf(list.map((one, place) => (place === at ? { ...one, ...part } : one))));
  const remove = (at: number) => {
    onChange(fieldOf(list.filter((_, place) => place !== at)));
    add.current?.focus();
  };
  return (
    <fieldset className={styles.step}>
      <legend>{t("launch.adapters")}</legend>
      {list.map((one, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they have nothing else, and their order is theirs
        <div key={at} className={styles.adapter}>
          <Field label={t("launch.adapterName")}>
            <Input value={one.name} spellCheck={false} onChange={(event) => change(at, { name: event.target.value })} />
          </Field>
          <Field label={t("launch.adapterPath")}>
            <Input value={one.path} spellCheck={false} onChange={(event) => change(at, { path: event.target.value })} />
          </Field>
          <Button aria-label={t("launch.adapterRemove", { name: one.name || at + 1 })} onClick={() => remove(at)}>
            {t("replica.remove")}
          </Button>
        </div>
      ))}
      {fault && <p className={styles.bad}>{fault}</p>}
      <div>
        <Button ref={add} onClick={() => onChange(fieldOf([...list, { name: "", path: "" }]))}>
          {t("launch.adapterAdd")}
        </Button>
      </div>
    </fieldset>
  );
}
