import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "../../api/jobs";
import { keys } from "../../api/queries";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";
import { Question } from "../../ui/Question";
import { doToAll } from "./acting";
import styles from "./Jobs.module.css";
import { ACTIONS, type Action, fits } from "./search";

interface Props {
  jobs: readonly Job[];
  /** Whether they were chosen in a list: then each button counts those that it is for. */
  chosen?: boolean;
  onDone: (action: Action, failed: number) => unknown;
}

/** What can be done to these jobs. It is asked once for all, but for what is easily done again to one. */
export function Actions({ jobs, chosen = false, onDone }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const bar = useRef<HTMLDivElement>(null);
  const [asking, setAsking] = useState<{ action: Action; ids: string[] } | null>(null);
  const act = useMutation({
    mutationFn: ({ action, ids }: { action: Action; ids: string[] }) => doToAll(action, ids),
    onSuccess: async ({ failed }, { action }) => {
      setAsking(null);
      await onDone(action, failed);
      await client.invalidateQueries({ queryKey: keys.jobs });
      bar.current?.focus(); // the button that was pressed may be of no more use
    },
  });
  const begin = (action: Action, ids: string[]) => {
    act.reset();
    if (chosen || action === "delete") setAsking({ action, ids });
    else act.mutate({ action, ids });
  };
  const possible = ACTIONS.map((action) => [action, jobs.filter(({ state }) => fits(action, state))] as const);
  return (
    <div className={styles.actions} ref={bar} tabIndex={-1}>
      {possible.map(([action, those]) => {
        if (!chosen && those.length === 0) return null;
        return (
          <Button
            key={action}
            look={action === "delete" ? "danger" : "plain"}
            disabled={those.length === 0 || act.isPending}
            onClick={() =>
              begin(
                action,
                those.map(({ id }) => id),
              )
            }
          >
            {chosen
              ? t("jobs.counted", { what: t(`jobs.do.${action}`), number: those.length })
              : t(`jobs.do.${action}`)}
          </Button>
        );
      })}
      {act.data?.error && (
        <div>
          {chosen && <p>{t("jobs.partly", { failed: act.data.failed, all: act.data.all })}</p>}
          <Failure error={act.data.error} />
        </div>
      )}
      {asking && (
        <Question
          open
          title={t(`jobs.ask.${asking.action}`, { number: asking.ids.length })}
          text={t(`jobs.then.${asking.action}`)}
          no={t("jobs.no")}
          yes={t(`jobs.do.${asking.action}`)}
          busy={act.isPending}
          onNo={() => setAsking(null)}
          onYes={() => act.mutate(asking)}
        />
      )}
    </div>
  );
}
