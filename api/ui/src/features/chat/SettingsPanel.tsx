import { useTranslation } from "react-i18next";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { TextArea } from "../../ui/TextArea";
import type { Settings } from "./conversation";
import { fits, LIMITS, PARAMETERS } from "./request";
import styles from "./SettingsPanel.module.css";
import { THINKING } from "./structure";

interface Props {
  settings: Settings;
  /** Whether the model has thoughts to switch on and off. */
  thinks: boolean;
  onChange: (settings: Settings) => void;
}

/** The system prompt and the parameters of a conversation. */
export function SettingsPanel({ settings, thinks, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const number = new Intl.NumberFormat(i18n.language, { useGrouping: false });
  const outside = (name: (typeof PARAMETERS)[number]) => {
    const { min, max, whole } = LIMITS[name];
    const limits = { min: number.format(min), max: number.format(max) };
    return whole ? t("chat.wholeLimits", limits) : t("chat.limits", limits);
  };
  return (
    <details className={styles.panel} open>
      <summary>{t("chat.settings")}</summary>
      <div className={styles.fields}>
        <TextArea
          label={t("chat.system")}
          value={settings.system}
          onChange={(system) => onChange({ ...settings, system })}
        />
        {PARAMETERS.map((name) => (
          <Field
            key={name}
            label={t(`chat.parameter.${name}`)}
            help={t("chat.default")}
            fault={fits(name, settings[name]) ? null : outside(name)}
          >
            <Input
              inputMode="decimal"
              value={settings[name]}
              onChange={(event) => onChange({ ...settings, [name]: event.target.value })}
            />
          </Field>
        ))}
        {thinks && (
          <Select
            label={t("chat.thinkingChoice.label")}
            value={THINKING.find((one) => one === settings.thinking) ?? ""}
            options={THINKING.map((one) => [one, t(`chat.thinkingChoice.${one || "default"}`)] as const)}
            onChange={(thinking) => onChange({ ...settings, thinking })}
          />
        )}
        <label className={styles.option}>
          <input
            type="checkbox"
            checked={settings.logprobs !== ""}
            onChange={(event) => onChange({ ...settings, logprobs: event.target.checked ? "on" : "" })}
          />
          {t("chat.askOdds")}
        </label>
      </div>
    </details>
  );
}
