import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { FieldsProps } from "./fields";
import styles from "./Launch.module.css";
import { enginesQuery } from "./queries";
import { TextField } from "./TextField";

const TYPES = ["LLM", "embedding", "rerank", "image", "audio", "video"] as const;

/** Weights at a path or in a repository: where they are, how they are called, and what runs them. */
export function PlaceFields({ draft, set, fault }: FieldsProps) {
  const { t } = useTranslation();
  const engines = useQuery(enginesQuery).data?.data ?? [];
  const type = draft["model_type"] ?? "";
  const able = engines.filter((one) => type === "" || type in one.serves);
  const field = (name: string) => ({
    value: draft[name] ?? "",
    fault: fault(name),
    onChange: (text: string) => set({ [name]: text }),
  });
  return (
    <>
      <TextField label={t("launch.place")} help={t("launch.placeHelp")} {...field("model_path")} />
      <div className={styles.grid}>
        <TextField label={t("launch.ownName")} help={t("launch.ownNameHelp")} {...field("model_name")} />
        <TextField
          label={t("launch.type")}
          choices={TYPES.map((one) => [one, t(`type.${one}`)])}
          {...field("model_type")}
        />
        <TextField
          label={t("launch.level.model_engine")}
          choices={able.map((one) => [one.id, one.id])}
          {...field("model_engine")}
        />
      </div>
    </>
  );
}
