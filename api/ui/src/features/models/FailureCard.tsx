import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import { moment } from "../../lib/times";
import { causesOf } from "../../parts/causes";
import { Told } from "../../parts/Told";
import { useAdmin } from "../../parts/useAdmin";
import { Fault } from "../../ui/Fault";
import { replicasQuery } from "./queries";
import { RelaunchButton } from "./RelaunchButton";

/** Why a model could not be loaded, and what can be done. It stays until the model is loaded, or dismissed. */
export function FailureCard({ model }: { model: Model }) {
  const { t, i18n } = useTranslation();
  const admin = useAdmin();
  const { causes, nextTryMs } = causesOf(useQuery(replicasQuery(model.id)).data ?? []);
  const failed = model.state === "failed";
  const next = nextTryMs !== null && t("models.nextTry", { at: moment(nextTryMs, i18n.language) });
  return (
    <Fault
      title={failed ? t("models.failedTitle") : t("models.waitingTitle")}
      message={causes.map((one) => <Told key={one.text} {...one} />)}
      details={next}
    >
      <p>{failed ? t("models.failedNext") : t("models.waitingNext")}</p>
      {admin && (
        <Link to="/models/$uid" params={{ uid: model.id }} search={{ tab: "log" }}>
          {t("models.toLog")}
        </Link>
      )}
      {admin && failed && <RelaunchButton model={model} />}
    </Fault>
  );
}
