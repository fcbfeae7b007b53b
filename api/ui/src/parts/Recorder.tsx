import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../ui/Button";
import { Leaving } from "./Leaving";
import { Level } from "./Level";
import styles from "./Recorder.module.css";
import { useRecorder } from "./useRecorder";

/** Records the microphone, and gives what was recorded as a file. */
export function Recorder({ onRecorded }: { onRecorded: (file: File) => void }) {
  const { t } = useTranslation();
  const button = useRef<HTMLButtonElement>(null);
  const { isAsking, stream, refusal, begin, stop, discard } = useRecorder(onRecorded);
  const drop = () => {
    button.current?.focus(); // what had the focus goes away
    discard();
  };
  return (
    <div className={styles.recorder}>
      <Button
        ref={button}
        look={stream ? "danger" : "plain"}
        aria-disabled={isAsking}
        onClick={() => !isAsking && (stream ? stop() : void begin())}
      >
        <span className={stream ? styles.stop : styles.dot} aria-hidden="true" />
        {stream ? t("recorder.stop") : isAsking ? t("recorder.asking") : t("recorder.record")}
      </Button>
      <Leaving when={stream !== null} text={t("leaving.recording")} />
      {stream && <Level stream={stream} />}
      {stream && <Button onClick={drop}>{t("recorder.discard")}</Button>}
      {refusal && (
        <p role="alert" className={styles.refusal}>
          {t(`recorder.refusal.${refusal}`)}
        </p>
      )}
    </div>
  );
}
