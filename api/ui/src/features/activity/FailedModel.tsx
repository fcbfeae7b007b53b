import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { ModelUnderway } from "../../api/types";
import { useAdmin } from "../../parts/useAdmin";
import { Whys } from "../../parts/Whys";
import { Button } from "../../ui/Button";
import styles from "./Activity.module.css";

interface Props {
  model: ModelUnderway;
  onHidden: () => void;
}

/** A launch that failed: the cause, and what to do. It stays until it is hidden, or the model is ready. */
export function FailedModel({ model, onHidden }: Props) {
  const uid = model.model_uid;
  const { t } = useTranslation();
  const admin = useAdmin();
  return (
    <li className={styles.line}>
      <Link to="/models/$uid" params={{ uid }}>
        {uid}
      </Link>
      <span>{t("activity.failure")}</span>
      <span className={styles.cause}>
        <Whys model={model} />
      </span>
      {admin && <span>{t("activity.next")}</span>}
      {admin && (
        <Link
          to="/models/$uid"
          params={{ uid }}
          search={{ tab: "log" }}
          aria-label={t("activity.logOf", { name: uid })}
        >
          {t("activity.log")}
        </Link>
      )}
      <Button aria-label={t("activity.hideOne", { name: uid })} onClick={onHidden}>
        {t("activity.hide")}
      </Button>
    </li>
  );
}
