import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { LIVE_MS } from "../../api/queries";
import type { Model } from "../../api/types";
import { Card } from "../../ui/Card";
import styles from "./FirstRun.module.css";
import { ReasonOf } from "./ReasonOf";

/** How far the model is that is tried; once it is ready, the page becomes the chat with it. */
export function Trying({ uid, models }: { uid: string; models: readonly Model[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const state = models.find((model) => model.id === uid)?.state;
  const isReady = state === "ready";
  useEffect(() => {
    if (isReady) void navigate({ to: "/chat", search: { model: uid }, replace: true });
  }, [isReady, navigate, uid]);
  const { data } = useQuery({ ...live.underway, refetchInterval: LIVE_MS / 2 });
  const progress = data?.data.find((model) => model.model_uid === uid)?.progress ?? 0;
  if (!state) return null;
  const ill = state === "failed" || state === "waiting";
  return (
    <Card title={t("first.trying", { name: uid })}>
      {!ill && <progress className={styles.progress} aria-label={t("first.loading")} max={1} value={progress} />}
      <p>{ill ? <ReasonOf uid={uid} /> : t("first.soon")}</p>
      <Link to="/models/$uid" params={{ uid }}>
        {t("first.more", { name: uid })}
      </Link>
    </Card>
  );
}
