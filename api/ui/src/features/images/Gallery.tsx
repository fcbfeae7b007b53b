import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { type AskedJob, jobsQuery } from "../../api/jobs";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import styles from "./Images.module.css";
import { followedOf } from "./pictures";
import { Tile } from "./Tile";

const PAGE = 12;

interface Props {
  after: string | undefined;
  /** Asks for the same again; `seed`: that of the picture. */
  onAgain: (asked: AskedJob, seed: string | null) => void;
  /** Changes a picture, of which the address is given. */
  onEdit: (url: string) => void;
}

/** What this key had drawn and has under way: its jobs, the newest first. */
export function Gallery({ after, onAgain, onEdit }: Props) {
  const { t } = useTranslation();
  const filters = { kind: "images", ...(after && { after }) };
  const { data, error, refetch } = useQuery(jobsQuery(filters, PAGE));
  const jobs = data?.data ?? [];
  const followed = followedOf(jobs);
  return (
    <section className={styles.gallery} aria-label={t("images.gallery")}>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && jobs.length === 0 && <p className={styles.empty}>{t("images.none")}</p>}
      {jobs.length > 0 && (
        <ul className={styles.tiles}>
          {jobs.map((job) => (
            <Tile key={job.id} job={job} isFollowed={followed.has(job.id)} onAgain={onAgain} onEdit={onEdit} />
          ))}
        </ul>
      )}
      <div className={styles.buttons}>
        {after && (
          <Link from="/images" search={({ after: _, ...rest }) => rest}>
            {t("images.newest")}
          </Link>
        )}
        {data?.has_more && data.last_id && (
          <Link from="/images" search={(before) => ({ ...before, after: data.last_id ?? undefined })}>
            {t("images.older")}
          </Link>
        )}
      </div>
    </section>
  );
}
