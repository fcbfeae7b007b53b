import { useTranslation } from "react-i18next";

const TYPES = ["LLM", "embedding", "rerank", "image", "audio", "video"] as const;

/** The type of a model, in words. */
export function TypeName({ type }: { type: string }) {
  const { t } = useTranslation();
  const known = TYPES.find((one) => one === type);
  return <>{known ? t(`type.${known}`) : type}</>;
}
