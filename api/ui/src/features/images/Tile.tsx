import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { type AskedJob, isOver, type Job, requestQuery } from "../../api/jobs";
import { moment } from "../../lib/times";
import { DeleteJob } from "../../parts/DeleteJob";
import { Button } from "../../ui/Button";
import { Ended } from "./Ended";
import styles from "./Images.module.css";
import { modeOfJob } from "./modes";
import { Pictures } from "./Pictures";
import { UnderWay } from "./UnderWay";

interface Props {
  job: Job;
  /** Whether its events are followed; else it is only asked how far it is. */
  isFollowed: boolean;
  onAgain: (asked: AskedJob, seed: string | null) => void;
  onEdit: (url: string) => void;
  onDeleted: () => void;
}

/** A job that draws: what it was asked, and how far it is or what it has drawn. */
export function Tile({ job, isFollowed, onAgain, onEdit, onDeleted }: Props) {
  const { t, i18n } = useTranslation();
  const asked = useQuery(requestQuery(job.id)).data;
  const said = asked?.input["prompt"];
  const prompt = typeof said === "string" ? said : "";
  const again = (seed: string | null) => asked && onAgain(asked, seed);
  const done = job.state === "succeeded";
  return (
    <li className={styles.tile} aria-label={prompt || job.id}>
      {!isOver(job.state) && <UnderWay job={job} isFollowed={isFollowed} />}
      {done && <Pictures job={job} prompt={prompt} onAgain={asked ? again : null} onEdit={onEdit} />}
      {isOver(job.state) && !done && <Ended job={job} />}
      <p className={styles.prompt} title={prompt}>
        {prompt}
      </p>
      <p className={styles.muted}>
        {[
          t(`images.mode.${modeOfJob(job.kind, asked?.input ?? {}, asked?.files ?? {})}`),
          job.model,
          moment(job.created_at * 1000, i18n.language),
        ].join(" · ")}
      </p>
      <div className={styles.buttons}>
        {isOver(job.state) && !done && (
          <Button disabled={!asked} onClick={() => again(null)}>
            {t("images.again")}
          </Button>
        )}
        <Link to="/jobs/$id" params={{ id: job.id }}>
          {t("images.details")}
        </Link>
        {isOver(job.state) && <DeleteJob id={job.id} name={prompt} onDeleted={onDeleted} />}
      </div>
    </li>
  );
}
