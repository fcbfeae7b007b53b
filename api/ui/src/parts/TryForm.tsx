import type { FormEvent, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Model } from "../api/types";
import { Button } from "../ui/Button";
import { Card } from "../ui/Card";
import { AsCode } from "./AsCode";
import type { Example } from "./example";
import { Failure } from "./Failure";
import { ModelPicker } from "./ModelPicker";
import styles from "./TryForm.module.css";

interface Props {
  title: string;
  models: readonly Model[] | undefined;
  model: string;
  onModel: (model: string) => void;
  /** What the button says. */
  action: string;
  /** Whether there is something to ask. */
  isReady: boolean;
  isBusy: boolean;
  onAsk: () => void;
  onStop: () => void;
  error: Error | null;
  example: Example;
  children: ReactNode;
}

/** What a model is asked: which one, what, and the same as a program. */
export function TryForm({ title, models, model, onModel, action, isReady, isBusy, onAsk, onStop, ...rest }: Props) {
  const { t } = useTranslation();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAsk();
  };
  return (
    <Card title={title}>
      <form className={styles.form} onSubmit={submit}>
        <ModelPicker models={models} model={model} onModel={onModel} />
        {rest.children}
        {rest.error && <Failure error={rest.error} isAsked />}
        <div className={styles.buttons}>
          <Button type="submit" look="primary" disabled={!model || !isReady || isBusy}>
            {action}
          </Button>
          {isBusy && <Button onClick={onStop}>{t("try.stop")}</Button>}
        </div>
      </form>
      <details className={styles.code}>
        <summary>{t("models.tabs.code")}</summary>
        <AsCode example={rest.example} />
      </details>
    </Card>
  );
}
