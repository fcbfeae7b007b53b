import { useTranslation } from "react-i18next";
import { CopyButton } from "../../parts/CopyButton";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import styles from "./AnswerCard.module.css";
import type { Transcript } from "./useTranscript";

interface Props {
  transcript: Transcript;
  isBusy: boolean;
}

/** What was said, as it is written down. */
export function AnswerCard({ transcript, isBusy }: Props) {
  const { t } = useTranslation();
  const text = transcript.segments.map((one) => one.text).join("");
  return (
    <Card title={t("transcription.answer")}>
      {text && <p className={styles.text}>{text}</p>}
      {transcript.isWhole && !text && <p>{t("transcription.silence")}</p>}
      {transcript.isStopped && <p>{t("chat.stopped")}</p>}
      {isBusy && <Loading />}
      {text && !isBusy && (
        <div>
          <CopyButton text={text} what={t("transcription.answer")} />
        </div>
      )}
    </Card>
  );
}
