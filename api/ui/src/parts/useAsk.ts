import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { asked } from "../api/asking";

/** What a question to a model is given, as `path` answers it: the last answer, and how to ask and to stop. */
export interface Ask<T> {
  ask: (body: object) => void;
  stop: () => void;
  isBusy: boolean;
  answer: T | undefined;
  /** Null where it was stopped. */
  error: Error | null;
}

/** Asks a model at a path of the API. A new question, a stop and leaving the page break off what is under way. */
export function useAsk<T>(path: string): Ask<T> {
  const under = useRef<AbortController>(null);
  const stop = () => under.current?.abort();
  useEffect(() => () => under.current?.abort(), []);
  const { mutate, isPending, data, error } = useMutation({
    mutationFn: (body: object) => {
      stop();
      under.current = new AbortController();
      return asked<T>(path, body, under.current.signal);
    },
  });
  const isStopped = error?.name === "AbortError";
  return { ask: mutate, stop, isBusy: isPending, answer: data, error: isStopped ? null : error };
}
