import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Choice } from "../../ui/Choice";
import { TextArea } from "../../ui/TextArea";
import type { Json } from "./draft";
import styles from "./Form.module.css";
import { TemplateResult } from "./TemplateResult";
import { bodyOf, exampleOf, messagesIn, sourceOf, type TemplateBody, THINKING, type Trial } from "./trying";

const FIRST: Trial = { conversation: written(false), tools: false, thinking: "default" };

/** The chat template of a described model, tried out with a conversation. */
export function TemplateCard({ model }: { model: Json | null }) {
  const { t } = useTranslation();
  const [trial, setTrial] = useState(FIRST);
  const render = useMutation({
    mutationFn: (body: TemplateBody) => got(api.POST("/v1/chat_templates/render", { body })),
  });
  const body = bodyOf(model, trial);
  const source = sourceOf(model);
  const fault = messagesIn(trial.conversation) ? null : t("register.tried.noMessages");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (body) render.mutate(body);
  };
  // The example goes with the tools; what was typed instead of it stays.
  const toolsTo = (tools: boolean) => {
    const isExample = trial.conversation === written(trial.tools);
    setTrial({ ...trial, tools, conversation: isExample ? written(tools) : trial.conversation });
  };
  return (
    <Card title={t("register.tried.title")}>
      <form className={styles.form} onSubmit={submit}>
        <p className={styles.small}>
          {source?.chat_template && t("register.tried.own")}
          {source?.model_path && t("register.tried.ofWeights", { place: source.model_path })}
          {!source && t("register.tried.none")}
        </p>
        <TextArea
          label={t("register.tried.conversation")}
          isCode
          value={trial.conversation}
          fault={fault}
          onChange={(conversation) => setTrial({ ...trial, conversation })}
        />
        <div className={styles.checks}>
          <label>
            <input type="checkbox" checked={trial.tools} onChange={(event) => toolsTo(event.target.checked)} />
            {t("register.tried.tools")}
          </label>
        </div>
        <Choice
          label={t("register.tried.thinking")}
          value={trial.thinking}
          options={THINKING.map((one) => [one, t(`register.tried.think.${one}`)] as const)}
          onChange={(thinking) => setTrial({ ...trial, thinking })}
        />
        <div className={styles.buttons}>
          <Button type="submit" disabled={!body || render.isPending}>
            {render.isPending ? t("register.tried.rendering") : t("register.tried.render")}
          </Button>
        </div>
        {render.error && <Failure error={render.error} />}
      </form>
      {render.data && <TemplateResult rendered={render.data} asked={trial} />}
    </Card>
  );
}

function written(tools: boolean): string {
  return JSON.stringify(exampleOf(tools), null, 2);
}
