import { useEffect, useRef, useState } from "react";
import { type Hear, type Segment, streamTranscript } from "../../api/transcripts";
import { useKept } from "../../parts/useKept";
import { grown } from "./segments";

/** What a recording is written down as, so far. `of`: the recording. */
export interface Transcript {
  of: File | null;
  segments: Segment[];
  isWhole: boolean;
  isStopped: boolean;
}

const NOTHING: Transcript = { of: null, segments: [], isWhole: false, isStopped: false };

/** Has a model write down recordings, one at a time. What was written stays when the page is left, and that ends it. */
export function useTranscript() {
  const [transcript, setTranscript] = useKept<Transcript>("transcript", NOTHING);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const under = useRef<AbortController>(null);
  useEffect(() => () => under.current?.abort(), []);
  const begin = async (hear: Hear) => {
    under.current?.abort();
    const stopper = new AbortController();
    under.current = stopper;
    let now: Transcript = { ...NOTHING, of: hear.file };
    const show = (more: Partial<Transcript>) => {
      now = { ...now, ...more };
      setTranscript(now);
    };
    setError(null);
    setBusy(true);
    show({});
    try {
      for await (const { segment, whole } of streamTranscript(hear, stopper.signal)) {
        if (segment) show({ segments: grown(now.segments, segment) });
        if (whole !== null) show({ isWhole: true });
      }
    } catch (cause) {
      if (stopper.signal.aborted) show({ isStopped: true });
      else setError(cause instanceof Error ? cause : new Error(String(cause)));
    }
    if (under.current === stopper) setBusy(false);
  };
  return { transcript, isBusy, error, begin, stop: () => under.current?.abort() };
}
