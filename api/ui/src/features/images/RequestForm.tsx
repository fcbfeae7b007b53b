import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type RefObject, useId } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { submitJob } from "../../api/jobs";
import { keys } from "../../api/queries";
import type { Model } from "../../api/types";
import { AsCode } from "../../parts/AsCode";
import { Failure } from "../../parts/Failure";
import { ModelPicker } from "../../parts/ModelPicker";
import { Button } from "../../ui/Button";
import { type Draft, fieldOf, jobOf, type Mode } from "./draft";
import { exampleOf } from "./example";
import { Fields } from "./Fields";
import styles from "./Images.module.css";

interface Props {
  mode: Mode;
  models: readonly Model[] | undefined;
  model: string;
  draft: Draft;
  /** What is focused when settings were filled in. */
  focus: RefObject<HTMLFormElement | null>;
  onModel: (model: string) => void;
  onDraft: (draft: Draft) => void;
}

/** What is asked of a model that draws. Each request is a job, so that several may wait. */
export function RequestForm({ mode, models, model, draft, focus, onModel, onDraft }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const noteId = useId();
  const job = jobOf(mode, model, draft);
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: () => submitJob(job),
    onSuccess: () => client.invalidateQueries({ queryKey: [...keys.jobs, "list"] }),
  });
  const field = error instanceof ApiError ? fieldOf(error.param) : null;
  const lacks = draft.prompt.trim() === "" ? t("images.lacksPrompt") : null;
  const change = (next: Draft) => {
    reset();
    onDraft(next);
  };
  return (
    <form
      ref={focus}
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!isPending && !lacks && model) mutate();
      }}
    >
      <ModelPicker models={models} model={model} onModel={onModel} />
      <Fields
        draft={draft}
        usual={models?.find(({ id }) => id === model)?.defaults}
        fault={field && error && { field, message: error.message }}
        onChange={change}
      />
      {error && !field && <Failure error={error} />}
      <div className={styles.buttons}>
        <Button
          type="submit"
          look="primary"
          aria-disabled={!model || lacks !== null || isPending}
          aria-describedby={noteId}
        >
          {t(`images.action.${mode}`)}
        </Button>
        <span id={noteId} className={styles.muted}>
          {lacks}
        </span>
      </div>
      <details className={styles.code}>
        <summary>{t("models.tabs.code")}</summary>
        <AsCode example={exampleOf(job)} />
      </details>
    </form>
  );
}
