import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
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
import { Vectors } from "./Vectors";

const route = getRouteApi("/embeddings");

interface Answer {
  data: { embedding: number[] }[];
  usage: { prompt_tokens: number };
}

/** Texts as vectors, and how similar they are. */
export function EmbeddingsPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const { models, model, error } = useModelFor((one) => one.model_type === "embedding", route.useSearch().model);
  const [written, setWritten] = useState(() => t("embeddings.sample"));
  const [dimensions, setDimensions] = useState("");
  const [texts, setTexts] = useState<string[]>([]);
  const { ask, stop, isBusy, answer, error: fault } = useAsk<Answer>("v1/embeddings");
  const lines = written.split("\n").filter((line) => line.trim());
  const body = { model, input: lines, ...(dimensions.trim() && { dimensions: Number(dimensions) || dimensions }) };
  const param = fault instanceof ApiError ? fault.param : null;
  const begin = () => {
    setTexts(lines);
    ask(body);
  };
  return (
    <Page title={t("nav.page.embeddings")}>
      {error && <Failure error={error} />}
      <TryForm
        title={t("embeddings.ask")}
        models={models}
        model={model}
        onModel={(chosen) => void navigate({ search: { model: chosen }, replace: true })}
        action={t("embeddings.action")}
        isReady={lines.length > 0}
        isBusy={isBusy}
        onAsk={begin}
        onStop={stop}
        error={param === "dimensions" ? null : fault}
        example={{ path: "embeddings", body, call: "embeddings.create", print: "answer.data[0].embedding" }}
      >
        <TextArea label={t("embeddings.texts")} value={written} onChange={setWritten} />
        <Field
          label={t("embeddings.dimensions")}
          help={t("embeddings.dimensionsHelp")}
          fault={param === "dimensions" && <FaultOf error={fault} />}
        >
          <Input inputMode="numeric" value={dimensions} onChange={(event) => setDimensions(event.target.value)} />
        </Field>
      </TryForm>
      {answer && (
        <Card title={t("embeddings.answer")}>
          <Vectors
            texts={texts}
            vectors={answer.data.map((one) => one.embedding)}
            tokens={answer.usage.prompt_tokens}
          />
        </Card>
      )}
    </Page>
  );
}
