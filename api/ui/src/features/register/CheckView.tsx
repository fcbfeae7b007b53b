import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { Failure } from "../../parts/Failure";
import { FaultOf } from "../../parts/FaultOf";
import { Status } from "../../ui/Status";
import styles from "./Form.module.css";
import type { Check } from "./useCheck";

/** What the server says of the description as it stands. */
export function CheckView({ check: { entry, ignored, error } }: { check: Check }) {
  const { t } = useTranslation();
  const where = error instanceof ApiError ? error.param?.replace(/^model\.?/, "") : "";
  return (
    <>
      {error && where && (
        <p>
          <Status tone="bad">{t("register.faulty")}</Status> <code>{where}</code>: <FaultOf error={error} />
        </p>
      )}
      {error && !where && <Failure error={error} />}
      {entry && <Status tone="good">{t("register.fine")}</Status>}
      {ignored.length > 0 && <p className={styles.small}>{t("register.ignored", { names: ignored.join(", ") })}</p>}
    </>
  );
}
