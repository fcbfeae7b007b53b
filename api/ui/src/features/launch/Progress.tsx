import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Ref, useId } from "react";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { live } from "../../api/live";
import { keys } from "../../api/queries";
import type { Model } from "../../api/types";
import { moment } from "../../lib/times";
import { Failure } from "../../parts/Failure";
import { Whys } from "../../parts/Whys";
import { Button } from "../../ui/Button";
import { Fault } from "../../ui/Fault";
import { Status } from "../../ui/Status";
import styles from "./Launch.module.css";
import { LogTail } from "./LogTail";
import { Replicas } from "./Replicas";
import { TryLink } from "./TryLink";

interface Props {
  uid: string;
  focus: Ref<HTMLElement>;
  onClose: () => void;
}

/** How far a launch is, with what can be done now: cancel it, read its log, or use it. */
export function Progress({ uid, focus, onClose }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const models = useQuery(live.models);
  const model = models.data?.data.find((one) => one.id === uid);
  if (!models.data) return null;
  return (
    <section ref={focus} tabIndex={-1} className={styles.progress} aria-labelledby={id}>
      <h2 id={id}>{t("launch.launchOf", { uid })}</h2>
      {model ? (
        <Course model={model} onClose={onClose} />
      ) : (
        <div className={styles.row}>
          <p>{t("launch.gone", { uid })}</p>
          <Button onClick={onClose}>{t("models.close")}</Button>
        </div>
      )}
    </section>
  );
}

const TONES = { ready: "good", dormant: "calm", loading: "warn", waiting: "warn", failed: "bad" } as const;

function Course({ model, onClose }: { model: Model; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const { id: uid, state } = model;
  const isDone = state === "ready" || state === "dormant";
  const isIll = state === "failed" || state === "waiting";
  const way = useQuery(live.underway).data?.data.find((one) => one.model_uid === uid);
  const end = useMutation({
    mutationFn: async () => {
      const params = { params: { path: { uid } } };
      if (isIll) await got(api.DELETE("/v1/models/{uid}", params));
      else await got(api.POST("/v1/models/{uid}/cancel", params));
    },
    onSuccess: async () => {
      await Promise.all([keys.models, keys.underway].map((queryKey) => client.invalidateQueries({ queryKey })));
      onClose();
    },
  });
  const tries = (way?.replicas ?? []).flatMap((one) => one.next_try_at ?? []);
  const next = tries.length > 0 && t("models.nextTry", { at: moment(1000 * Math.min(...tries), i18n.language) });
  return (
    <>
      <p aria-live="polite">
        <Status tone={TONES[state]}>{t(`launch.course.${state}`)}</Status>
      </p>
      {isIll && (
        <Fault title={t(`models.${state}Title`)} message={<Whys model={way} />} details={next}>
          <p>{t(`launch.${state}Next`)}</p>
        </Fault>
      )}
      {!isDone && !isIll && <Replicas replicas={way?.replicas ?? []} />}
      {!isDone && <LogTail uid={uid} />}
      {end.error && <Failure error={end.error} />}
      <div className={styles.row}>
        {isDone && <TryLink model={model} />}
        <Link to="/models/$uid" params={{ uid }}>
          {t("launch.toModel")}
        </Link>
        {isDone ? (
          <Button onClick={onClose}>{t("models.close")}</Button>
        ) : (
          <Button disabled={end.isPending} onClick={() => end.mutate()}>
            {t(isIll ? "models.dismiss" : "launch.cancel")}
          </Button>
        )}
      </div>
    </>
  );
}
