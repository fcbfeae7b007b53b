import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import type { components } from "../../api/schema";
import { Failure } from "../../parts/Failure";
import { FaultOf } from "../../parts/FaultOf";
import { TryForm } from "../../parts/TryForm";
import { useAsk } from "../../parts/useAsk";
import { useModelFor } from "../../parts/useModelFor";
import { Card } from "../../ui/Card";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Page } from "../../ui/Page";
import { TextArea } from "../../ui/TextArea";
import { Ranking } from "./Ranking";

const route = getRouteApi("/rerank");

type Answer = components["schemas"]["RankedList"];

/** Documents in the order in which they answer a query. */
export function RerankPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const { models, model, error } = useModelFor((one) => one.model_type === "rerank", route.useSearch().model);
  const [query, setQuery] = useState(() => t("rerank.sampleQuery"));
  const [written, setWritten] = useState(() => t("rerank.sample"));
  const [most, setMost] = useState("");
  const [ranked, setRanked] = useState<string[]>([]);
  const { ask, stop, isBusy, answer, error: fault } = useAsk<Answer>("v1/rerank");
  const documents = written.split("\n").filter((line) => line.trim());
  const body = { model, query, documents, ...(most.trim() && { top_n: Number(most) || most }) };
  const param = fault instanceof ApiError ? fault.param : null;
  const faultOf = (name: string) => (param === name ? <FaultOf error={fault} /> : null);
  const begin = () => {
    setRanked(documents);
    ask(body);
  };
  return (
    <Page title={t("nav.page.rerank")}>
      {error && <Failure error={error} />}
      <TryForm
        title={t("rerank.ask")}
        models={models}
        model={model}
        onModel={(chosen) => void navigate({ search: { model: chosen }, replace: true })}
        action={t("rerank.action")}
        isReady={documents.length > 0 && query.trim() !== ""}
        isBusy={isBusy}
        onAsk={begin}
        onStop={stop}
        error={param === "top_n" ? null : fault}
        example={{ path: "rerank", body }}
      >
        <Field label={t("rerank.query")}>
          <Input value={query} onChange={(event) => setQuery(event.target.value)} />
        </Field>
        <TextArea label={t("rerank.documents")} value={written} onChange={setWritten} />
        <Field label={t("rerank.most")} help={t("rerank.mostHelp")} fault={faultOf("top_n")}>
          <Input inputMode="numeric" value={most} onChange={(event) => setMost(event.target.value)} />
        </Field>
      </TryForm>
      {answer && (
        <Card title={t("rerank.answer")}>
          <Ranking
            documents={ranked}
            scores={answer.results.map((one) => ({ index: one.index, score: one.relevance_score }))}
          />
        </Card>
      )}
    </Page>
  );
}
