import { onlineManager } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Fault } from "../../ui/Fault";

/** Says that this browser has no network, for as long as that is so. */
export function OfflineNote() {
  const { t } = useTranslation();
  const isOnline = useSyncExternalStore(
    (changed) => onlineManager.subscribe(changed),
    () => onlineManager.isOnline(),
  );
  return isOnline ? null : <Fault title={t("chat.offline")} message={t("chat.offlineWhy")} />;
}
