import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import { parameters } from "../../lib/numbers";
import type { Step } from "./cascade";
import styles from "./Launch.module.css";
import { Reasons } from "./Reasons";

interface Props {
  step: Step;
  fault: ReactNode;
  onPick: (value: string) => void;
}

/** A level of the choice: all its values, and of each that cannot be had the reason. */
export function StepChoice({ step: { level, options, value }, fault, onPick }: Props) {
  const { t, i18n } = useTranslation();
  const id = useId();
  const said = (one: string) => (level === "model_size_in_billions" ? parameters(Number(one), i18n.language) : one);
  const isTold = options.length > 1 || level === "quantization";
  const refused = options.flatMap((one) => (one.reason === null ? [] : [{ name: said(one.value), why: one.reason }]));
  return (
    <fieldset className={styles.step} aria-describedby={fault ? `${id}-fault` : undefined}>
      <legend>{t(`launch.level.${level}`)}</legend>
      <div className={styles.options}>
        {options.map((option) => (
          <label key={option.value} className={styles.option}>
            <input
              type="radio"
              name={id}
              checked={option.value === value}
              disabled={option.reason !== null}
              onChange={() => onPick(option.value)}
            />
            {said(option.value)}
            {option.isHere && isTold && <span className={styles.tag}>{t("launch.here")}</span>}
          </label>
        ))}
      </div>
      {refused.length > 0 && <Reasons refused={refused} />}
      {fault && (
        <p id={`${id}-fault`} className={styles.bad}>
          {fault}
        </p>
      )}
    </fieldset>
  );
}
