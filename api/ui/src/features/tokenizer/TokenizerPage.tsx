import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { components } from "../../api/schema";
import { Failure } from "../../parts/Failure";
import { TryForm } from "../../parts/TryForm";
import { useAsk } from "../../parts/useAsk";
import { useModelFor } from "../../parts/useModelFor";
import { Card } from "../../ui/Card";
import { Choice } from "../../ui/Choice";
import { Page } from "../../ui/Page";
import { TextArea } from "../../ui/TextArea";
import { idsOf } from "./pieces";
import { type Tokenized, Tokens } from "./Tokens";

const route = getRouteApi("/tokenizer");
const TYPES = ["LLM", "embedding", "rerank"];

/** A text as a model reads it, in tokens; and back. */
export function TokenizerPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const { models, model, error } = useModelFor((one) => TYPES.includes(one.model_type), route.useSearch().model);
  const [way, setWay] = useState<"tokenize" | "detokenize">("tokenize");
  const [text, setText] = useState(() => t("tokenizer.sample"));
  const [ids, setIds] = useState("");
  const there = useAsk<Tokenized>("v1/tokenize");
  const back = useAsk<components["schemas"]["TokenText"]>("v1/detokenize");
  const forth = way === "tokenize";
  const now = forth ? there : back;
  const body = forth ? { model, prompt: text, return_token_strs: true } : { model, tokens: idsOf(ids) };
  const ways = [
    ["tokenize", t("tokenizer.forth")],
    ["detokenize", t("tokenizer.back")],
  ] as const;
  return (
    <Page title={t("nav.page.tokenizer")}>
      {error && <Failure error={error} />}
      <TryForm
        title={t("tokenizer.ask")}
        models={models}
        model={model}
        onModel={(chosen) => void navigate({ search: { model: chosen }, replace: true })}
        action={t("tokenizer.action")}
        isReady={forth ? text !== "" : idsOf(ids).length > 0}
        isBusy={now.isBusy}
        onAsk={() => now.ask(body)}
        onStop={now.stop}
        error={now.error}
        example={{ path: way, body }}
      >
        <Choice label={t("tokenizer.way")} value={way} options={ways} onChange={setWay} />
        {forth ? (
          <TextArea label={t("tokenizer.text")} value={text} onChange={setText} />
        ) : (
          <TextArea label={t("tokenizer.ids")} value={ids} onChange={setIds} />
        )}
      </TryForm>
      {forth && there.answer && (
        <Card title={t("tokenizer.tokens")}>
          <Tokens answer={there.answer} />
        </Card>
      )}
      {!forth && back.answer && (
        <Card title={t("tokenizer.text")}>
          <p>{back.answer.prompt}</p>
        </Card>
      )}
    </Page>
  );
}
