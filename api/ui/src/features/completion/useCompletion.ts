import { useEffect, useRef, useState } from "react";
import type { TokenOdds, Usage } from "../../api/chat";
import { streamCompletion } from "../../api/completions";
import { type Doc, grown } from "./document";

/** How a continuation is, or how it ended. */
export interface Run {
  isRunning: boolean;
  tokens: TokenOdds[];
  usage: Usage | null;
  finish: string | null;
  /** From the first piece to the last, in seconds. */
  seconds: number;
  ignored: string;
  error: Error | null;
}

const IDLE: Run = { isRunning: false, tokens: [], usage: null, finish: null, seconds: 0, ignored: "", error: null };

/** Has a model go on with a text. `onDoc` is told of the text as it grows, once a frame at most. */
export function useCompletion(onDoc: (doc: Doc) => void) {
  const [run, setRun] = useState(IDLE);
  const under = useRef<AbortController>(null);
  useEffect(() => () => under.current?.abort(), []);
  const begin = async (start: Doc, body: object) => {
    const stopper = new AbortController();
    under.current = stopper;
    let doc = start;
    let now: Run = { ...IDLE, isRunning: true };
    let frame = 0;
    let first = 0;
    const show = () => {
      frame = 0;
      onDoc(doc);
      setRun(now);
    };
    setRun(now);
    try {
      for await (const piece of streamCompletion(body, stopper.signal)) {
        doc = grown(doc, piece.text);
        first ||= piece.text ? performance.now() : 0;
        now = {
          ...now,
          tokens: piece.tokens.length > 0 ? [...now.tokens, ...piece.tokens] : now.tokens,
          usage: piece.usage ?? now.usage,
          finish: piece.finish ?? now.finish,
          seconds: first ? (performance.now() - first) / 1000 : 0,
          ignored: piece.ignored || now.ignored,
        };
        frame ||= requestAnimationFrame(show);
      }
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      now = stopper.signal.aborted ? { ...now, finish: "stopped" } : { ...now, error };
    }
    cancelAnimationFrame(frame);
    now = { ...now, isRunning: false };
    show();
  };
  return { run, begin, stop: () => under.current?.abort(), forget: () => setRun(IDLE) };
}
