import { useTranslation } from "react-i18next";
import type { Registration } from "../../api/types";
import { LaunchButton } from "../../parts/LaunchButton";
import { Button } from "../../ui/Button";
import styles from "./Form.module.css";
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
          <LaunchButton
            body={{ model_name: own.model_name, model_type: own.model_type }}
            label={t("register.launchOf", { name: own.model_name })}
          />
          <Button aria-label={t("register.againOf", { name: own.model_name })} onClick={onAgain}>
            {t("register.again")}
          </Button>
          <UnregisterButton own={own} onDone={onDone} />
        </div>
      </td>
    </tr>
  );
}
