import { queryOptions, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { apiUrl } from "../../api/address";
import { type Job, jobResult } from "../../api/jobs";
import { keys } from "../../api/queries";
import { exactly } from "../../lib/exact";
import { Code } from "../../parts/Code";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import styles from "./Jobs.module.css";
import { MediumView } from "./MediumView";
import { type Medium, mediaOf, textOf, written } from "./results";

/** A result as this page can show it. */
interface Shown {
  media: Medium[];
  text: string | null;
  json: string | null;
}

function resultQuery({ id, kind }: Job) {
  return queryOptions({
    queryKey: [...keys.jobs, "result", id] as const,
    queryFn: ({ signal }) => read(id, kind, signal),
    staleTime: 60_000,
  });
}

async function read(id: string, kind: string, signal: AbortSignal): Promise<Shown> {
  const response = await jobResult(id, signal);
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/json")) {
    const answer = exactly(await response.text());
    return { media: mediaOf(kind, answer), text: textOf(answer), json: written(answer) };
  }
  if (type.startsWith("text/")) return { media: [], text: await response.text(), json: null };
  await response.body?.cancel(); // it is played from its own address
  const url = apiUrl(`v1/jobs/${encodeURIComponent(id)}/result`);
  const shown = type.startsWith("audio/") ? "sound" : type.startsWith("video/") ? "video" : "picture";
  return { media: [{ kind: shown, url }], text: null, json: null };
}

/** What a job has made: seen, heard or read, to download, and as the endpoint answers it. */
export function ResultCard({ job }: { job: Job }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(resultQuery(job));
  return (
    <Card title={t("jobs.result.title")}>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && data.media.length > 0 && (
        <div className={styles.media}>
          {data.media.map((medium, index) => (
            <MediumView
              key={medium.url}
              medium={medium}
              name={t(`jobs.result.${medium.kind}`, { number: index + 1 })}
            />
          ))}
        </div>
      )}
      {data?.text && <p className={styles.text}>{data.text}</p>}
      {data?.json && <Code title={t("jobs.result.json")} text={data.json} />}
    </Card>
  );
}
