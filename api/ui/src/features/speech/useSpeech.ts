import { useEffect, useRef, useState } from "react";
import { speak, streamSpeech } from "../../api/speech";
import { useUnderWay } from "../../parts/useUnderWay";
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
  const { isBusy, error, begin: work, stop } = useUnderWay();
  const live = useRef<LiveSound>(null);
  useEffect(() => () => live.current?.close(), []);
  const begin = (body: object, format: Format, isLive: boolean) => {
    live.current?.close();
    const playing = isLive && playsLive(mimeOf(format)) ? new LiveSound(mimeOf(format)) : null;
    live.current = playing;
    let now: Spoken = { format, sound: null, live: playing?.url ?? null, warning: "", isStopped: false };
    const show = (more: Partial<Spoken>) => {
      now = { ...now, ...more };
      setSpoken(now);
    };
    show({});
    const say = async (signal: AbortSignal) => {
      try {
        show(playing ? await heard(body, playing, signal, show) : await speak(body, signal));
      } finally {
        playing?.end(); // what has come is heard to its end, whatever has become of the rest
      }
      onMade();
    };
    return work(say, () => show({ isStopped: true }));
  };
  return { spoken, isBusy, error, begin, stop };
}

/** The whole of a speech that is heard while it is made. */
async function heard(body: object, live: LiveSound, signal: AbortSignal, show: (more: Partial<Spoken>) => void) {
  const all: Uint8Array<ArrayBuffer>[] = [];
  let told = "";
  for await (const { bytes, warning } of streamSpeech(body, signal)) {
    if (bytes) {
      all.push(bytes);
      live.push(bytes);
    }
    if (warning && warning !== told) show({ warning });
    told = warning;
  }
  return { sound: new Blob(all), warning: told };
}
