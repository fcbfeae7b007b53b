import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import type { Job } from "../../api/jobs";
import { Failure } from "../../parts/Failure";
import styles from "./Images.module.css";

/** A job that has drawn nothing, and why. One that was cancelled was so on purpose. */
export function Ended({ job: { state, error } }: { job: Job }) {
  const { t } = useTranslation();
  if (state === "cancelled" || !error) return <p className={styles.ended}>{t(`jobs.state.${state}`)}</p>;
  return <Failure error={new ApiError(error.message, 500, error.code ?? "", error.param)} />;
}
