import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { type AskedJob, jobsQuery } from "../../api/jobs";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import styles from "./Images.module.css";
import type { PageName } from "./modes";
import { followedOf } from "./pictures";
import { Tile } from "./Tile";

const PAGE = 12;

interface Props {
  page: PageName;
  /** What else the address says. */
  newest: { model?: string | undefined; mode?: string | undefined };
  after: string | undefined;
  /** Asks for the same again; `seed`: that of the picture. */
  onAgain: (asked: AskedJob, seed: string | null) => void;
  /** Changes a picture, of which the address is given. */
  onEdit: (url: string) => void;
}

/** What this key had drawn and has under way: its jobs, the newest first. */
export function Gallery({ page, newest, after, onAgain, onEdit }: Props) {
  const { t } = useTranslation();
  const section = useRef<HTMLElement>(null);
  const filters = { kind: page, ...(after && { after }) };
  const { data, error, refetch } = useQuery(jobsQuery(filters, PAGE));
  const jobs = data?.data ?? [];
  const followed = followedOf(jobs);
  return (
    <section ref={section} tabIndex={-1} className={styles.gallery} aria-label={t(`nav.page.${page}`)}>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && jobs.length === 0 && <p className={styles.empty}>{t(`images.none.${page}`)}</p>}
      {jobs.length > 0 && (
        <ul className={styles.tiles}>
          {jobs.map((job) => (
            <Tile
              key={job.id}
              job={job}
              isFollowed={followed.has(job.id)}
              onAgain={onAgain}
              onEdit={onEdit}
              onDeleted={() => section.current?.focus()}
            />
          ))}
        </ul>
      )}
      <div className={styles.buttons}>
        {after && (
          <Link to={`/${page}`} search={newest}>
            {t("images.newest")}
          </Link>
        )}
        {data?.has_more && data.last_id && (
          <Link to={`/${page}`} search={{ ...newest, after: data.last_id }}>
            {t("images.older")}
          </Link>
        )}
      </div>
    </section>
  );
}
