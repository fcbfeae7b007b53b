import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { remember, remembered } from "../../lib/memory";
import styles from "./Activity.module.css";
import { FailedModel } from "./FailedModel";
import { JobsLine } from "./JobsLine";
import { MovingModel } from "./MovingModel";
import { jobCounts, models as modelsQuery } from "./queries";
import { Summary } from "./Summary";
import { failureOf, stillHidden, underway } from "./underway";
import { useHidden } from "./useHidden";

const MOST = 3;

/** What is under way, on every page: models that become ready, launches that failed, jobs. Nothing where nothing is. */
export function Activity() {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(remembered("activity") !== "closed");
  const [hidden, setHidden] = useHidden();
  const summary = useRef<HTMLElement>(null);
  const models = useQuery(modelsQuery).data?.data;
  const jobs = useQuery(jobCounts).data ?? { running: 0, queued: 0, isMore: false };
  useEffect(() => {
    const still = models && stillHidden(hidden, models);
    if (still && still.length < hidden.length) setHidden((all) => stillHidden(all, models));
  });
  const { moving, failed } = underway(models ?? [], hidden);
  const [shownFailed, shownMoving] = [failed.slice(0, MOST), moving.slice(0, MOST)];
  const more = failed.length + moving.length - shownFailed.length - shownMoving.length;
  if (moving.length + failed.length + jobs.running + jobs.queued === 0) return null;
  const hide = (failure: string) => {
    const isLast = moving.length + failed.length + jobs.running + jobs.queued === 1; // the strip goes, and focus with it
    (isLast ? document.getElementById("content") : summary.current)?.focus();
    setHidden((all) => [...all.filter((one) => one !== failure), failure]);
  };
  const toggle = (event: SyntheticEvent<HTMLDetailsElement>) => {
    remember("activity", event.currentTarget.open ? "open" : "closed");
    setOpen(event.currentTarget.open);
  };
  return (
    <section className={styles.strip} aria-label={t("activity.label")}>
      <details open={isOpen} onToggle={toggle}>
        <summary ref={summary}>
          <Summary moving={moving.length} failed={failed.length} jobs={jobs} />
        </summary>
        {isOpen && (
          <ul className={styles.lines}>
            {shownFailed.map((model) => (
              <FailedModel key={failureOf(model)} model={model} onHidden={() => hide(failureOf(model))} />
            ))}
            {shownMoving.map((model) => (
              <MovingModel key={model.model_uid} model={model} />
            ))}
            {more > 0 && (
              <li>
                <Link to="/models">{t("activity.more", { number: more })}</Link>
              </li>
            )}
            <JobsLine jobs={jobs} />
          </ul>
        )}
      </details>
    </section>
  );
}
