import { type Hear, type Segment, streamTranscript } from "../../api/transcripts";
import { useKept } from "../../parts/useKept";
import { useUnderWay } from "../../parts/useUnderWay";
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
  const { isBusy, error, begin: work, stop } = useUnderWay();
  const begin = (hear: Hear) => {
    let now: Transcript = { ...NOTHING, of: hear.file };
    const show = (more: Partial<Transcript>) => {
      now = { ...now, ...more };
      setTranscript(now);
    };
    show({});
    const write = async (signal: AbortSignal) => {
      for await (const { segment, whole } of streamTranscript(hear, signal)) {
        if (segment) show({ segments: grown(now.segments, segment) });
        if (whole !== null) show({ isWhole: true });
      }
    };
    return work(write, () => show({ isStopped: true }));
  };
  return { transcript, isBusy, error, begin, stop };
}
