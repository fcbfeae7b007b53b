import { useState } from "react";
import { useTranslation } from "react-i18next";
import { save } from "../../lib/saving";
import { Loading } from "../../parts/Loading";
import { Player } from "../../parts/Player";
import { Told } from "../../parts/Told";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { mimeOf, nameOf } from "./request";
import styles from "./SpeechPage.module.css";
import type { Spoken } from "./useSpeech";

/** What was said: heard while it comes or when it is whole, and kept. */
export function SpokenCard({ spoken, isBusy }: { spoken: Spoken; isBusy: boolean }) {
  const { t } = useTranslation();
  const { format, sound, live, warning, isStopped } = spoken;
  const [broken, setBroken] = useState<string | null>(null);
  const name = nameOf(format);
  return (
    <Card title={t("speech.answer")}>
      <div className={styles.sound}>
        {live && live !== broken ? (
          // biome-ignore lint/a11y/useMediaCaption: it says the text above
          <audio key={live} src={live} controls autoPlay aria-label={name} onError={() => setBroken(live)} />
        ) : (
          sound && format !== "pcm" && <Player sound={sound} name={name} />
        )}
        {isBusy && <Loading />}
        {isStopped && <p>{t("chat.stopped")}</p>}
        {warning && (
          <p className={styles.warning}>
            {t("speech.warning")} <Told text={warning} />
          </p>
        )}
        {sound && format === "pcm" && <p className={styles.count}>{t("speech.raw")}</p>}
        {sound && (
          <Button onClick={() => save(new Blob([sound], { type: mimeOf(format) }), name)}>
            {t("speech.download", { name })}
          </Button>
        )}
      </div>
    </Card>
  );
}
