import { memo } from "react";
import { useTranslation } from "react-i18next";
import { minutes } from "../../lib/times";
import styles from "./Segments.module.css";
import type { Timed } from "./segments";

interface Props {
  segments: readonly Timed[];
  /** The one that is played now; -1 if none. */
  current: number;
  /** Plays the recording from here, in seconds; null where it is no longer there. */
  onPlay: ((seconds: number) => void) | null;
}

/** What was said and when; the recording is played from each of the times. */
export function Segments({ segments, current, onPlay }: Props) {
  const { t } = useTranslation();
  return (
    <ol className={styles.segments} aria-label={t("transcription.segments")}>
      {segments.map((one, at) => (
        <Row key={`${one.start} ${one.end}`} segment={one} isCurrent={at === current} onPlay={onPlay} />
      ))}
    </ol>
  );
}

interface RowProps {
  segment: Timed;
  isCurrent: boolean;
  onPlay: Props["onPlay"];
}

const Row = memo(function Row({ segment, isCurrent, onPlay }: RowProps) {
  const { t } = useTranslation();
  const time = minutes(segment.start);
  return (
    <li aria-current={isCurrent ? "true" : undefined}>
      {onPlay ? (
        <button type="button" aria-label={t("transcription.playFrom", { time })} onClick={() => onPlay(segment.start)}>
          {time}
        </button>
      ) : (
        <span>{time}</span>
      )}
      <p>{segment.text.trim()}</p>
    </li>
  );
});
