import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { catalogueQuery } from "../../api/catalogue";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { looksLikePlace } from "./draft";
import type { FieldsProps } from "./fields";
import styles from "./Launch.module.css";

const MOST = 400;

interface Props extends FieldsProps {
  /** Takes what was typed as a path or a repository. */
  onPlace: (place: string) => void;
}

/** The name of a model of the catalogue, with suggestions. */
export function NameField({ draft, set, fault, onPlace }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const names = [...new Set(useQuery(catalogueQuery).data?.data.map((one) => one.name))];
  const typed = draft["model_name"] ?? "";
  const near = names.filter((name) => name.toLowerCase().includes(typed.toLowerCase())).slice(0, MOST);
  return (
    <>
      <Field label={t("launch.name")} help={t("launch.nameHelp")} fault={fault("model_name")}>
        <Input
          value={typed}
          list={id}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => set({ model_name: event.target.value })}
        />
      </Field>
      <datalist id={id}>
        {near.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {looksLikePlace(typed) && fault("model_name") !== null && (
        <div className={styles.row}>
          <Button onClick={() => onPlace(typed)}>{t("launch.asPlace")}</Button>
        </div>
      )}
    </>
  );
}
