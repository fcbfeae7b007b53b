import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { ModelUnderway } from "../../api/types";
import { STAGES } from "../../parts/underway";
import { Whys } from "../../parts/Whys";
import { Status } from "../../ui/Status";
import styles from "./Devices.module.css";
import { isHopeless } from "./waits";

/** A model that is not ready: what it waits for, and why. */
export function WaitingModelLine({ model }: { model: ModelUnderway }) {
  const { t } = useTranslation();
  const { model_uid: uid } = model;
  const stage = model.state === "waiting" ? "pending" : STAGES.find((one) => one === model.stage);
  return (
    <li>
      <div className={styles.wait}>
        <Link to="/models/$uid" params={{ uid }}>
          {uid}
        </Link>
        <Status tone={isHopeless(model) ? "bad" : "warn"}>{t(`activity.stage.${stage ?? "pending"}`)}</Status>
      </div>
      <div className={styles.label}>
        <Whys model={model} /> {isHopeless(model) && t("devices.hopeless")}
      </div>
    </li>
  );
}
