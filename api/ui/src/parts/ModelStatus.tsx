import { useTranslation } from "react-i18next";
import type { Model } from "../api/types";
import { Status } from "../ui/Status";

const TONES = { ready: "good", loading: "warn", waiting: "warn", dormant: "calm", failed: "bad" } as const;

/** The state of a model. */
export function ModelStatus({ state }: { state: Model["state"] }) {
  const { t } = useTranslation();
  return <Status tone={TONES[state]}>{t(`state.${state}`)}</Status>;
}
