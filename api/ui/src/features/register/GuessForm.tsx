import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { ApiError } from "../../api/errors";
import { Failure } from "../../parts/Failure";
import { FaultOf } from "../../parts/FaultOf";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { type Draft, written } from "./draft";
import styles from "./Form.module.css";

/** A description that is guessed from weights: those in a folder or a file, or in a repository of a hub. */
export function GuessForm({ onDraft }: { onDraft: (draft: Draft) => void }) {
  const { t } = useTranslation();
  const [path, setPath] = useState("");
  const guess = useMutation({
    mutationFn: () => got(api.POST("/v1/model_registrations/guess", { body: { model_path: path.trim() } })),
    onSuccess: ({ model, model_type }) => onDraft({ type: model_type, text: written({ ...model }) }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (path.trim()) guess.mutate();
  };
  const isOfPath = guess.error instanceof ApiError && guess.error.param === "model_path";
  return (
    <Card title={t("register.guessTitle")}>
      <form className={styles.form} onSubmit={submit}>
        <Field
          label={t("register.place")}
          help={t("register.placeHelp")}
          fault={isOfPath && <FaultOf error={guess.error} />}
        >
          <Input
            value={path}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => {
              guess.reset();
              setPath(event.target.value);
            }}
          />
        </Field>
        {guess.error && !isOfPath && <Failure error={guess.error} />}
        <div className={styles.buttons}>
          <Button type="submit" disabled={!path.trim() || guess.isPending}>
            {guess.isPending ? t("register.guessing") : t("register.guess")}
          </Button>
          {guess.isSuccess && <span className={styles.small}>{t("register.guessed")}</span>}
        </div>
      </form>
    </Card>
  );
}
