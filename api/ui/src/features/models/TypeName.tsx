import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import { TYPES } from "./search";

/** The type of a model, in words. */
export function TypeName({ model }: { model: Model }) {
  const { t } = useTranslation();
  const known = TYPES.find((type) => type === model.model_type);
  return <>{known ? t(`type.${known}`) : model.model_type}</>;
}
