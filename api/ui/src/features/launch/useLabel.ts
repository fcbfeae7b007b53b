import { useTranslation } from "react-i18next";
import type words from "../../i18n/en/launch.json";

type Field = keyof typeof words.field;
type Level = keyof typeof words.level;

/** How the form calls a field of the API. */
export function useLabel(): (name: string) => string {
  const { t, i18n } = useTranslation();
  return (name) => {
    const [group = "", own] = name.split(/[.[]/);
    if (group === "envs") return own || t("launch.variables");
    if (group === "replica_config") return t("launch.placement");
    if (group === "peft_model_config") return t("launch.adapters");
    if (group === "model_name" || group === "name") return t("launch.name");
    if (group === "model_path") return t("launch.place");
    if (group === "model_type") return t("launch.type");
    if (i18n.exists(`launch.level.${group}`)) return t(`launch.level.${group as Level}`);
    return i18n.exists(`launch.field.${group}`) ? t(`launch.field.${group as Field}`) : name;
  };
}
