import { useTranslation } from "react-i18next";
import type { Registration } from "../../api/types";
import { Button } from "../../ui/Button";
import styles from "./Form.module.css";
import { LaunchButton } from "./LaunchButton";
import { UnregisterButton } from "./UnregisterButton";

interface Props {
  own: Registration;
  onAgain: () => void;
  onDone: (said: string) => void;
}

/** A model that was registered: where its weights are, and what can be done with it. */
export function OwnRow({ own, onAgain, onDone }: Props) {
  const { t } = useTranslation();
  const sources = own.model_specs.map((one) => one.model_uri || one.model_id || "–");
  return (
    <tr>
      <td>{own.model_name}</td>
      <td>{t(`type.${own.model_type}`)}</td>
      <td>
        {[...new Set(sources)].map((source) => (
          <div key={source}>{source}</div>
        ))}
      </td>
      <td>
        <div className={styles.buttons}>
          <LaunchButton own={own} />
          <Button aria-label={t("register.againOf", { name: own.model_name })} onClick={onAgain}>
            {t("register.again")}
          </Button>
          <UnregisterButton own={own} onDone={onDone} />
        </div>
      </td>
    </tr>
  );
}
