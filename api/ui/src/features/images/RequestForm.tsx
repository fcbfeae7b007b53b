import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type RefObject, useId } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { submitWithFiles } from "../../api/jobForms";
import { keys } from "../../api/queries";
import type { Model } from "../../api/types";
import { AsCode } from "../../parts/AsCode";
import { Failure } from "../../parts/Failure";
import { ModelPicker } from "../../parts/ModelPicker";
import { Button } from "../../ui/Button";
import { type Draft, fieldOf, jobOf, lackOf } from "./draft";
import { exampleOf } from "./example";
import { Fields } from "./Fields";
import styles from "./Images.module.css";
import type { Files, Mode } from "./modes";
import { Sources } from "./Sources";

interface Props {
  mode: Mode;
  models: readonly Model[] | undefined;
  model: string;
  draft: Draft;
  files: Files;
  /** Changes when all was filled in anew. */
  filled: number;
  /** What is focused when settings were filled in. */
  focus: RefObject<HTMLFormElement | null>;
  onModel: (model: string) => void;
  onDraft: (draft: Draft) => void;
  onFiles: (files: Files) => void;
}

/** What is asked of a model that draws. Each request is a job, so that several may wait. */
export function RequestForm({ mode, models, model, draft, files, filled, focus, onModel, onDraft, onFiles }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const noteId = useId();
  const job = jobOf(mode, model, draft, files);
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: () => submitWithFiles(job),
    onSuccess: () => client.invalidateQueries({ queryKey: [...keys.jobs, "list"] }),
  });
  const field = error instanceof ApiError ? fieldOf(error.param) : null;
  const lack = lackOf(mode, draft, files);
  const lacks = lack && t(`images.lacks.${lack}`);
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
      {mode === "guide" && models?.length === 0 && <p className={styles.muted}>{t("images.noControlNet")}</p>}
      <Sources mode={mode} files={files} filled={filled} onFiles={onFiles} />
      <Fields
        mode={mode}
        files={files}
        draft={draft}
        model={models?.find(({ id }) => id === model)}
        fault={field && error && { field, error }}
        onChange={change}
      />
      {error && !field && <Failure error={error} again={() => mutate()} isAsked />}
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
          {isPending ? t("images.sending") : lacks}
        </span>
      </div>
      <details className={styles.code}>
        <summary>{t("models.tabs.code")}</summary>
        <AsCode example={exampleOf(job)} />
      </details>
    </form>
  );
}
