import { Fragment, type ReactNode, useId, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import styles from "./Launch.module.css";
import { TextField } from "./TextField";
import { fieldOfVariables, repeated, type Variable, variablesOf } from "./variables";

interface Props {
  value: string;
  /** What the server says is wrong with a field: `envs`, or `envs.NAME`. */
  fault: (name: string) => ReactNode;
  onChange: (text: string) => void;
}

/** The environment variables of the model's processes. What is no list of them is shown as it was given. */
export function Variables({ value, fault, onChange }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const add = useRef<HTMLButtonElement>(null);
  const list = variablesOf(value);
  const whole = fault("envs");
  if (!list) return <TextField label={t("launch.variables")} value={value} fault={whole} onChange={onChange} />;
  const twice = repeated(list);
  const change = (at: number, part: Partial<Variable>) =>
    onChange(fieldOfVariables(list.map((one, place) => (place === at ? { ...one, ...part } : one))));
  const remove = (at: number) => {
    onChange(fieldOfVariables(list.filter((_, place) => place !== at)));
    add.current?.focus();
  };
  const wrong = (name: string) => (twice.includes(name) ? t("launch.variableTwice", { name }) : fault(`envs.${name}`));
  return (
    <fieldset className={styles.step}>
      <legend>{t("launch.variables")}</legend>
      <p className={styles.small}>{t("launch.variablesHelp")}</p>
      {list.map((one, at) => {
        const why = one.name || one.value ? wrong(one.name) : null;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: they have nothing else, and their order is theirs
          <Fragment key={at}>
            <div className={styles.adapter}>
              <Field label={t("launch.variableName")}>
                <Input
                  aria-invalid={why !== null}
                  aria-describedby={why === null ? undefined : `${id}-${at}`}
                  value={one.name}
                  autoComplete="off"
                  autoCapitalize="off"
                  spellCheck={false}
                  onChange={(event) => change(at, { name: event.target.value })}
                />
              </Field>
              <Field label={t("launch.variableValue")}>
                <Input
                  value={one.value}
                  autoComplete="off"
                  spellCheck={false}
                  onChange={(event) => change(at, { value: event.target.value })}
                />
              </Field>
              <Button aria-label={t("launch.variableRemove", { name: one.name || at + 1 })} onClick={() => remove(at)}>
                {t("replica.remove")}
              </Button>
            </div>
            {why !== null && (
              <p id={`${id}-${at}`} className={styles.bad}>
                {why}
              </p>
            )}
          </Fragment>
        );
      })}
      {whole && <p className={styles.bad}>{whole}</p>}
      <div>
        <Button ref={add} onClick={() => onChange(fieldOfVariables([...list, { name: "", value: "" }]))}>
          {t("launch.variableAdd")}
        </Button>
      </div>
    </fieldset>
  );
}
