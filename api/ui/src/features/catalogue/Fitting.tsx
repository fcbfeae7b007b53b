import { useTranslation } from "react-i18next";
import type { CatalogueEntry } from "../../api/types";
import { bytes } from "../../lib/numbers";
import { Status } from "../../ui/Status";
import { isUnmeasured } from "./passing";

const TONES = {
  unserved: "calm",
  unknown: "calm",
  asking: "warn",
  engine: "bad",
  code: "warn",
  memory: "bad",
} as const;

/** Whether a model fits this machine, with how much it takes at least, and whether it is here already. */
export function Fitting({ model }: { model: CatalogueEntry }) {
  const { t, i18n } = useTranslation();
  const size = model.least_bytes === null ? null : bytes(model.least_bytes, i18n.language);
  const from = model.least_of === "weights" ? "catalogue.fitsWeights" : "catalogue.fitsFrom";
  const fits = size === null ? t("catalogue.fits") : t(from, { size });
  return (
    <>
      {model.cause === null ? (
        <Status tone={isUnmeasured(model) ? "calm" : "good"}>
          {isUnmeasured(model) ? t("catalogue.unmeasured") : fits}
        </Status>
      ) : (
        <Status tone={TONES[model.cause]}>{t(`catalogue.cause.${model.cause}`, { size: size ?? "" })}</Status>
      )}
      {model.cached && <Status tone="good">{t("catalogue.here")}</Status>}
    </>
  );
}
