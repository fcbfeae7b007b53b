import { Link, useLocation } from "@tanstack/react-router";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { Model } from "../api/types";
import { Loading } from "./Loading";
import styles from "./ModelPicker.module.css";
import { abilityAt } from "./trying";

interface Props {
  models: readonly Model[] | undefined;
  model: string;
  onModel: (model: string) => void;
}

/** Which model is asked. One that sleeps is loaded by the request. */
export function ModelPicker({ models, model, onModel }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const ability = abilityAt(useLocation().pathname);
  if (!models) return <Loading />;
  if (models.length === 0 && !model)
    return (
      <p>
        {t("picker.none")}{" "}
        <Link to="/catalogue" search={ability ? { ability } : {}}>
          {t("picker.catalogue")}
        </Link>
      </p>
    );
  const isThere = models.some((one) => one.id === model);
  return (
    <div className={styles.picker}>
      <label htmlFor={id}>{t("picker.model")}</label>
      <select id={id} value={model} onChange={(event) => onModel(event.target.value)}>
        {!isThere && <option value={model}>{t("picker.gone", { model })}</option>}
        {models.map((one) => (
          <option key={one.id} value={one.id}>
            {one.state === "ready" ? one.id : t("picker.inState", { model: one.id, state: t(`state.${one.state}`) })}
          </option>
        ))}
      </select>
    </div>
  );
}
