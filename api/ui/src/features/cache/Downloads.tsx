import { useQueries, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { Card } from "../../ui/Card";
import { DownloadView } from "./DownloadView";
import { downloadOf } from "./held";
import { progressQuery } from "./queries";

/** The downloads of launches that are under way. */
export function Downloads({ onDone }: { onDone: (said: string) => void }) {
  const { t } = useTranslation();
  const models = useQuery(live.models).data?.data ?? [];
  const loading = models.filter((model) => model.state === "loading");
  const found = useQueries({ queries: loading.map((model) => progressQuery(model.id)) });
  const shown = loading.flatMap((model, at) => {
    const download = downloadOf(found[at]?.data);
    return download ? [{ uid: model.id, download }] : [];
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
