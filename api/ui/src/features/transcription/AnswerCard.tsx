import { useTranslation } from "react-i18next";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import styles from "./AnswerCard.module.css";
import { Downloads } from "./Downloads";
import { Progress } from "./Progress";
import { Segments } from "./Segments";
import { placeOf, timed } from "./segments";
import type { Transcript } from "./useTranscript";

interface Props {
  transcript: Transcript;
  isBusy: boolean;
  /** How long the recording is, in seconds; 0 where that is not known. */
  length: number;
  /** Where it plays, in seconds. */
  time: number;
  onPlay: ((seconds: number) => void) | null;
}

/** What was said, as it is written down. */
export function AnswerCard({ transcript, isBusy, length, time, onPlay }: Props) {
  const { t } = useTranslation();
  const { segments, of } = transcript;
  const text = segments.map((one) => one.text).join("");
  const stretches = timed(segments);
  return (
    <Card title={t("transcription.answer")}>
      {isBusy && (text ? <Progress done={segments.at(-1)?.end ?? 0} length={length} /> : <Loading />)}
      {transcript.isStopped && <p>{t("transcription.stopped")}</p>}
      {text && !isBusy && of && <Downloads segments={segments} of={of} />}
      {stretches ? (
        <Segments segments={stretches} current={onPlay && time > 0 ? placeOf(stretches, time) : -1} onPlay={onPlay} />
      ) : (
        text && <p className={styles.text}>{text}</p>
      )}
      {transcript.isWhole && !text && <p>{t("transcription.silence")}</p>}
    </Card>
  );
}
