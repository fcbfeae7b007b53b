import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { createElement, type ReactNode, useEffect, useState } from "react";
import { api, got } from "../../api/client";
import { ApiError } from "../../api/errors";
import { keys } from "../../api/queries";
import type { Registration } from "../../api/types";
import { FaultOf } from "../../parts/FaultOf";
import type { Draft } from "./draft";

const PAUSE_MS = 500;

export interface Check {
  /** What it would be in the catalogue; null while that is not known. */
  entry: Registration | null;
  /** The names of fields that have no effect here. */
  ignored: string[];
  error: Error | null;
  /** What is wrong at a field, by its name in the description. */
  faultAt: (name: string) => ReactNode;
}

/** What the server says of a description, a moment after it was last changed. Nothing is kept there. */
export function useCheck(draft: Draft, isChecked: boolean): Check {
  const [still, setStill] = useState(draft);
  useEffect(() => {
    const timer = setTimeout(() => setStill(draft), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [draft]);
  const { data, error } = useQuery({
    queryKey: keys.registrationCheck(still.type, still.text),
    queryFn: ({ signal }) => checked(still, signal),
    retry: false,
    enabled: isChecked,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const shown = isChecked ? error : null;
  const param = shown instanceof ApiError ? (shown.param ?? "") : "";
  return {
    entry: (isChecked && !error && data?.entry) || null,
    ignored: (!error && data?.ignored) || [],
    error: shown,
    faultAt: (name) => (param.replace(/^model\.?/, "") === name ? createElement(FaultOf, { error: shown }) : null),
  };
}

async function checked({ type, text }: Draft, signal: AbortSignal) {
  const path = { model_type: type };
  const asked = api.POST("/v1/model_registrations/{model_type}", {
    params: { path, query: { dry_run: true } },
    body: { model: text },
    signal,
  });
  const entry = await got(asked);
  const ignored = (await asked).response.headers.get("x-headrace-ignored") ?? "";
  return { entry, ignored: ignored.split(",").flatMap((one) => one.trim() || []) };
}
