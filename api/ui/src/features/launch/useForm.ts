import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { catalogueModelQuery } from "../../api/catalogue";
import { cascade, chosen, LEVELS, wayOf, waysOf } from "./cascade";
import { type Body, bodyOf, type Draft, isPlace } from "./draft";
import { estimateQuery } from "./queries";

const PAUSE_MS = 350;

/** The form's state: what was typed, what is chosen with it, the body that this makes, and what it would need. */
export function useForm(first: Draft) {
  const [draft, setDraft] = useState(first);
  const atPlace = isPlace(draft);
  const name = (draft["model_name"] ?? "").trim();
  const settledName = useSettled(name);
  const isKnown = !atPlace && name !== "" && settledName === name;
  const model = useQuery({ ...catalogueModelQuery(name, draft["model_type"]), enabled: isKnown });
  const ways = isKnown && model.data ? waysOf(model.data) : [];
  const steps = ways.length > 0 ? cascade(ways, draft) : [];
  const body = bodyOf({ ...draft, ...chosen(steps) });
  const text = JSON.stringify(body);
  const settled = useSettled(text);
  const isReady = atPlace ? Boolean(draft["model_path"]?.trim()) : ways.length > 0;
  const estimate = useQuery({
    ...estimateQuery(JSON.parse(settled) as Body),
    enabled: isReady && settled === text,
  });
  return {
    draft,
    name,
    atPlace,
    body,
    model,
    steps,
    way: wayOf(ways, steps),
    estimate,
    isReady,
    engine: steps[0]?.value || draft["model_engine"] || estimate.data?.model_engine || "",
    type: draft["model_type"] || (atPlace ? estimate.data?.model_type : model.data?.type) || "",
    /** Whether what is shown of the estimate is of what is in the form now. */
    isFresh: !estimate.isPlaceholderData && settled === text,
    replace: setDraft,
    set: (changes: Draft) => setDraft((before) => ({ ...withoutChoices(before, changes), ...changes })),
    drop: (field: string) => setDraft(({ [field]: _, ...rest }) => rest),
  };
}

export type Form = ReturnType<typeof useForm>;

/** Another name has sizes and formats of its own. */
function withoutChoices(before: Draft, changes: Draft): Draft {
  if (!("model_name" in changes) || isPlace(before)) return before;
  const own = [...LEVELS, "model_type"] as readonly string[];
  return Object.fromEntries(Object.entries(before).filter(([field]) => !own.includes(field)));
}

/** A text as it was when it last rested for a while. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
