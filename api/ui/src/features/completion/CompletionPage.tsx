import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { AsCode } from "../../parts/AsCode";
import { CopyButton } from "../../parts/CopyButton";
import { Failure } from "../../parts/Failure";
import { ModelPicker } from "../../parts/ModelPicker";
import { useModelFor } from "../../parts/useModelFor";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Page } from "../../ui/Page";
import styles from "./CompletionPage.module.css";
import { type Doc, retyped } from "./document";
import { Editor } from "./Editor";
import { faultyField, Parameters } from "./Parameters";
import { RunEnd } from "./RunEnd";
import { requestOf } from "./request";
import { useCompletion } from "./useCompletion";
import { useKept } from "./useKept";

const route = getRouteApi("/completion");

/** A text that a model goes on with, in its place. */
export function CompletionPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const { models, model, error } = useModelFor((one) => one.model_type === "LLM", route.useSearch().model);
  const { doc, settings, change, show } = useKept(t("completion.sample"));
  const [before, setBefore] = useState<Doc[]>([]);
  const { run, begin, stop, forget } = useCompletion(show);
  const body = requestOf(model, doc.text, settings);
  const mayBegin = model !== "" && doc.text !== "" && !run.isRunning;
  const goOn = async () => {
    if (!mayBegin) return;
    setBefore([...before, doc]);
    await begin(doc, body);
    change({}); // keeps what was written
  };
  const undo = () => {
    const last = before.at(-1);
    if (!last) return;
    setBefore(before.slice(0, -1));
    forget();
    change({ doc: last });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (run.isRunning) stop();
    else void goOn();
  };
  return (
    <Page title={t("nav.page.completion")}>
      {error && <Failure error={error} />}
      <Card title={t("completion.title")}>
        <form className={styles.form} onSubmit={submit}>
          <ModelPicker
            models={models}
            model={model}
            onModel={(chosen) => void navigate({ search: { model: chosen }, replace: true })}
          />
          <Editor
            doc={doc}
            isRunning={run.isRunning}
            onText={(text) => change({ doc: retyped(doc, text) })}
            onBegin={() => void goOn()}
          />
          <div className={styles.buttons}>
            <Button type="submit" look={run.isRunning ? "danger" : "primary"} disabled={!mayBegin && !run.isRunning}>
              {run.isRunning ? t("try.stop") : t("completion.goOn")}
            </Button>
            <Button aria-disabled={run.isRunning || before.length === 0} onClick={() => !run.isRunning && undo()}>
              {t("completion.undo")}
            </Button>
            <CopyButton text={doc.text} what={t("completion.text")} />
          </div>
          {run.error && !faultyField(run.error) && <Failure error={run.error} again={goOn} />}
          <RunEnd run={run} />
          <Parameters settings={settings} error={run.error} onChange={(next) => change({ settings: next })} />
        </form>
        <details className={styles.code}>
          <summary>{t("models.tabs.code")}</summary>
          <AsCode
            example={{ path: "completions", body, call: "completions.create", print: "answer.choices[0].text" }}
          />
        </details>
      </Card>
    </Page>
  );
}
