import { useTranslation } from "react-i18next";
import { FaultOf } from "../../parts/FaultOf";
import { Button } from "../../ui/Button";
import type { Blocked } from "./blocked";
import styles from "./Launch.module.css";
import { useLabel } from "./useLabel";

interface Props {
  id: string;
  blocked: Blocked;
  /** What the server says of the launch as it is. */
  error: Error | null;
  onUid: (uid: string) => void;
}

/** Why the form cannot be launched as it is, with what can be done, in the page's own words. */
export function Blockade({ id, blocked, error, onUid }: Props) {
  const { t } = useTranslation();
  const label = useLabel();
  const words = () => {
    switch (blocked.why) {
      case "uid":
        return t("launch.blocked.uid", { uid: blocked.uid });
      case "field":
        return t("launch.blocked.field", { field: label(blocked.field) });
      case "said":
        return <FaultOf error={error} />;
      default:
        return t(`launch.blocked.${blocked.why}`);
    }
  };
  return (
    <>
      <p id={id} className={styles.bad} aria-live="polite">
        {words()}
      </p>
      {blocked.why === "uid" && (
        <div>
          <Button onClick={() => onUid(blocked.free)}>{t("launch.callIt", { uid: blocked.free })}</Button>
        </div>
      )}
    </>
  );
}
