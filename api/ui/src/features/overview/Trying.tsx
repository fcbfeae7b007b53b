import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys, LIVE_MS } from "../../api/queries";
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
  const { data } = useQuery({
    queryKey: keys.progress(uid),
    queryFn: ({ signal }) => got(api.GET("/v1/models/{uid}/progress", { params: { path: { uid } }, signal })),
    refetchInterval: LIVE_MS / 2,
    enabled: state !== undefined && !isReady,
  });
  if (!state) return null;
  const ill = state === "failed" || state === "waiting";
  return (
    <Card title={t("first.trying", { name: uid })}>
      {!ill && (
        <progress className={styles.progress} aria-label={t("first.loading")} max={1} value={data?.progress ?? 0} />
      )}
      <p>{ill ? <ReasonOf uid={uid} /> : t("first.soon")}</p>
      <Link to="/models/$uid" params={{ uid }}>
        {t("first.more", { name: uid })}
      </Link>
    </Card>
  );
}
