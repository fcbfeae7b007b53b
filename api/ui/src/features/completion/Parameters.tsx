import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { FaultOf } from "../../parts/FaultOf";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import styles from "./Parameters.module.css";
import { PARAMETERS, type Parameter, type Settings } from "./request";

interface Props {
  settings: Settings;
  error: Error | null;
  onChange: (settings: Settings) => void;
}

/** The field that an error is about; null where it is about none of these. */
export function faultyField(error: Error | null): Parameter | null {
  return error instanceof ApiError ? (PARAMETERS.find((name) => name === error.param) ?? null) : null;
}

/** How the text goes on. What the server says of a value stands at its field. */
export function Parameters({ settings, error, onChange }: Props) {
  const { t } = useTranslation();
  const faulty = faultyField(error);
  return (
    <details className={styles.parameters} open={faulty !== null || undefined}>
      <summary>{t("completion.parameters")}</summary>
      <div className={styles.fields}>
        {PARAMETERS.map((name) => (
          <Field
            key={name}
            label={t(`completion.parameter.${name}`)}
            help={name === "stop" ? t("completion.stopHelp") : t("chat.default")}
            fault={faulty === name && <FaultOf error={error} />}
          >
            <Input
              value={settings[name] ?? ""}
              inputMode={name === "stop" ? "text" : "decimal"}
              autoComplete="off"
              onChange={(event) => onChange({ ...settings, [name]: event.target.value })}
            />
          </Field>
        ))}
      </div>
      <label className={styles.check}>
        <input
          type="checkbox"
          checked={settings.odds ?? false}
          onChange={(event) => onChange({ ...settings, odds: event.target.checked })}
        />
        {t("completion.odds")}
      </label>
    </details>
  );
}
