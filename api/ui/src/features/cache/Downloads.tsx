import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { LIVE_MS } from "../../api/queries";
import { downloadOf } from "../../parts/underway";
import { Card } from "../../ui/Card";
import { DownloadView } from "./DownloadView";

/** The downloads of launches that are under way. */
export function Downloads({ onDone }: { onDone: (said: string) => void }) {
  const { t } = useTranslation();
  const models = useQuery({ ...live.underway, refetchInterval: LIVE_MS / 2 }).data?.data ?? [];
  const shown = models.flatMap((model) => {
    const download = model.state === "loading" && downloadOf(model);
    return download ? [{ uid: model.model_uid, download }] : [];
  });
  return (
    <Card title={t("cache.downloads")}>
      {shown.length === 0 && <p>{t("cache.noDownloads")}</p>}
      {shown.map((one) => (
        <DownloadView key={one.uid} {...one} onDone={onDone} />
      ))}
    </Card>
  );
}
