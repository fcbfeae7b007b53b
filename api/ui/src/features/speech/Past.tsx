import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { jobsQuery } from "../../api/jobs";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import { type Again, PastSpeech } from "./PastSpeech";
import styles from "./SpeechPage.module.css";

/** What was said before, the newest first: the server keeps it for a while. */
export function Past({ onAgain }: { onAgain: Again }) {
  const { t } = useTranslation();
  const list = useRef<HTMLDivElement>(null);
  const { data, error, refetch } = useQuery(jobsQuery({ kind: "audio.speech", state: "succeeded" }));
  return (
    <Card title={t("speech.past")}>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data?.data.length === 0 && <p className={styles.count}>{t("speech.none")}</p>}
      <div ref={list} tabIndex={-1}>
        {data && data.data.length > 0 && (
          <ul className={styles.past}>
            {data.data.map((job) => (
              <PastSpeech key={job.id} job={job} onAgain={onAgain} onDeleted={() => list.current?.focus()} />
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}
