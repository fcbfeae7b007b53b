import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { minutes } from "../lib/times";
import { levelOf } from "./microphone";
import styles from "./Recorder.module.css";

const EVERY_MS = 100;

/** How long a recording is so far, and how loud it is now. */
export function Level({ stream }: { stream: MediaStream }) {
  const { t } = useTranslation();
  const [{ seconds, level }, setNow] = useState({ seconds: 0, level: 0 });
  useEffect(() => {
    const began = performance.now();
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      setNow({ seconds: (performance.now() - began) / 1000, level: levelOf(samples) });
    }, EVERY_MS);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }, [stream]);
  return (
    <>
      <span role="timer" className={styles.time}>
        {minutes(seconds)}
      </span>
      <meter className={styles.level} aria-label={t("recorder.level")} max={1} value={level} />
    </>
  );
}
