import { useEffect, useRef, useState } from "react";

/** What is done one at a time: whether it is under way, and why the last one failed. */
export interface UnderWay {
  isBusy: boolean;
  error: Error | null;
  /**
   * Does this, and breaks off what is under way. `onStopped`: it was stopped, or left. Settles when it is over; what
   * goes wrong is in `error`.
   */
  begin: (work: (signal: AbortSignal) => Promise<void>, onStopped: () => void) => Promise<void>;
  stop: () => void;
}

/** Does one thing at a time, which can be stopped. Leaving the page stops it, too. */
export function useUnderWay(): UnderWay {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const under = useRef<AbortController>(null);
  const stop = () => under.current?.abort();
  useEffect(() => () => under.current?.abort(), []);
  const begin: UnderWay["begin"] = async (work, onStopped) => {
    stop();
    const stopper = new AbortController();
    under.current = stopper;
    setError(null);
    setBusy(true);
    try {
      await work(stopper.signal);
    } catch (cause) {
      if (under.current !== stopper) return;
      if (stopper.signal.aborted) onStopped();
      else setError(cause instanceof Error ? cause : new Error(String(cause)));
    }
    if (under.current === stopper) setBusy(false);
  };
  return { isBusy, error, begin, stop };
}
