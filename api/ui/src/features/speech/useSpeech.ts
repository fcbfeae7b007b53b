import { useEffect, useRef, useState } from "react";
import { speak, streamSpeech } from "../../api/speech";
import { LiveSound, playsLive } from "./liveSound";
import { type Format, mimeOf } from "./request";

/** A speech as it is made. `sound`: all of it, once it is whole; `live`: the address under which it plays before. */
export interface Spoken {
  format: Format;
  sound: Blob | null;
  live: string | null;
  warning: string;
  isStopped: boolean;
}

/** Has texts said, one at a time; what is under way ends when the page is left. `onMade` is told of each that is whole. */
export function useSpeech(onMade: () => void) {
  const [spoken, setSpoken] = useState<Spoken | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const under = useRef<AbortController>(null);
  const live = useRef<LiveSound>(null);
  useEffect(
    () => () => {
      under.current?.abort();
      live.current?.close();
    },
    [],
  );
  const begin = async (body: object, format: Format, isLive: boolean) => {
    under.current?.abort();
    live.current?.close();
    const stopper = new AbortController();
    under.current = stopper;
    live.current = isLive && playsLive(mimeOf(format)) ? new LiveSound(mimeOf(format)) : null;
    let now: Spoken = { format, sound: null, live: live.current?.url ?? null, warning: "", isStopped: false };
    const show = (more: Partial<Spoken>) => {
      now = { ...now, ...more };
      setSpoken(now);
    };
    setError(null);
    setBusy(true);
    show({});
    try {
      show(live.current ? await heard(body, live.current, stopper.signal, show) : await speak(body, stopper.signal));
      onMade();
    } catch (cause) {
      live.current?.end();
      if (stopper.signal.aborted) show({ isStopped: true });
      else setError(cause instanceof Error ? cause : new Error(String(cause)));
    }
    if (under.current === stopper) setBusy(false);
  };
  return { spoken, isBusy, error, begin, stop: () => under.current?.abort() };
}

/** The whole of a speech that is heard while it is made. */
async function heard(body: object, live: LiveSound, signal: AbortSignal, show: (more: Partial<Spoken>) => void) {
  const all: Uint8Array<ArrayBuffer>[] = [];
  let told = "";
  for await (const { bytes, warning, isLast } of streamSpeech(body, signal)) {
    if (bytes) {
      all.push(bytes);
      live.push(bytes);
    }
    if (warning && warning !== told) show({ warning });
    told = warning;
    if (isLast) live.end();
  }
  return { sound: new Blob(all), warning: told };
}
