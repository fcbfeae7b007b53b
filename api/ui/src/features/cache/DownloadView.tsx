import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import { bytes } from "../../lib/numbers";
import { lasting } from "../../lib/times";
import { Failure } from "../../parts/Failure";
import type { Download } from "../../parts/underway";
import { Button } from "../../ui/Button";
import { Table } from "../../ui/Table";
import styles from "./DownloadView.module.css";

interface Props {
  uid: string;
  download: Download;
  onDone: (said: string) => void;
}

/** How far the files of a launch are, by file, and the way to give it up. */
export function DownloadView({ uid, download, onDone }: Props) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => got(api.POST("/v1/models/{uid}/cancel", { params: { path: { uid } } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.models });
      onDone(t("cache.cancelled", { name: uid }));
    },
  });
  const size = (count: number) => bytes(count, i18n.language);
  const left = (eta: number | null | undefined) => (typeof eta === "number" ? lasting(eta, i18n.language) : "–");
  const far = t("cache.far", { done: size(download.bytes), total: size(download.total_bytes) });
  const pace = t("cache.pace", { speed: size(download.bytes_per_s), left: left(download.eta_s) });
  const columns = [t("cache.file"), t("cache.fetched"), t("cache.speed"), t("cache.left")];
  return (
    <article className={styles.download} aria-label={uid}>
      <div className={styles.head}>
        <Link to="/models/$uid" params={{ uid }}>
          {uid}
        </Link>
        <Button
          onClick={() => cancel.mutate()}
          disabled={cancel.isPending}
          aria-label={t("cache.cancelOf", { name: uid })}
        >
          {cancel.isPending ? t("cache.cancelling") : t("cache.cancel")}
        </Button>
      </div>
      <progress
        className={styles.progress}
        aria-label={t("cache.progressOf", { name: uid })}
        max={Math.max(download.total_bytes, 1)}
        value={download.bytes}
      />
      <p>{`${far} · ${pace}`}</p>
      {cancel.error && <Failure error={cancel.error} />}
      {download.files.length > 0 && (
        <Table label={t("cache.filesOf", { name: uid })} columns={columns}>
          {download.files.map((file) => (
            <tr key={file.name}>
              <td>{file.name}</td>
              <td>{t("cache.far", { done: size(file.bytes), total: size(file.total_bytes) })}</td>
              <td>{t("cache.perSecond", { speed: size(file.bytes_per_s) })}</td>
              <td>{left(file.eta_s)}</td>
            </tr>
          ))}
        </Table>
      )}
    </article>
  );
}
