import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { CopyButton } from "../../parts/CopyButton";
import { type Draft, read } from "./draft";
import styles from "./Form.module.css";
import { TemplateField } from "./TemplateField";

interface Props {
  draft: Draft;
  fault: ReactNode;
  onDraft: (draft: Draft) => void;
}

/** The description as JSON, or as YAML, which the server reads too. */
export function JsonArea({ draft, fault, onDraft }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <TemplateField
        label={t("register.json")}
        value={draft.text}
        fault={fault}
        onText={(text) => onDraft({ ...draft, text: text ?? "" })}
      />
      <div className={styles.buttons}>
        <CopyButton text={draft.text} what={t("register.json")} />
        {read(draft.text) === null && <span className={styles.small}>{t("register.yaml")}</span>}
      </div>
    </>
  );
}
