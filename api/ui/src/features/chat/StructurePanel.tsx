import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { TextArea } from "../../ui/TextArea";
import type { Settings } from "./conversation";
import styles from "./SettingsPanel.module.css";
import { EXAMPLES, FORMS, formFault, kindOf, type StructureFault, TOOL_CHOICES, toolsFault } from "./structure";

interface Props {
  settings: Settings;
  onChange: (settings: Settings) => void;
}

/** What the answer must look like, and the tools that the model may call, folded away. */
export function StructurePanel({ settings, onChange }: Props) {
  const { t } = useTranslation();
  const kind = kindOf(settings);
  const typed = kind === "object" ? null : kind;
  const said = (fault: StructureFault | null) => fault && t(`chat.fault.${fault}`);
  return (
    <details className={styles.panel}>
      <summary>{t("chat.structure")}</summary>
      <div className={styles.rows}>
        <Select
          label={t("chat.form.label")}
          value={kind ?? ""}
          options={FORMS.map((form) => [form, t(`chat.form.${form || "free"}`)] as const)}
          onChange={(form) => onChange({ ...settings, form })}
        />
        {typed && (
          <>
            <TextArea
              label={t(`chat.form.${typed}`)}
              isCode
              fault={said(formFault(settings))}
              value={settings[typed]}
              onChange={(text) => onChange({ ...settings, [typed]: text })}
            />
            {settings[typed].trim() === "" && (
              <Button onClick={() => onChange({ ...settings, [typed]: EXAMPLES[typed] })}>{t("chat.example")}</Button>
            )}
          </>
        )}
        <TextArea
          label={t("chat.tools")}
          isCode
          fault={said(toolsFault(settings))}
          value={settings.tools}
          onChange={(tools) => onChange({ ...settings, tools })}
        />
        {settings.tools.trim() === "" ? (
          <Button onClick={() => onChange({ ...settings, tools: EXAMPLES.tools })}>{t("chat.toolsExample")}</Button>
        ) : (
          <Select
            label={t("chat.toolChoice.label")}
            value={TOOL_CHOICES.find((one) => one === settings.toolChoice) ?? ""}
            options={TOOL_CHOICES.map((one) => [one, t(`chat.toolChoice.${one || "auto"}`)] as const)}
            onChange={(toolChoice) => onChange({ ...settings, toolChoice })}
          />
        )}
      </div>
    </details>
  );
}
