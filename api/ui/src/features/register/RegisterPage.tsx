import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Note } from "../../parts/Note";
import { useAdmin } from "../../parts/useAdmin";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Page } from "../../ui/Page";
import { CheckView } from "./CheckView";
import { BLANK, type Draft, read } from "./draft";
import { Form } from "./Form";
import styles from "./Form.module.css";
import { GuessForm } from "./GuessForm";
import { JsonArea } from "./JsonArea";
import { OwnList } from "./OwnList";
import { RegisterButton } from "./RegisterButton";
import layout from "./RegisterPage.module.css";
import { TemplateCard } from "./TemplateCard";
import { useCheck } from "./useCheck";
import { useDraft } from "./useDraft";

/** Where a model is described, so that it can be launched by a name. */
export function RegisterPage() {
  const { t } = useTranslation();
  const admin = useAdmin();
  const [draft, setDraft] = useDraft();
  const [note, setNote] = useState<string | null>(null);
  const name = String(read(draft.text)?.["model_name"] ?? read(draft.text)?.["name"] ?? "");
  const isBlank = read(draft.text) !== null && name === "";
  const check = useCheck(draft, admin && !isBlank);
  const change = (next: Draft) => {
    setNote(null);
    setDraft(next);
  };
  const registered = (said: string) => {
    setDraft(BLANK);
    setNote(said);
  };
  if (!admin)
    return (
      <Page title={t("nav.page.register")}>
        <p>{t("register.adminOnly")}</p>
      </Page>
    );
  return (
    <Page title={t("nav.page.register")}>
      {note && <Note text={note} onClose={() => setNote(null)} />}
      <GuessForm onDraft={change} />
      <Card title={t("register.describe")}>
        <div className={layout.sides}>
          <div className={styles.form}>
            <Form draft={draft} faultAt={check.faultAt} onDraft={change} />
          </div>
          <div className={layout.json}>
            <JsonArea draft={draft} fault={check.faultAt("")} onDraft={change} />
          </div>
        </div>
        <CheckView check={check} />
        {isBlank && <p className={styles.small}>{t("register.nameFirst")}</p>}
        <div className={styles.buttons}>
          <RegisterButton draft={draft} name={name} isFine={check.entry !== null} onDone={registered} />
          <Button onClick={() => change(BLANK)}>{t("register.fresh")}</Button>
        </div>
      </Card>
      {draft.type === "LLM" && <TemplateCard model={read(draft.text)} />}
      <OwnList onDraft={change} onDone={setNote} />
    </Page>
  );
}
